#include "base/snapshot.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct snapshot {
    bool restores;
    struct snapshot_piece *piece; /* restored: in the order of their names */
    size_t count, room;
    struct text group;                    /* "search.stopping." */
    size_t length[SNAPSHOT_DEPTH], depth; /* of the group, before each that is open was entered */
    struct err problem;
};

static const char what[] = "a snapshot of the training";

#if REAL_IS_DOUBLE
static const enum snapshot_type type_of_real = SNAPSHOT_F64;
#else
static const enum snapshot_type type_of_real = SNAPSHOT_F32;
#endif

/* ---- the pieces ---- */

size_t snapshot_type_size(enum snapshot_type type) {
    static const size_t size[SNAPSHOT_TYPES] = {1, 4, 8, 4, 8};
    return size[type];
}

struct snapshot *snapshot_create(struct err *err) {
    return mem_alloc(1, sizeof(struct snapshot), what, err);
}

static int compare(const void *a, const void *b) {
    const struct snapshot_piece *x = a, *y = b;
    return strcmp(x->name, y->name);
}

struct snapshot *snapshot_of(const struct snapshot_piece *pieces, size_t count, struct err *err) {
    struct snapshot *s = snapshot_create(err);
    if (!s)
        return NULL;
    s->restores = true;
    s->piece = mem_alloc(count, sizeof *s->piece, what, err);
    bool ok = s->piece != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        s->piece[i] = pieces[i];
        s->piece[i].owned = NULL;
        s->piece[i].name = mem_string(pieces[i].name, err);
        s->count++;
        ok = s->piece[i].name != NULL;
    }
    if (!ok) {
        snapshot_free(s);
        return NULL;
    }
    qsort(s->piece, count, sizeof *s->piece, compare);
    return s;
}

void snapshot_free(struct snapshot *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        mem_free(s->piece[i].name);
        mem_free(s->piece[i].owned);
    }
    mem_free(s->piece);
    text_release(&s->group);
    mem_free(s);
}

size_t snapshot_count(const struct snapshot *s) {
    return s->count;
}

const struct snapshot_piece *snapshot_at(const struct snapshot *s, size_t i) {
    return &s->piece[i];
}

/* ---- what went wrong ---- */

static bool failed(const struct snapshot *s) {
    return s->problem.kind != ERR_NONE;
}

bool snapshot_restores(const struct snapshot *s) {
    return s->restores && !failed(s);
}

bool snapshot_ok(const struct snapshot *s, struct err *err) {
    struct err problem = s->problem;
    if (failed(s) || !text_ok(&s->group, &problem))
        *err = problem;
    return problem.kind == ERR_NONE;
}

void snapshot_fail(struct snapshot *s, const struct err *err) {
    if (!failed(s))
        s->problem = *err;
}

void snapshot_refuse(struct snapshot *s, const char *name, const char *format, ...) {
    char sentence[256];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (!failed(s))
        err_set(&s->problem, ERR_DATA, "%s%s: %s", s->group.s ? s->group.s : "", name, sentence);
}

/* ---- names ---- */

void snapshot_enter(struct snapshot *s, const char *group) {
    assert(s->depth < SNAPSHOT_DEPTH);
    s->length[s->depth++] = s->group.len;
    text_addf(&s->group, "%s.", group);
}

void snapshot_leave(struct snapshot *s) {
    assert(s->depth > 0);
    s->group.len = s->length[--s->depth];
    if (s->group.s)
        s->group.s[s->group.len] = '\0';
}

static char *full_name(const struct snapshot *s, const char *name, struct err *err) {
    struct text full = {0};
    if (!text_ok(&s->group, err))
        return NULL;
    text_addf(&full, "%s%s", s->group.s ? s->group.s : "", name);
    if (text_ok(&full, err))
        return full.s;
    text_release(&full);
    return NULL;
}

/* ---- taking ---- */

static bool make_room(struct snapshot *s, struct err *err) {
    if (s->count < s->room)
        return true;
    size_t room = s->room ? 2 * s->room : 64;
    struct snapshot_piece *piece = mem_alloc(room, sizeof *piece, what, err);
    if (!piece)
        return false;
    if (s->count)
        memcpy(piece, s->piece, s->count * sizeof *piece);
    mem_free(s->piece);
    s->piece = piece, s->room = room;
    return true;
}

