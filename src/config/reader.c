/* The walk over tree and table together. Keys are taken in the order of the table, so that data.root is known
 * before the paths that lie in it; the faults are brought into the order of the file afterwards. */
#include "config/reader.h"

#include <string.h>

#include "base/mem.h"

struct place place_in(const struct reader *r, const struct place *up, const char *name, size_t index,
                      const cJSON *item) {
    struct place at = {.up = up, .name = name, .index = index, .item = item, .origin = up->origin};
    for (size_t i = 0; item != NULL && i < r->override_count; i++)
        if (r->overrides[i].item == item)
            at.origin = &r->overrides[i];
    return at;
}

const char *place_number(const struct reader *r, const struct place *at) {
    if (!cJSON_IsNumber(at->item))
        return NULL;
    if (at->origin != NULL && at->origin->item == at->item)
        return at->origin->value;
    return json_number_text(r->doc, at->item);
}

bool reader_fail(struct reader *r, const struct err *err) {
    if (!r->failed)
        r->system = *err;
    r->failed = true;
    return false;
}

const char *reader_text(struct reader *r, const struct text *t) {
    struct err err;
    if (!text_ok(t, &err))
        reader_fail(r, &err);
    return t->s != NULL && !t->failed ? t->s : "";
}

static bool known(const struct reader *r, const struct key *key) {
    return !r->model_only || key_in_model(key);
}

/* The key of that very name elsewhere in the table, `depth` objects further in, as a path: who writes "lr" at
 * the top means "optimizer.lr". */
static bool add_namesake(const struct reader *r, const struct key *rows, const char *name, int depth,
                         struct text *path) {
    size_t len = path->len;
    for (const struct key *key = rows; key->name != NULL; key++) {
        if (!known(r, key))
            continue;
        text_addf(path, "%s%s", len > 0 ? "." : "", key->name);
        if (depth == 0 && strcmp(key->name, name) == 0)
            return true;
        if (depth > 0 && key->type == &key_object && add_namesake(r, key->rows, name, depth - 1, path))
            return true;
        if (path->failed)
            return false;
        path->s[path->len = len] = '\0';
    }
    return false;
}

/* The key of an object that is nearest to name, by the rule of names_nearest. */
static const char *nearest_key(const struct reader *r, const struct key *rows, const char *name) {
    const char *nearest = NULL;
    size_t best = 0;
    for (const struct key *key = rows; key->name != NULL; key++) {
        size_t a = strlen(key->name), b = strlen(name), longer = a > b ? a : b;
        size_t allowed = longer / 3 > 1 ? longer / 3 : 1, distance = names_distance(key->name, name);
        if (!known(r, key) || distance > allowed || distance >= longer)
            continue;
        if (nearest == NULL || distance < best) {
            nearest = key->name;
            best = distance;
        }
    }
    return nearest;
}

/* No table has more objects within each other. */
enum { DEEPEST = 8 };

static void unknown_key(struct reader *r, const struct place *at, const struct key *rows) {
    struct text path = {0}, list = {0};
    const char *nearest = nearest_key(r, rows, at->name), *where = "";
    for (int depth = 0; nearest == NULL && depth < DEEPEST; depth++) /* the nearest to the top is meant */
        if (add_namesake(r, key_root.rows, at->name, depth, &path)) {
            nearest = reader_text(r, &path);
            where = depth == 0 ? " at the top of the config" : "";
        }
    for (const struct key *key = rows; key->name != NULL; key++)
        if (known(r, key))
            text_addf(&list, "%s%s", list.len == 0 ? "" : ", ", key->name);
    if (nearest != NULL)
        fault_at(r, at, "unknown key; did you mean \"%s\"%s?", nearest, where);
    else
        fault_at(r, at, "unknown key; the keys here are %s", reader_text(r, &list));
    text_release(&path);
    text_release(&list);
}

static void unknown_keys(struct reader *r, const struct place *at, const struct key *rows) {
    for (const cJSON *item = at->item->child; item != NULL; item = item->next) {
        const struct key *key = key_find(rows, item->string);
        struct place here = place_in(r, at, item->string, 0, item);
        if (key == NULL || !known(r, key))
            unknown_key(r, &here, rows);
    }
}

static bool given_at(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return item != NULL && !cJSON_IsNull(item);
}

