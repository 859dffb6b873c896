/* --set PATH=VALUE, applied to the JSON tree before it is read, so that an override is checked as the file
 * is. */
#include <string.h>

#include "base/mem.h"
#include "config/reader.h"

/* One override on its way down the tree. */
struct walk {
    struct reader *r;
    struct override *o;
    cJSON *node; /* reached so far, by the parts before `at` */
    size_t at, count;
    char *part[JSON_MAX_DEPTH];
};

/* The path of node, as printf takes it for "%.*s". */
#define DONE(w) (int)((w)->at == 0 ? 0 : (w)->part[(w)->at] - (w)->part[0] - 1), (w)->o->path

static bool out_of_memory(struct reader *r) {
    struct err err;
    err_set(&err, ERR_SYSTEM, "out of memory: cannot apply the overrides");
    return reader_fail(r, &err);
}

/* A bare word: a string without its quotes. */
static cJSON *parse_word(struct reader *r, struct override *o) {
    struct text quoted = {0};
    json_string(&(struct json_writer){.out = &quoted}, o->value); /* replaces what is not UTF-8 */
    const char *s = reader_text(r, &quoted);
    struct err err = {0};
    struct json *doc = json_parse(s, strlen(s), (struct json_options){0}, ERR_CONFIG, &err);
    bool same = doc != NULL && strcmp(json_root(doc)->valuestring, o->value) == 0;
    json_free(doc);
    text_release(&quoted);
    if (!same && err.kind == ERR_SYSTEM)
        reader_fail(r, &err);
    else if (!same)
        fault_override(r, o, "the value is not valid UTF-8");
    cJSON *item = same ? cJSON_CreateString(o->value) : NULL;
    if (same && item == NULL)
        out_of_memory(r);
    return item;
}

/* JSON, or else a bare word. What opens like JSON but is none is a slip, not a word. */
static cJSON *parse_value(struct reader *r, struct override *o) {
    struct err err = {0};
    struct json *doc = json_parse(o->value, strlen(o->value), (struct json_options){0}, ERR_CONFIG, &err);
    cJSON *item = NULL;
    bool slip = o->value[0] == '{' || o->value[0] == '[' || o->value[0] == '"';
    if (doc != NULL)
        item = cJSON_Duplicate(json_root(doc), true);
    else if (err.kind == ERR_SYSTEM)
        reader_fail(r, &err);
    else if (slip)
        fault_override(r, o, "the value is not valid JSON, %s", err.text);
    else
        return parse_word(r, o);
    if (doc != NULL && item == NULL)
        out_of_memory(r);
    json_free(doc);
    return item;
}

/* The number of a list element, as it stands in a path. */
static bool parse_index(const char *part, size_t *index) {
    size_t value = 0, len = strlen(part);
    if (len == 0 || len > 9 || (len > 1 && part[0] == '0'))
        return false;
    for (const char *p = part; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = 10 * value + (size_t)(*p - '0');
    }
    *index = value;
    return true;
}

/* The child of an object that the current part names. A name may have dots itself, as those of `expect` do:
 * then it is spelt by this part and the next ones, which are done with. NULL: none. */
static cJSON *find_key(struct walk *w) {
    const char *rest = w->o->path + (w->part[w->at] - w->part[0]);
    for (size_t last = w->count; last-- > w->at;) {
        size_t len = (size_t)(w->part[last] - w->part[w->at]) + strlen(w->part[last]);
        for (cJSON *item = w->node->child; item != NULL; item = item->next)
            if (strlen(item->string) == len && strncmp(item->string, rest, len) == 0) {
                w->at = last;
                return item;
            }
    }
    return NULL;
}

/* The child that the current part names, NULL where there is none yet. false after a fault: there cannot be
 * one. */
static bool find_child(struct walk *w, cJSON **child) {
    const char *part = w->part[w->at];
    size_t index, count;
    if (cJSON_IsObject(w->node)) {
        *child = find_key(w);
        return true;
    }
    if (!cJSON_IsArray(w->node))
        return fault_override(w->r, w->o, "%.*s is neither an object nor a list: there is nothing inside it",
                              DONE(w));
    if (!parse_index(part, &index))
        return fault_override(w->r, w->o, "%.*s is a list: the number of an element must follow, from 0",
                              DONE(w));
    count = (size_t)cJSON_GetArraySize(w->node);
    if (index > count)
        return fault_override(w->r, w->o, "%.*s is a list of length %zu: the next element is number %zu",
                              DONE(w), count, count);
    *child = cJSON_GetArrayItem(w->node, (int)index);
    return true;
}