static void take(struct snapshot *s, const char *name, enum snapshot_type type, const void *values,
                 size_t count) {
    struct err err = {0};
    struct snapshot_piece piece = {.type = type, .count = count};
    bool ok = make_room(s, &err) && (piece.name = full_name(s, name, &err)) &&
              (piece.owned = mem_alloc(count, snapshot_type_size(type), what, &err));
    if (!ok) {
        mem_free(piece.name);
        snapshot_fail(s, &err);
        return;
    }
    if (count)
        memcpy(piece.owned, values, count * snapshot_type_size(type));
    piece.values = piece.owned;
    s->piece[s->count++] = piece;
}

/* ---- restoring ---- */

/* NULL, and the failure is recorded, where there is none of the type. */
static const struct snapshot_piece *find(struct snapshot *s, const char *name, enum snapshot_type type) {
    static const char *const names[SNAPSHOT_TYPES] = {"U8", "U32", "U64", "F32", "F64"};
    struct err err = {0};
    struct snapshot_piece wanted = {.name = full_name(s, name, &err)};
    if (!wanted.name) {
        snapshot_fail(s, &err);
        return NULL;
    }
    const struct snapshot_piece *found =
        s->count ? bsearch(&wanted, s->piece, s->count, sizeof wanted, compare) : NULL;
    mem_free(wanted.name);
    if (!found)
        snapshot_refuse(s, name, "is missing");
    else if (found->type != type)
        snapshot_refuse(s, name, "expected %s, found %s", names[type], names[found->type]);
    else
        return found;
    return NULL;
}

static void refuse_count(struct snapshot *s, const char *name, size_t expected, size_t found) {
    snapshot_refuse(s, name, "expected %zu numbers, found %zu", expected, found);
}

static bool restore(struct snapshot *s, const char *name, enum snapshot_type type, void *values,
                    size_t count) {
    const struct snapshot_piece *piece = find(s, name, type);
    if (!piece)
        return false;
    if (piece->count != count) {
        refuse_count(s, name, count, piece->count);
        return false;
    }
    if (count)
        memcpy(values, piece->values, count * snapshot_type_size(type));
    return true;
}

/* In the direction of the snapshot; whether there are new values to be checked. */
static bool exchange(struct snapshot *s, const char *name, enum snapshot_type type, void *values,
                     size_t count) {
    if (failed(s))
        return false;
    if (s->restores)
        return restore(s, name, type, values, count);
    take(s, name, type, values, count);
    return false;
}

/* ---- arrays ---- */

void snapshot_reals(struct snapshot *s, const char *name, real *values, size_t count) {
    exchange(s, name, type_of_real, values, count);
}

void snapshot_doubles(struct snapshot *s, const char *name, double *values, size_t count) {
    exchange(s, name, SNAPSHOT_F64, values, count);
}

void snapshot_u64s(struct snapshot *s, const char *name, uint64_t *values, size_t count) {
    exchange(s, name, SNAPSHOT_U64, values, count);
}

void snapshot_bytes(struct snapshot *s, const char *name, void *values, size_t count) {
    exchange(s, name, SNAPSHOT_U8, values, count);
}

void snapshot_u32s(struct snapshot *s, const char *name, uint32_t *values, size_t count, uint32_t most) {
    if (!exchange(s, name, SNAPSHOT_U32, values, count))
        return;
    for (size_t i = 0; i < count && !failed(s); i++)
        if (values[i] > most)
            snapshot_refuse(s, name, "expected at most %u, found %u", most, values[i]);
}

