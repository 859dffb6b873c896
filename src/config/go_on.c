/* Whether a run that began with one config may go on with another: key by key, by the table. */
#include "config/config.h"

#include <string.h>

#include "config/keys.h"

/* A key of both configs. */
struct pair {
    const struct pair *outer; /* the object or list element around it; NULL: the root */
    const struct key *key;
    size_t element; /* of a list, SIZE_MAX: none */
};

static void add_path(const struct pair *at, struct text *out) {
    if (!at || !at->key->name)
        return;
    add_path(at->outer, out);
    text_addf(out, "%s%s", out->len ? "." : "", at->key->name);
    if (at->element != SIZE_MAX)
        text_addf(out, ".%zu", at->element);
}

/* The value as JSON; nothing where there is none. */
static void add_value(const struct key *key, const void *spec, bool given, struct text *out) {
    struct json_writer w = {.out = out};
    if (!given)
        text_add(out, key->flags & KEY_NULL ? "null" : "nothing");
    else if (key->type == &key_object)
        text_add(out, "an object");
    else if (key->type == &key_list)
        text_addf(out, "%zu element%s", key_list_count(key, spec), key_list_count(key, spec) == 1 ? "" : "s");
    else
        key->type->print(key, (const char *)spec + key->offset, &w);
}

static bool refuse(const struct pair *at, const struct text *was, const struct text *is, struct err *err) {
    struct text path = {0};
    add_path(at, &path);
    bool ok = text_ok(&path, err) && text_ok(was, err) && text_ok(is, err);
    if (ok)
        err_set(err, ERR_CONFIG, "%s: the run began with %.200s, it cannot go on with %.200s%s", path.s,
                was->s, is->s, at->key->flags & KEY_MAY_GROW ? ": it may only grow" : "");
    text_release(&path);
    return false;
}

static bool grows(const struct key *key, const void *was, const void *is) {
    const size_t *before = (const void *)((const char *)was + key->offset);
    const size_t *now = (const void *)((const char *)is + key->offset);
    return (key->flags & KEY_MAY_GROW) && *now >= *before;
}

static bool same_rows(const struct pair *outer, const struct key *rows, const void *was, const void *is,
                      struct err *err);

static bool same_value(const struct pair *at, const void *was, const void *is, struct err *err) {
    const struct key *key = at->key;
    bool given[] = {key_given(key, was), key_given(key, is)};
    bool nested = key->rows != NULL && given[0] && given[1];
    struct text text[2] = {{0}, {0}};
    add_value(key, was, given[0], &text[0]);
    add_value(key, is, given[1], &text[1]);
    bool ok = grows(key, was, is) || (text[0].s && text[1].s && strcmp(text[0].s, text[1].s) == 0) ||
              refuse(at, &text[0], &text[1], err);
    text_release(&text[0]);
    text_release(&text[1]);
    if (!ok || !nested)
        return ok;
    if (key->type == &key_object)
        return same_rows(at, key->rows, (const char *)was + key->offset, (const char *)is + key->offset, err);
    const char *a = key_list_items(key, was), *b = key_list_items(key, is);
    for (size_t i = 0; ok && i < key_list_count(key, was); i++) {
        const struct pair element = {at->outer, key, i};
        ok = same_rows(&element, key->rows, a + i * key->bytes, b + i * key->bytes, err);
    }
    return ok;
}

/* Where files lie, how fast it goes and what is checked at the end may change. */
static bool may_change(const struct key *key) {
    return key->type == &key_path || (key->flags & (KEY_MAY_CHANGE | KEY_ROOT)) ||
           (!key->type->print && !key->rows);
}

static bool same_rows(const struct pair *outer, const struct key *rows, const void *was, const void *is,
                      struct err *err) {
    for (const struct key *key = rows; key->name; key++) {
        const struct pair at = {outer, key, SIZE_MAX};
        bool meant = key_meant(rows, key, was) || key_meant(rows, key, is);
        if (meant && !may_change(key) && !same_value(&at, was, is, err))
            return false;
    }
    return true;
}

/* A longer run is another one from its first step where something hangs on its length, and what follows the
 * search is made of its end. */
static const char *bound_by_length(const struct config *config) {
    return schedule_spans_run(config->optimizer.schedule.kind) ? "optimizer.schedule goes over the whole run"
           : config->train.refit                               ? "train.refit follows its end"
           : config->shift.kind == SHIFT_CONCEPT               ? "shift.stream follows its end"
           : shift_has_target(config->shift.kind)
               ? "the models that estimate the shift are trained for as many"
               : NULL;
}

static bool can_grow(const struct config *was, const struct config *is, struct err *err) {
    size_t before = was->train.epochs, now = is->train.epochs;
    const char *reason = bound_by_length(is);
    return before == now || !reason ||
           err_set(err, ERR_CONFIG, "train.epochs: the run began with %zu, it cannot go on with %zu: %s",
                   before, now, reason);
}

bool config_can_go_on(const struct config *was, const struct config *is, struct err *err) {
    return same_rows(NULL, key_root.rows, was, is, err) && can_grow(was, is, err);
}
