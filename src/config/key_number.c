/* Keys whose values are numbers, and true and false. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "config/reader.h"

static void bool_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "true or false");
}

static bool read_bool(struct reader *r, const struct place *at, const struct key *key, void *field) {
    if (!cJSON_IsBool(at->item))
        return fault_value(r, at, key);
    *(bool *)field = cJSON_IsTrue(at->item);
    return true;
}

static void reset_bool(const struct key *key, void *field) {
    *(bool *)field = key->fallback != 0;
}

static void print_bool(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_bool(w, *(const bool *)field);
}

static void bool_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "boolean");
}

const struct key_type key_bool = {.allowed = bool_allowed,
                                  .read = read_bool,
                                  .reset = reset_bool,
                                  .print = print_bool,
                                  .schema = bool_schema};

/* ---- true, false, or left to the program ---- */

static bool read_switch(struct reader *r, const struct place *at, const struct key *key, void *field) {
    if (!cJSON_IsBool(at->item))
        return fault_value(r, at, key);
    *(int *)field = cJSON_IsTrue(at->item);
    return true;
}

static void reset_switch(const struct key *key, void *field) {
    (void)key;
    *(int *)field = -1;
}

static bool switch_given(const struct key *key, const void *field) {
    (void)key;
    return *(const int *)field >= 0;
}

static void print_switch(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_bool(w, *(const int *)field == 1);
}

const struct key_type key_switch = {.allowed = bool_allowed,
                                    .read = read_switch,
                                    .reset = reset_switch,
                                    .given = switch_given,
                                    .print = print_switch,
                                    .schema = bool_schema};

/* ---- numbers ---- */

static void schema_bounds(const struct key *key, struct json_writer *w) {
    json_key(w, key->flags & KEY_ABOVE ? "exclusiveMinimum" : "minimum");
    json_number(w, key->min);
    json_key(w, key->flags & KEY_BELOW ? "exclusiveMaximum" : "maximum");
    json_number(w, key->max);
}

static void integer_allowed(const struct key *key, struct text *out) {
    text_addf(out, "an integer from %.0f to %.0f", key->min, key->max);
}

static void real_allowed(const struct key *key, struct text *out) {
    static const char *const words[2][2] = {{"to", "to below"}, {"and at most", "and below"}};
    char min[32], max[32];
    bool above = key->flags & KEY_ABOVE, below = key->flags & KEY_BELOW;
    json_format_number(key->min, min);
    json_format_number(key->max, max);
    text_addf(out, "a number %s %s %s %s", above ? "above" : "from", min, words[above][below], max);
}

static bool within(const struct key *key, double value) {
    bool above = key->flags & KEY_ABOVE ? value > key->min : value >= key->min;
    bool below = key->flags & KEY_BELOW ? value < key->max : value <= key->max;
    return above && below;
}

/* Bounds of integer rows lie within 2^53, so the double is the integer that was written. */
static bool read_integer(struct reader *r, const struct place *at, const struct key *key, double *value) {
    if (!cJSON_IsNumber(at->item) || !within(key, at->item->valuedouble) ||
        at->item->valuedouble != floor(at->item->valuedouble))
        return fault_value(r, at, key);
    *value = at->item->valuedouble;
    return true;
}

static bool read_size(struct reader *r, const struct place *at, const struct key *key, void *field) {
    double value = 0;
    if (!read_integer(r, at, key, &value))
        return false;
    *(size_t *)field = (size_t)value;
    return true;
}

static void reset_size(const struct key *key, void *field) {
    *(size_t *)field = (size_t)key->fallback;
}

static void print_size(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_uint(w, *(const size_t *)field);
}

static void integer_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "integer");
    schema_bounds(key, w);
}

const struct key_type key_size = {.allowed = integer_allowed,
                                  .read = read_size,
                                  .reset = reset_size,
                                  .print = print_size,
                                  .schema = integer_schema};

static bool read_index(struct reader *r, const struct place *at, const struct key *key, void *field) {
    double value = 0;
    if (!read_integer(r, at, key, &value))
        return false;
    *(long *)field = (long)value;
    return true;
}

static void reset_index(const struct key *key, void *field) {
    *(long *)field = (long)key->fallback;
}

static bool index_given(const struct key *key, const void *field) {
    (void)key;
    return *(const long *)field >= 0;
}

static void print_index(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_uint(w, (uint64_t) * (const long *)field);
}

const struct key_type key_index = {.allowed = integer_allowed,
                                   .read = read_index,
                                   .reset = reset_index,
                                   .given = index_given,
                                   .print = print_index,
                                   .schema = integer_schema};