static int kind_of(const struct key *with, const void *spec) {
    int kind;
    memcpy(&kind, (const char *)spec + with->offset, sizeof kind);
    return kind;
}

/* What stands at `at` is of no use as its neighbour `with`, or one that this hangs on, is of a kind that
 * `key` does not apply to. */
static void fault_with(struct reader *r, const struct place *at, const struct key *key,
                       const struct key *with, const void *spec) {
    struct text list = {0};
    for (size_t i = 0; with->choices(i) != NULL; i++)
        if (key->applies(key_choice_kind(with, i)))
            text_addf(&list, "%s\"%s\"", list.len == 0 ? "" : " or ", with->choices(i));
    const char *name = key_choice_name(with, kind_of(with, spec));
    fault_at(r, at, "is only for %s %s, but %s is \"%s\"", with->name, reader_text(r, &list), with->name,
             name != NULL ? name : "");
    text_release(&list);
}

/* A given key hangs on the neighbour that decides about it, that one on its own, and so on: of those that
 * have no use for it, the last in this chain is named, whose change comes first. `bad`: as below. */
static void check_with(struct reader *r, const struct place *at, const struct key *rows,
                       const struct key *key, const void *spec, uint64_t bad) {
    const struct key *useless = NULL, *with;
    for (const struct key *k = key; k->with != NULL; k = with) {
        with = key_find(rows, k->with);
        if (bad >> (with - rows) & 1)
            return;
        if (!k->applies(kind_of(with, spec)))
            useless = k;
    }
    if (useless != NULL)
        fault_with(r, at, useless, key_find(rows, useless->with), spec);
}

/* Whether an unknown key of the object is told to be a slip for that name. */
static bool is_misspelt(const struct reader *r, const cJSON *object, const struct key *rows,
                        const char *name) {
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        const char *nearest =
            key_find(rows, item->string) == NULL ? nearest_key(r, rows, item->string) : NULL;
        if (nearest != NULL && strcmp(nearest, name) == 0)
            return true;
    }
    return false;
}

/* Neither a key nor the other one is there, and nothing that was meant to be one of them. */
static bool none_given(const struct reader *r, const cJSON *object, const struct key *rows,
                       const struct key *key) {
    return !given_at(object, key->name) && !given_at(object, key->either) &&
           !is_misspelt(r, object, rows, key->name) && !is_misspelt(r, object, rows, key->either);
}

/* The same of a key that a neighbour asks for: its absence is a fault of its own. */
static bool is_reported(const struct reader *r, const cJSON *object, const struct key *rows,
                        const struct key *key) {
    return key->either != NULL && none_given(r, object, rows, key);
}

/* A fault for the first of two keys of which one must be given. */
static void check_either(struct reader *r, const struct place *at, const struct key *rows) {
    for (const struct key *key = rows; key->name != NULL; key++) {
        if (key->either == NULL || !known(r, key) || key_find(rows, key->either) < key ||
            !none_given(r, at->item, rows, key))
            continue;
        struct place here = place_in(r, at, key->name, 0, NULL);
        fault_at(r, &here, "is missing: give \"%s\" or \"%s\"", key->name, key->either);
    }
}

/* What a given key asks of its neighbours. `bad` has a bit for each row at fault: nothing is concluded from
 * those. */
static void check_neighbours(struct reader *r, const struct place *at, const struct key *rows,
                             const void *spec, uint64_t bad) {
    for (const struct key *key = rows; key->name != NULL; key++) {
        if (!known(r, key) || !given_at(at->item, key->name))
            continue;
        struct place here =
            place_in(r, at, key->name, 0, cJSON_GetObjectItemCaseSensitive(at->item, key->name));
        if (key->apart != NULL && given_at(at->item, key->apart))
            fault_at(r, &here, "cannot stand beside \"%s\": give one or the other", key->apart);
        else if (key->together != NULL && !given_at(at->item, key->together) &&
                 !is_reported(r, at->item, rows, key_find(rows, key->together)))
            fault_at(r, &here, "needs \"%s\" beside it", key->together);
        check_with(r, &here, rows, key, spec, bad);
    }
}

