#include "data/columns.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/utf8.h"

bool columns_copy(const struct columns *columns, struct columns *out, struct err *err) {
    struct columns copy = {0};
    if (columns->count > 0) {
        copy.items = mem_alloc(columns->count, sizeof *copy.items, "the columns of a table", err);
        if (!copy.items)
            return false;
    }
    for (; copy.count < columns->count; copy.count++) {
        struct column *c = &copy.items[copy.count];
        *c = columns->items[copy.count];
        if (c->name && !(c->name = mem_string(c->name, err))) {
            columns_release(&copy);
            return false;
        }
    }
    *out = copy;
    return true;
}

void columns_release(struct columns *columns) {
    for (size_t i = 0; i < columns->count; i++)
        mem_free(columns->items[i].name);
    mem_free(columns->items);
    *columns = (struct columns){0};
}

char **strings_copy(char *const *s, size_t count, struct err *err) {
    char **copy = mem_alloc(count, sizeof *copy, "names", err);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = mem_string(s[i], err))) {
            strings_free(copy, count);
            return NULL;
        }
    return copy;
}

void strings_free(char **s, size_t count) {
    for (size_t i = 0; s && i < count; i++)
        mem_free(s[i]);
    mem_free(s);
}

const char *strings_quote(char *const *s, size_t count, char text[STRINGS_TEXT]) {
    enum { MOST = 12, REST = 32 };
    size_t len = 0, i = 0;
    text[0] = '\0';
    for (char quoted[UTF8_QUOTE]; i < count && i < MOST; i++) {
        size_t more = strlen(utf8_quote(s[i], strlen(s[i]), quoted));
        if (len + more + REST > STRINGS_TEXT)
            break;
        len += (size_t)sprintf(text + len, "%s%s", i > 0 ? ", " : "", quoted);
    }
    if (i < count)
        sprintf(text + len, "%s%zu %s", i > 0 ? " and " : "", count - i, i > 0 ? "more" : "names");
    return text;
}

const char *strings_nearest(char *const *s, size_t count, const char *wrong) {
    enum { LONGEST = 64, MOST = 4096 }; /* the distance takes time by the product of the lengths */
    const char *nearest = NULL;
    size_t best = SIZE_MAX, b = strlen(wrong);
    for (size_t i = 0; b <= LONGEST && i < count && i < MOST; i++) {
        size_t a = strlen(s[i]), longer = a > b ? a : b, allowed = longer / 3 > 1 ? longer / 3 : 1;
        size_t distance = a <= LONGEST ? names_distance(s[i], wrong) : SIZE_MAX;
        if (distance <= allowed && distance < longer && distance < best) {
            nearest = s[i];
            best = distance;
        }
    }
    return nearest;
}

static int by_bytes(const void *a, const void *b) {
    const struct sorted_string *x = a, *y = b;
    int order = strcmp(x->s, y->s);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

struct sorted_string *strings_sort(char *const *s, size_t count, struct err *err) {
    struct sorted_string *sorted = mem_alloc(count, sizeof *sorted, "names", err);
    for (size_t i = 0; sorted && i < count; i++)
        sorted[i] = (struct sorted_string){s[i], i};
    if (sorted)
        qsort(sorted, count, sizeof *sorted, by_bytes);
    return sorted;
}

size_t strings_search(const struct sorted_string *sorted, size_t count, const char *s) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sorted[middle].s, s) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && strcmp(sorted[low].s, s) == 0 ? sorted[low].at : SIZE_MAX;
}