static bool read_real(struct reader *r, const struct place *at, const struct key *key, void *field) {
    if (!cJSON_IsNumber(at->item) || !within(key, at->item->valuedouble))
        return fault_value(r, at, key);
    *(double *)field = at->item->valuedouble + 0.0; /* -0 becomes 0 */
    return true;
}

/* For a number that has another default: "none" is told from "nothing said". */
static void clear_real(void *field) {
    *(double *)field = (double)NAN;
}

static void reset_real(const struct key *key, void *field) {
    *(double *)field = key->fallback;
}

static bool real_given(const struct key *key, const void *field) {
    if (key->flags & KEY_NULL)
        return !isnan(*(const double *)field);
    return !(key->flags & KEY_OPTIONAL) || *(const double *)field != 0;
}

static void print_real(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_number(w, *(const double *)field);
}

static void real_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "number");
    schema_bounds(key, w);
}

const struct key_type key_real = {.allowed = real_allowed,
                                  .read = read_real,
                                  .clear = clear_real,
                                  .reset = reset_real,
                                  .given = real_given,
                                  .print = print_real,
                                  .schema = real_schema};

/* ---- a pair of shares ---- */

static void betas_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a list of two numbers from 0 to below 1");
}

static bool read_betas(struct reader *r, const struct place *at, const struct key *key, void *field) {
    double *betas = field;
    if (!cJSON_IsArray(at->item) || cJSON_GetArraySize(at->item) != 2)
        return fault_value(r, at, key);
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(at->item, i);
        if (!cJSON_IsNumber(item) || !within(key, item->valuedouble))
            return fault_value(r, at, key);
        betas[i] = item->valuedouble + 0.0;
    }
    return true;
}

/* Of Kingma and Ba 2015. */
static void reset_betas(const struct key *key, void *field) {
    (void)key;
    double *betas = field;
    betas[0] = 0.9, betas[1] = 0.999;
}

static void print_betas(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    const double *betas = field;
    json_begin_flat_array(w);
    json_number(w, betas[0]);
    json_number(w, betas[1]);
    json_end_array(w);
}

static void betas_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "array");
    json_key(w, "minItems");
    json_uint(w, 2);
    json_key(w, "maxItems");
    json_uint(w, 2);
    json_key(w, "items");
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "number");
    schema_bounds(key, w);
    json_end_object(w);
}

const struct key_type key_betas = {.allowed = betas_allowed,
                                   .read = read_betas,
                                   .reset = reset_betas,
                                   .print = print_betas,
                                   .schema = betas_schema};

/* ---- the seed: 64 bits, more than a JSON number holds in most tools ---- */

static const double max_exact = 9007199254740992.0; /* 2^53: below it a double tells all integers apart */

static void seed_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "an integer from 0 to 18446744073709551615, bare or as a string");
}

static bool read_seed(struct reader *r, const struct place *at, const struct key *key, void *field) {
    const char *digits = cJSON_IsString(at->item) ? at->item->valuestring : place_number(r, at);
    uint64_t value;
    if (digits != NULL && json_uint64(digits, &value)) {
        *(uint64_t *)field = value;
        return true;
    }
    /* 1e3, 5.0 and -0 are integers too, as far as a double tells integers apart. */
    double number = cJSON_IsNumber(at->item) ? at->item->valuedouble : -1;
    if (!(number >= 0 && number < max_exact) || number != floor(number))
        return fault_value(r, at, key);
    *(uint64_t *)field = (uint64_t)number;
    return true;
}

static void reset_seed(const struct key *key, void *field) {
    *(uint64_t *)field = (uint64_t)key->fallback;
}

static void print_seed(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    uint64_t seed = *(const uint64_t *)field;
    if (seed <= (uint64_t)max_exact) {
        json_uint(w, seed);
        return;
    }
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, seed);
    json_string(w, digits);
}

static void seed_schema(const struct key *key, struct json_writer *w) {
    (void)key;
    json_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "integer");
    json_key(w, "minimum");
    json_uint(w, 0);
    json_key(w, "maximum");
    json_uint(w, UINT64_MAX);
    json_end_object(w);
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "string");
    json_key(w, "pattern");
    json_string(w, "^[0-9]{1,20}$");
    json_end_object(w);
    json_end_array(w);
}

const struct key_type key_seed = {.allowed = seed_allowed,
                                  .read = read_seed,
                                  .reset = reset_seed,
                                  .print = print_seed,
                                  .schema = seed_schema};