/* Puts item where child is, or behind the last; takes item over. A replaced child is kept to the end:
 * positions and origins are told apart by address. */
static bool put_child(struct walk *w, cJSON *child, cJSON *item) {
    const char *part = w->part[w->at];
    bool ok = item != NULL;
    size_t index = 0;
    if (ok && child != NULL && cJSON_IsArray(w->node)) {
        ok = parse_index(part, &index) && cJSON_InsertItemInArray(w->node, (int)index, item);
    } else if (ok && cJSON_IsArray(w->node)) {
        ok = cJSON_AddItemToArray(w->node, item);
    } else if (ok) {
        ok = cJSON_AddItemToObject(w->node, child != NULL ? child->string : part, item);
    }
    if (!ok) {
        cJSON_Delete(item);
        return out_of_memory(w->r);
    }
    if (child != NULL)
        cJSON_AddItemToArray(w->r->dropped, cJSON_DetachItemViaPointer(w->node, child));
    if (w->o->item == NULL)
        w->o->item = item;
    return true;
}

/* Down to the last part, making what is missing, and the value (taken over) there. */
static bool set_value(struct walk *w, cJSON *value) {
    for (w->at = 0;; w->at++) {
        cJSON *child = NULL;
        size_t index;
        if (!find_child(w, &child)) {
            cJSON_Delete(value);
            return false;
        }
        if (w->at + 1 == w->count)
            return put_child(w, child, value);
        if (child == NULL || cJSON_IsNull(child)) {
            cJSON *made =
                parse_index(w->part[w->at + 1], &index) ? cJSON_CreateArray() : cJSON_CreateObject();
            if (!put_child(w, child, made)) {
                cJSON_Delete(value);
                return false;
            }
            child = made;
        }
        w->node = child;
    }
}

/* Cuts the copy of the path into its parts. */
static bool split(struct walk *w, char *path) {
    w->count = 0;
    for (char *part = path; part != NULL;) {
        char *dot = strchr(part, '.');
        if (dot != NULL)
            *dot++ = '\0';
        if (*part == '\0')
            return fault_override(w->r, w->o, "must be PATH=VALUE with a path like optimizer.lr");
        if (w->count == JSON_MAX_DEPTH)
            return fault_override(w->r, w->o, "the path is more than %d keys deep", JSON_MAX_DEPTH);
        w->part[w->count++] = part;
        part = dot;
    }
    return true;
}

static void apply(struct reader *r, struct override *o, cJSON *root) {
    struct walk w = {.r = r, .o = o, .node = root};
    struct err err;
    const char *equals = strchr(o->text, '=');
    if (equals == NULL) {
        fault_override(r, o, "must be PATH=VALUE");
        return;
    }
    o->value = equals + 1;
    o->path = mem_string(o->text, &err);
    char *parts = o->path != NULL ? mem_string(o->text, &err) : NULL;
    if (parts == NULL) {
        reader_fail(r, &err);
        return;
    }
    o->path[equals - o->text] = parts[equals - o->text] = '\0';
    cJSON *value = split(&w, parts) ? parse_value(r, o) : NULL;
    if (value != NULL)
        set_value(&w, value);
    mem_free(parts);
}

void overrides_apply(struct reader *r, cJSON *root, const char *const *texts, size_t count) {
    struct err err;
    if (count == 0)
        return;
    r->dropped = cJSON_CreateArray();
    r->overrides = mem_alloc(count, sizeof *r->overrides, "the overrides", &err);
    if (r->overrides == NULL) {
        reader_fail(r, &err);
        return;
    }
    if (r->dropped == NULL) {
        out_of_memory(r);
        return;
    }
    r->override_count = count;
    for (size_t i = 0; i < count; i++)
        r->overrides[i].text = texts[i];
    for (size_t i = 0; i < count && cJSON_IsObject(root) && !r->failed; i++)
        apply(r, &r->overrides[i], root);
}
