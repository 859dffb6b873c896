#include "base/names.h"

#include <stdbool.h>
#include <string.h>

/* Longer strings are no names: they count as wholly different, and the table below stays on the stack. */
enum { MAX_LEN = 255 };

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(char a, char b) {
    return lower(a) == lower(b);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

int names_find(name_of *name, const char *s) {
    for (size_t i = 0; name(i) != NULL; i++)
        if (strcmp(name(i), s) == 0)
            return (int)i;
    return -1;
}

/* Optimal string alignment: the Levenshtein table, with swaps of neighbours, of which three rows are kept. */
size_t names_distance(const char *a, const char *b) {
    size_t m = strlen(a), n = strlen(b);
    if (m > MAX_LEN || n > MAX_LEN)
        return m > n ? m : n;
    size_t rows[3][MAX_LEN + 1];
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t substitution = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = least(substitution, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

const char *names_nearest(name_of *name, const char *s) {
    const char *nearest = NULL;
    size_t best = MAX_LEN + 1, len = strlen(s);
    for (size_t i = 0; name(i) != NULL; i++) {
        size_t distance = names_distance(name(i), s);
        size_t other = strlen(name(i)), longer = other > len ? other : len;
        size_t allowed = longer / 3 > 1 ? longer / 3 : 1;
        if (distance > allowed || distance >= longer) /* the latter: nothing in common */
            continue;
        if (distance < best) {
            best = distance;
            nearest = name(i);
        }
    }
    return nearest;
}
