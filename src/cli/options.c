#include "cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

enum { OPERAND = 1, FIRST_LONG = 256 };

/* ---- the table in getopt's form ---- */

struct parser {
    struct option longs[MAX_OPTIONS + 1];
    char letters[MAX_OPTIONS + 3];
};

/* Row i answers to the value FIRST_LONG + i. "-": operands come in their place, as values OPERAND; ":": a
 * missing value is told from an unknown option. */
static void parser_init(struct parser *p, const struct option_row *table) {
    char *letter = p->letters;
    *letter++ = '-';
    *letter++ = ':';
    memset(p->longs, 0, sizeof p->longs);
    for (size_t i = 0; table[i].name; i++) {
        assert(i < MAX_OPTIONS);
        bool flag = table[i].kind == OPTION_FLAG;
        p->longs[i] =
            (struct option){table[i].name, flag ? no_argument : required_argument, NULL, FIRST_LONG + (int)i};
        if (table[i].letter)
            *letter++ = table[i].letter;
    }
    *letter = '\0';
}

/* ---- names ---- */

/* names_nearest wants a function of the index alone. */
static _Thread_local const struct option_row *names_of;

static const char *option_name(size_t i) {
    return names_of[i].name;
}

static bool refuse_unknown(const struct option_row *table, const char *word, struct err *err) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    names_of = table;
    int row = names_find(option_name, name);
    if (row >= 0)
        return err_set(err, ERR_USAGE, "option --%s takes no value", name);
    const char *near = names_nearest(option_name, name);
    return err_set(err, ERR_USAGE, "unknown option --%s%s%s%s", name, near ? "; did you mean \"--" : "",
                   near ? near : "", near ? "\"?" : "");
}

static bool refuse_value(const struct option_row *row, const char *value, struct err *err) {
    struct text allowed = {0};
    if (row->kind == OPTION_TEXT && !row->choices)
        return err_set(err, ERR_USAGE, "option --%s: must not be empty", row->name);
    for (size_t i = 0; row->choices && row->choices(i); i++)
        text_addf(&allowed, "%s%s", i ? ", " : "one of ", row->choices(i));
    if (row->kind == OPTION_NUMBER)
        text_addf(&allowed, "a whole number from %" PRIu64 " to %" PRIu64, row->min, row->max);
    if (row->kind == OPTION_REAL)
        text_add(&allowed, "a number above 0");
    if (text_ok(&allowed, err))
        err_set(err, ERR_USAGE, "option --%s: must be %s, got \"%s\"", row->name, allowed.s, value);
    text_release(&allowed);
    return false;
}

/* ---- values ---- */

/* Takes the text over. */
static bool add_override(struct arguments *a, struct text *text, struct err *err) {
    char **list = mem_alloc(a->override_count + 1, sizeof *list, "the list of overrides", err);
    char *copy = list && text_ok(text, err) ? mem_string(text->s, err) : NULL;
    text_release(text);
    if (!copy) {
        mem_free(list);
        return false;
    }
    if (a->override_count)
        memcpy(list, a->overrides, a->override_count * sizeof *list);
    list[a->override_count++] = copy;
    mem_free(a->overrides);
    a->overrides = list;
    return true;
}

static bool set_key(struct arguments *a, const char *key, const char *value, struct err *err) {
    struct text text = {0};
    text_addf(&text, "%s%s%s", key ? key : "", key ? "=" : "", value);
    return add_override(a, &text, err);
}

static bool add_expectation(struct arguments *a, const char *value, struct err *err) {
    const char **list = mem_alloc(a->expect_count + 1, sizeof *list, "the list of expectations", err);
    if (!list)
        return false;
    if (a->expect_count)
        memcpy(list, a->expect, a->expect_count * sizeof *list);
    list[a->expect_count++] = value;
    mem_free(a->expect);
    a->expect = list;
    return true;
}

/* An option as it was given. */
struct given {
    const struct option_row *row;
    const char *value;
};

/* In decimal, above 0. */
static bool read_real(const char *value, double *out) {
    char *end;
    *out = strtod(value, &end);
    return value[0] && value[strspn(value, "0123456789.eE+-")] == '\0' && *end == '\0' && *out > 0 &&
           isfinite(*out);
}

static bool take_value(const struct option_row *row, const char *value, struct arguments *a,
                       struct err *err) {
    void *place = (char *)a + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return true;
    case OPTION_OVERRIDE:
        return set_key(a, NULL, value, err);
    case OPTION_EXPECT:
        return add_expectation(a, value, err);
    case OPTION_NUMBER:
        if (!json_uint64(value, place) || *(uint64_t *)place < row->min || *(uint64_t *)place > row->max)
            return refuse_value(row, value, err);
        break;
    case OPTION_REAL:
        if (!read_real(value, place))
            return refuse_value(row, value, err);
        break;
    case OPTION_TEXT:
        if (value[0] == '\0' || (row->choices && names_find(row->choices, value) < 0))
            return refuse_value(row, value, err);
        *(const char **)place = value;
    }
    return row->key ? set_key(a, row->key, value, err) : true;
}