/* One after the other, as size_t is not 64 bits wide everywhere. */
void snapshot_sizes(struct snapshot *s, const char *name, size_t *values, size_t count, size_t most) {
    struct err err = {0};
    if (failed(s))
        return;
    uint64_t *wide = mem_alloc(count, sizeof *wide, what, &err);
    if (!wide) {
        snapshot_fail(s, &err);
        return;
    }
    for (size_t i = 0; i < count && !s->restores; i++)
        wide[i] = values[i];
    if (exchange(s, name, SNAPSHOT_U64, wide, count))
        for (size_t i = 0; i < count; i++) {
            if (wide[i] > most)
                snapshot_refuse(s, name, "expected at most %zu, found %llu", most,
                                (unsigned long long)wide[i]);
            values[i] = failed(s) ? 0 : (size_t)wide[i];
        }
    mem_free(wide);
}

/* ---- single values ---- */

void snapshot_double(struct snapshot *s, const char *name, double *value) {
    snapshot_doubles(s, name, value, 1);
}

void snapshot_size(struct snapshot *s, const char *name, size_t *value, size_t most) {
    snapshot_sizes(s, name, value, 1, most);
}

void snapshot_u64(struct snapshot *s, const char *name, uint64_t *value) {
    snapshot_u64s(s, name, value, 1);
}

void snapshot_bool(struct snapshot *s, const char *name, bool *value) {
    uint32_t number = *value;
    snapshot_u32s(s, name, &number, 1, 1);
    if (snapshot_restores(s))
        *value = number == 1;
}

/* Put aside as its distance from the least. */
void snapshot_int(struct snapshot *s, const char *name, int *value, int least, int most) {
    uint32_t distance = (uint32_t)(*value - least);
    snapshot_u32s(s, name, &distance, 1, (uint32_t)(most - least));
    if (snapshot_restores(s))
        *value = least + (int)distance;
}

void snapshot_text(struct snapshot *s, const char *name, struct text *text) {
    if (failed(s))
        return;
    if (!s->restores) {
        struct err err = {0};
        if (text_ok(text, &err))
            take(s, name, SNAPSHOT_U8, text->s, text->len);
        else
            snapshot_fail(s, &err);
        return;
    }
    const struct snapshot_piece *piece = find(s, name, SNAPSHOT_U8);
    if (!piece)
        return;
    if (memchr(piece->values, '\0', piece->count)) {
        snapshot_refuse(s, name, "is no text");
        return;
    }
    struct err err = {0};
    text_reset(text);
    text_add_bytes(text, piece->values, piece->count);
    if (!text_ok(text, &err))
        snapshot_fail(s, &err);
}

/* ---- arrays that may be absent ---- */

/* The memory is asked for when the file is known to have as much: it is no larger than the file. */
static void *restore_array(struct snapshot *s, const char *name, enum snapshot_type type, size_t count) {
    struct err err = {0};
    const struct snapshot_piece *piece = find(s, name, type);
    if (!piece || piece->count != count) {
        if (piece)
            refuse_count(s, name, count, piece->count);
        return NULL;
    }
    void *values = mem_alloc_aligned(count, snapshot_type_size(type), what, &err);
    if (!values)
        snapshot_fail(s, &err);
    else if (count)
        memcpy(values, piece->values, count * snapshot_type_size(type));
    return values;
}

/* Returns the array that there is now. */
static void *optional(struct snapshot *s, const char *name, enum snapshot_type type, void *values,
                      size_t count) {
    char given[128];
    bool is = values != NULL;
    snprintf(given, sizeof given, "%s.given", name);
    snapshot_bool(s, given, &is);
    if (failed(s) || !s->restores) {
        if (is)
            exchange(s, name, type, values, count);
        return values;
    }
    mem_free(values);
    return is ? restore_array(s, name, type, count) : NULL;
}

void snapshot_optional_doubles(struct snapshot *s, const char *name, double **values, size_t count) {
    *values = optional(s, name, SNAPSHOT_F64, *values, count);
}

void snapshot_optional_reals(struct snapshot *s, const char *name, real **values, size_t count) {
    *values = optional(s, name, type_of_real, *values, count);
}

void snapshot_optional_u64s(struct snapshot *s, const char *name, uint64_t **values, size_t count) {
    *values = optional(s, name, SNAPSHOT_U64, *values, count);
}

void snapshot_made_doubles(struct snapshot *s, const char *name, double **values, size_t count) {
    snapshot_optional_doubles(s, name, values, count);
    if (!*values)
        snapshot_refuse(s, name, "is missing");
}
