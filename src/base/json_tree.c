/* Questions about trees that json.c has read. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"

/* ---- paths ---- */

/* The element whose number, in decimal, the first len characters are. */
static const cJSON *element(const cJSON *list, const char *name, size_t len) {
    size_t number = 0;
    if (len == 0 || len > 9 || strspn(name, "0123456789") < len || (len > 1 && name[0] == '0'))
        return NULL;
    for (size_t i = 0; i < len; i++)
        number = 10 * number + (size_t)(name[i] - '0');
    const cJSON *item = list->child;
    while (item && number-- > 0)
        item = item->next;
    return item;
}

static const cJSON *member(const cJSON *object, const char *name, size_t len) {
    const cJSON *item = object->child;
    while (item && (strncmp(item->string, name, len) != 0 || item->string[len] != '\0'))
        item = item->next;
    return item;
}

const cJSON *json_at(const cJSON *item, const char *path) {
    for (;;) {
        size_t len = strcspn(path, ".");
        item = cJSON_IsObject(item)  ? member(item, path, len)
               : cJSON_IsArray(item) ? element(item, path, len)
                                     : NULL;
        if (!item || path[len] == '\0')
            return item;
        path += len + 1;
    }
}

/* ---- differences ---- */

/* How far the two trees have been gone through; the path of where that is stands in found. */
struct pair {
    const cJSON *a, *b;
};

static bool differ(struct pair p, const char *const *ignored, struct json_difference *found);

static bool is_ignored(const char *key, const char *const *ignored) {
    for (; ignored && *ignored; ignored++)
        if (strcmp(*ignored, key) == 0)
            return true;
    return false;
}

/* Goes one step down, and back unless there is a difference. */
static bool differ_below(struct pair p, const char *step, const char *const *ignored,
                         struct json_difference *found) {
    size_t len = found->path.len;
    text_addf(&found->path, "%s%s", len ? "." : "", step);
    if (differ(p, ignored, found))
        return true;
    if (found->path.s && !found->path.failed) {
        found->path.len = len;
        found->path.s[len] = '\0';
    }
    return false;
}

static bool members_differ(struct pair p, const char *const *ignored, struct json_difference *found) {
    for (const cJSON *item = p.a->child; item; item = item->next) {
        struct pair below = {item, member(p.b, item->string, strlen(item->string))};
        if (!is_ignored(item->string, ignored) && differ_below(below, item->string, ignored, found))
            return true;
    }
    for (const cJSON *item = p.b->child; item; item = item->next)
        if (!is_ignored(item->string, ignored) && !member(p.a, item->string, strlen(item->string)) &&
            differ_below((struct pair){NULL, item}, item->string, ignored, found))
            return true;
    return false;
}

static bool elements_differ(struct pair p, const char *const *ignored, struct json_difference *found) {
    struct pair below = {p.a->child, p.b->child};
    for (size_t i = 0; below.a || below.b; i++) {
        char step[24];
        snprintf(step, sizeof step, "%zu", i);
        if (differ_below(below, step, ignored, found))
            return true;
        below.a = below.a ? below.a->next : NULL;
        below.b = below.b ? below.b->next : NULL;
    }
    return false;
}

static bool same_scalar(const cJSON *a, const cJSON *b) {
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
        return a->valuedouble == b->valuedouble;
    if (cJSON_IsString(a) && cJSON_IsString(b))
        return strcmp(a->valuestring, b->valuestring) == 0;
    return (cJSON_IsNull(a) && cJSON_IsNull(b)) || (cJSON_IsTrue(a) && cJSON_IsTrue(b)) ||
           (cJSON_IsFalse(a) && cJSON_IsFalse(b));
}

static bool differ(struct pair p, const char *const *ignored, struct json_difference *found) {
    if (p.a && p.b && cJSON_IsObject(p.a) && cJSON_IsObject(p.b))
        return members_differ(p, ignored, found);
    if (p.a && p.b && cJSON_IsArray(p.a) && cJSON_IsArray(p.b))
        return elements_differ(p, ignored, found);
    if (p.a && p.b && same_scalar(p.a, p.b))
        return false;
    found->a = p.a;
    found->b = p.b;
    return true;
}

bool json_differ(const cJSON *a, const cJSON *b, const char *const *ignored, struct json_difference *found) {
    *found = (struct json_difference){0};
    return differ((struct pair){a, b}, ignored, found);
}

void json_difference_release(struct json_difference *found) {
    text_release(&found->path);
}