/* An object that must hold something holds nothing. */
static bool is_empty(struct reader *r, const struct place *at, const struct key *key) {
    if (!(key->flags & KEY_NONEMPTY) || at->item->child != NULL)
        return false;
    struct text list = {0};
    for (const struct key *row = key->rows; row->name != NULL; row++)
        text_addf(&list, "%s%s", row == key->rows ? "" : ", ", row->name);
    fault_at(r, at, "must not be empty; the keys here are %s", reader_text(r, &list));
    text_release(&list);
    return true;
}

static bool read_key(struct reader *r, const struct place *at, const struct key *rows, const struct key *key,
                     void *spec);

bool reader_object(struct reader *r, const struct place *at, const struct key *key, void *spec) {
    size_t before = r->fault_count;
    uint64_t bad = 0;
    if (!cJSON_IsObject(at->item))
        return fault_value(r, at, key->type == &key_list ? &(struct key){.type = &key_object} : key);
    for (const struct key *row = key->rows; row->name != NULL; row++) {
        if (!known(r, row))
            continue;
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(at->item, row->name);
        struct place here = place_in(r, at, row->name, 0, item);
        if (!read_key(r, &here, key->rows, row, spec))
            bad |= (uint64_t)1 << (row - key->rows);
    }
    unknown_keys(r, at, key->rows);
    if (key->complete != NULL)
        key->complete(spec);
    if (is_empty(r, at, key))
        return false;
    check_neighbours(r, at, key->rows, spec, bad);
    check_either(r, at, key->rows);
    const char *name = NULL, *wrong = key->check != NULL && bad == 0 ? key->check(spec, &name) : NULL;
    if (wrong != NULL) {
        struct place here = place_in(r, at, name, 0, cJSON_GetObjectItemCaseSensitive(at->item, name));
        fault_at(r, &here, "%s", wrong);
    }
    return r->fault_count == before && !r->failed;
}

static bool read_list(struct reader *r, const struct place *at, const struct key *key, void *spec) {
    size_t count = 0, before = r->fault_count, i = 0;
    if (!cJSON_IsArray(at->item))
        return fault_value(r, at, key);
    for (const cJSON *item = at->item->child; item != NULL; item = item->next)
        count++;
    if ((double)count > key->max)
        return fault_value(r, at, key);
    if (count == 0)
        return true;
    struct err err;
    char *items = mem_alloc(count, key->bytes, key->name, &err);
    if (items == NULL)
        return reader_fail(r, &err);
    memcpy((char *)spec + key->offset, &(void *){items}, sizeof(void *));
    memcpy((char *)spec + key->count_offset, &count, sizeof count);
    for (const cJSON *item = at->item->child; item != NULL; item = item->next, i++) {
        struct place element = place_in(r, at, NULL, i, item);
        key_reset(key->rows, items + i * key->bytes);
        reader_object(r, &element, key, items + i * key->bytes);
    }
    return r->fault_count == before;
}

/* A required key is not there. Always returns false. */
static bool fault_missing(struct reader *r, const struct place *at, const struct key *rows,
                          const struct key *key) {
    struct text allowed = {0};
    if (is_misspelt(r, at->up->item, rows, key->name))
        return false;
    key_allowed(key, &allowed);
    fault_at(r, at, "is missing: must be %s", reader_text(r, &allowed));
    text_release(&allowed);
    return false;
}

/* One key of the rows, given or not. */
static bool read_key(struct reader *r, const struct place *at, const struct key *rows, const struct key *key,
                     void *spec) {
    bool absent = at->item == NULL || (cJSON_IsNull(at->item) && (key->flags & KEY_NULL));
    bool narrow = r->model_only;
    void *field = (char *)spec + key->offset;
    bool ok;
    if (absent && (key->flags & KEY_REQUIRED) && !narrow)
        return fault_missing(r, at, rows, key);
    if (absent) {
        if (key->type == &key_object)
            key_complete(key, field);
        if (at->item != NULL && key->type->clear != NULL)
            key->type->clear(field);
        return true;
    }
    r->model_only = narrow && !(key->flags & KEY_MODEL); /* all that is inside is in the model file */
    if (key->type == &key_list)
        ok = read_list(r, at, key, spec);
    else if (key->type == &key_object) {
        if (key->flags & KEY_SWITCH)
            memcpy(field, &(bool){true}, sizeof(bool));
        ok = reader_object(r, at, key, field);
    } else
        ok = key->type->read(r, at, key, field);
    r->model_only = narrow;
    return ok;
}
