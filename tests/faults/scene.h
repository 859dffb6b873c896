/* What the campaigns of torture.c play in: a folder with small data, a config and a finished run; texts and
 * files to compare. Whatever fails here ends the program: it is no finding. */
#ifndef TESTS_FAULTS_SCENE_H
#define TESTS_FAULTS_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* Says why and ends the program. */
_Noreturn void give_up(const char *format, ...) PRINTF_LIKE(1, 2);

/* One of eight texts that are used in turn. */
const char *textf(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- files ---- */

struct content {
    char *bytes; /* with a NUL behind them; NULL: there is no such file */
    size_t len;
};

struct content file_content(const char *path);
void content_release(struct content *content);
bool content_same(const struct content *a, const struct content *b);
/* Whether a is how b begins. */
bool content_begins(const struct content *a, const struct content *b);

/* Blanks out what differs between two equal runs: times, rates, the peak of memory, threads and instruction
 * set, in JSON, XML and in pages. */
void content_settle(struct content *content);

/* Of a file that must be there; kept to the end. */
const char *absolute_path(const char *path);

/* The files of a folder, in the order of their names. */
struct listing {
    char **name;
    size_t count;
};

struct listing folder_list(const char *path); /* empty where there is none */
bool listing_has(const struct listing *listing, const char *name);
void listing_release(struct listing *listing);
void folder_remove(const char *path);
void folder_copy(const char *from, const char *to);

/* ---- the scene ---- */

/* Makes a folder for everything, in memory where that is to be had, goes there and writes data/, tiny.json,
 * and table.json for the tables among the data. */
const char *scene_make(void);
void scene_remove(void);

#endif
