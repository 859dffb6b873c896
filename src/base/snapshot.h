/* The state of a computation as named arrays, put aside so that another process can go on from it. A module
 * names the pieces of its state once, in one function for both directions: a snapshot that is taken copies
 * the values, one that is restored writes them back and checks type, length and range. A failure is
 * remembered, as in struct text, and nothing is done from then on: one check at the end. */
#ifndef BASE_SNAPSHOT_H
#define BASE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "base/text.h"

enum snapshot_type { SNAPSHOT_U8, SNAPSHOT_U32, SNAPSHOT_U64, SNAPSHOT_F32, SNAPSHOT_F64, SNAPSHOT_TYPES };

struct snapshot_piece {
    char *name; /* owned: "search.stopping.best" */
    enum snapshot_type type;
    size_t count;       /* elements */
    const void *values; /* in the bytes of this machine */
    void *owned;        /* memory of the values, or NULL: borrowed */
};

struct snapshot;

/* An empty one, to be taken. Release with snapshot_free. */
struct snapshot *snapshot_create(struct err *err) MUST_CHECK;
/* One to be restored from count pieces, which it copies but for the values; those are borrowed. */
struct snapshot *snapshot_of(const struct snapshot_piece *pieces, size_t count, struct err *err) MUST_CHECK;
void snapshot_free(struct snapshot *s);

size_t snapshot_count(const struct snapshot *s);
const struct snapshot_piece *snapshot_at(const struct snapshot *s, size_t i);
size_t snapshot_type_size(enum snapshot_type type);

/* Whether values are written back, and nothing has failed so far. */
bool snapshot_restores(const struct snapshot *s);
/* ERR_DATA, "PIECE: what is wrong with it", or ERR_SYSTEM for want of memory. */
bool snapshot_ok(const struct snapshot *s, struct err *err) MUST_CHECK;
/* Records what a module finds wrong with what it has restored. */
void snapshot_refuse(struct snapshot *s, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
void snapshot_fail(struct snapshot *s, const struct err *err);

enum { SNAPSHOT_DEPTH = 8 };

/* Names until the snapshot_leave that belongs to it begin with "group."; at most SNAPSHOT_DEPTH deep. */
void snapshot_enter(struct snapshot *s, const char *group);
void snapshot_leave(struct snapshot *s);

/* Arrays of a length that the state's owner knows. */
void snapshot_reals(struct snapshot *s, const char *name, real *values, size_t count);
void snapshot_doubles(struct snapshot *s, const char *name, double *values, size_t count);
void snapshot_sizes(struct snapshot *s, const char *name, size_t *values, size_t count, size_t most);
void snapshot_u32s(struct snapshot *s, const char *name, uint32_t *values, size_t count, uint32_t most);
void snapshot_u64s(struct snapshot *s, const char *name, uint64_t *values, size_t count);
void snapshot_bytes(struct snapshot *s, const char *name, void *values, size_t count);

/* Single values; what is restored lies within the limits. */
void snapshot_double(struct snapshot *s, const char *name, double *value);
void snapshot_size(struct snapshot *s, const char *name, size_t *value, size_t most);
void snapshot_u64(struct snapshot *s, const char *name, uint64_t *value);
void snapshot_bool(struct snapshot *s, const char *name, bool *value);
void snapshot_int(struct snapshot *s, const char *name, int *value, int least, int most);
/* Text of any length, which is replaced. */
void snapshot_text(struct snapshot *s, const char *name, struct text *text);

/* An array that may be absent and whose owner need not exist yet: *values NULL is put aside as nothing and
 * restored as NULL; else count doubles are allocated, released by mem_free, once as many are known to be
 * there. */
void snapshot_optional_doubles(struct snapshot *s, const char *name, double **values, size_t count);
void snapshot_optional_reals(struct snapshot *s, const char *name, real **values, size_t count);
void snapshot_optional_u64s(struct snapshot *s, const char *name, uint64_t **values, size_t count);
/* The same for one that is never absent. */
void snapshot_made_doubles(struct snapshot *s, const char *name, double **values, size_t count);

#endif