static bool repeats(const struct option_row *row) {
    return row->kind == OPTION_OVERRIDE || row->kind == OPTION_EXPECT;
}

/* The values in their order, of an option given twice only the last one. */
static bool take_values(const struct given *given, size_t count, struct arguments *a, struct err *err) {
    for (size_t i = 0; i < count; i++) {
        bool last = true;
        for (size_t j = i + 1; j < count && last && !repeats(given[i].row); j++)
            last = given[j].row != given[i].row;
        if (last && !take_value(given[i].row, given[i].value, a, err))
            return false;
    }
    return true;
}

static int find_letter(const struct option_row *table, int letter) {
    for (int i = 0; table[i].name; i++)
        if (table[i].letter == letter)
            return i;
    return -1;
}

/* ---- parsing ---- */

/* The row of an option that getopt found, or NULL; word is the argument it began with. */
static const struct option_row *find_row(const struct option_row *table, int found, const char *word,
                                         struct err *err) {
    bool is_long = strncmp(word, "--", 2) == 0;
    int i = found >= FIRST_LONG ? found - FIRST_LONG : find_letter(table, found);
    if (found == ':')
        err_set(err, ERR_USAGE, "option %.*s needs a value", (int)strcspn(word, "="), word);
    else if (found == '?' && !is_long)
        err_set(err, ERR_USAGE, "unknown option -%c", optopt);
    /* getopt accepts any unambiguous beginning; a script that used one would break with the next option. */
    else if (found == '?' || (is_long && strlen(table[i].name) != strcspn(word + 2, "=")))
        refuse_unknown(table, word, err);
    else
        return &table[i];
    return NULL;
}

/* getopt keeps its place in globals. */
static void start_anew(void) {
    opterr = 0;
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
    optreset = 1;
    optind = 1;
#else
    optind = 0;
#endif
}

static bool take_operand(const char *word, int max, struct arguments *a, struct err *err) {
    if (a->operand_count == (size_t)max)
        return err_set(err, ERR_USAGE, "unexpected argument \"%s\"", word);
    a->operands[a->operand_count++] = word;
    a->operand = a->operands[0];
    return true;
}

/* Fills given[] and takes operands, up to "--", or to --help or --version, which stand in `out` then. */
static bool scan(const struct option_row *table, int argc, char **argv, int max_operands, struct given *given,
                 size_t *count, struct arguments *out, struct err *err) {
    struct parser parser;
    parser_init(&parser, table);
    start_anew();
    while (!out->help && !out->version) {
        const char *word = argv[optind ? optind : 1];
        int found = getopt_long(argc, argv, parser.letters, parser.longs, NULL);
        if (found == -1)
            return true;
        if (found == OPERAND) {
            if (!take_operand(optarg, max_operands, out, err))
                return false;
            continue;
        }
        const struct option_row *row = find_row(table, found, word, err);
        if (!row)
            return false;
        if (row->kind != OPTION_FLAG)
            given[(*count)++] = (struct given){row, optarg};
        else if (!take_value(row, NULL, out, err))
            return false;
    }
    return true;
}

/* Those behind "--". */
static bool take_rest(int argc, char **argv, int first, int max, struct arguments *a, struct err *err) {
    for (int i = first; i < argc; i++)
        if (!take_operand(argv[i], max, a, err))
            return false;
    return true;
}

bool options_parse(const struct option_row *table, int argc, char **argv, int max_operands,
                   struct arguments *out, struct err *err) {
    size_t count = 0;
    *out = (struct arguments){0};
    for (const struct option_row *row = table; row->name; row++)
        if (row->kind == OPTION_NUMBER)
            *(uint64_t *)((char *)out + row->offset) = row->fallback;
    struct given *given = mem_alloc((size_t)argc, sizeof *given, "the options", err);
    out->operands = given ? mem_alloc((size_t)argc, sizeof *out->operands, "the operands", err) : NULL;
    bool ok = out->operands && scan(table, argc, argv, max_operands, given, &count, out, err);
    int rest = optind;
    if (ok && !out->help && !out->version)
        ok = take_values(given, count, out, err) && take_rest(argc, argv, rest, max_operands, out, err);
    mem_free(given);
    return ok;
}

void arguments_release(struct arguments *arguments) {
    for (size_t i = 0; i < arguments->override_count; i++)
        mem_free(arguments->overrides[i]);
    mem_free(arguments->overrides);
    mem_free(arguments->operands);
    mem_free(arguments->expect);
    *arguments = (struct arguments){0};
}

/* ---- help ---- */

void options_help(const struct option_row *table, struct text *out) {
    for (size_t i = 0; table[i].name; i++) {
        const struct option_row *row = &table[i];
        char left[64], letter[8] = "";
        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        text_addf(out, "  %-24s  %s\n", left, row->help);
    }
}
