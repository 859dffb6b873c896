/* Configs in a temporary folder, for the tests of the config. */
#ifndef TESTS_CONFIG_FILES_H
#define TESTS_CONFIG_FILES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

/* The part of a config that has no default. */
#define DATA "\"data\": {\"train\": {\"images\": \"i.gz\", \"labels\": \"l.gz\"}}"

static char folder[256], file[300];

/* What the last load has said. */
static struct config_faults faults;
static struct err err;

static int make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/dltrain-config-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    char *absolute = realpath(folder, NULL);
    snprintf(folder, sizeof folder, "%s", absolute);
    free(absolute);
    snprintf(file, sizeof file, "%s/some.json", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    config_faults_release(&faults);
    unlink(file);
    return rmdir(folder);
}

static bool load_with(const char *text, const char *const *overrides, size_t count, struct config *config) {
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    config_faults_release(&faults);
    err = (struct err){0};
    return config_load(file, overrides, count, config, &faults, &err);
}

/* A file of that text is refused, with exactly these lines; "%" at their start stands for the file's name. */
static void refused(const char *text, const char *const *overrides, size_t override_count,
                    const char *const *lines, size_t count) {
    struct config config = {0};
    struct text expected = {0};
    assert_false(load_with(text, overrides, override_count, &config));
    for (size_t i = 0; i < count; i++)
        text_addf(&expected, "%s%s%s", i == 0 ? "" : "\n", lines[i][0] == '%' ? file : "",
                  lines[i] + (lines[i][0] == '%'));
    assert_string_equal(faults.lines.s, expected.s);
    assert_int_equal(faults.count, count);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_int_equal(strncmp(err.text, expected.s, strcspn(expected.s, "\n")), 0);
    assert_null(config.name);
    text_release(&expected);
}

#define OVERRIDES(...)                                                                                       \
    (const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(const char *)
#define LINES(...)   OVERRIDES(__VA_ARGS__)
#define NO_OVERRIDES NULL, 0

static inline void refused_file(const char *text, const char *line) {
    refused(text, NO_OVERRIDES, &line, 1);
}

static inline void refused_set(const char *override, const char *line) {
    refused("{" DATA "}", &override, 1, &line, 1);
}

static inline struct config accepted(const char *text, const char *const *overrides, size_t count) {
    struct config config = {0};
    if (!load_with(text, overrides, count, &config))
        fail_msg("%s", faults.lines.s != NULL ? faults.lines.s : err.text);
    assert_int_equal(faults.count, 0);
    assert_int_equal(err.kind, ERR_NONE);
    return config;
}

#endif
