#include "cli/resample_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Ranges of a change where --range is not given: a factor of 1 +- a half, 45 degrees either way. */
static const double default_range[RESAMPLE_SCORES] = {0, 0.5, 45},
                    largest_range[RESAMPLE_SCORES] = {0, 1, 180};

/* ---- texts ---- */

/* A decimal number at *s, which is moved behind it. */
static bool take_number(const char **s, double *out) {
    char *end;
    size_t len = strspn(*s, "0123456789.eE+-");
    *out = len > 0 ? strtod(*s, &end) : 0;
    if (len == 0 || end != *s + len || !isfinite(*out))
        return false;
    *s = end;
    return true;
}

/* A class: digits. */
static bool take_class(const char **s, size_t *out) {
    char *end;
    size_t len = strspn(*s, "0123456789");
    if (len == 0 || len > 9)
        return false;
    *out = (size_t)strtoul(*s, &end, 10);
    *s = end;
    return true;
}

static bool take_sign(const char **s, char sign) {
    if (**s != sign)
        return false;
    ++*s;
    return true;
}

static bool refuse(const char *name, const char *expected, const char *value, struct err *err) {
    return err_set(err, ERR_USAGE, "option --%s: must be %s, got \"%s\"", name, expected, value);
}

/* ---- the schemes ---- */

static bool read_priors(const char *value, struct resample_spec *spec, struct err *err) {
    const char *s = value;
    size_t most = 1;
    for (const char *c = value; *c; c++)
        most += *c == ',';
    spec->priors = mem_alloc(most, sizeof *spec->priors, "the list of priors", err);
    if (!spec->priors)
        return false;
    do {
        double *x = &spec->priors[spec->prior_count];
        if (!take_number(&s, x) || !(*x >= 0 && *x <= 1))
            return refuse("priors", "a number from 0 to 1 for each class, between commas", value, err);
        spec->prior_count++;
    } while (take_sign(&s, ','));
    return *s == '\0' || refuse("priors", "a number from 0 to 1 for each class, between commas", value, err);
}

static bool read_class_share(const char *name, const char *value, struct resample_spec *spec,
                             struct err *err) {
    const char *s = value;
    return (take_class(&s, &spec->cls) && take_sign(&s, ':') && take_number(&s, &spec->share) && *s == '\0' &&
            spec->share >= 0 && spec->share <= 1) ||
           refuse(name, "CLASS:SHARE with a share from 0 to 1", value, err);
}

static bool read_select(const char *value, struct resample_spec *spec, struct err *err) {
    const char *colon = strchr(value, ':'), *s = colon ? colon + 1 : value;
    size_t len = colon ? (size_t)(colon - value) : 0, i = 0;
    while (resample_score_name(i) &&
           (strlen(resample_score_name(i)) != len || strncmp(resample_score_name(i), value, len) != 0))
        i++;
    spec->score = (int)i;
    return (resample_score_name(i) && take_number(&s, &spec->intercept) && take_sign(&s, ',') &&
            take_number(&s, &spec->slope) && *s == '\0') ||
           refuse("select", "ink:A,B or brightness:A,B or rotation:A,B with two numbers", value, err);
}

static bool read_range(const struct arguments *a, struct resample_spec *spec, struct err *err) {
    if (a->range > 0 && (!a->select || spec->score == SCORE_INK))
        return err_set(err, ERR_USAGE,
                       "option --range: goes with --select brightness:A,B or rotation:A,B only");
    if (!a->select)
        return true;
    spec->range = a->range > 0 ? a->range : default_range[spec->score];
    return spec->range <= largest_range[spec->score] ||
           err_set(err, ERR_USAGE, "option --range: must be at most %g for %s, got %g",
                   largest_range[spec->score], resample_score_name((size_t)spec->score), spec->range);
}

static bool read_swap(const char *value, struct resample_spec *spec, struct err *err) {
    const char *s = value;
    spec->swaps = true;
    return (take_class(&s, &spec->swap[0]) && take_sign(&s, ':') && take_class(&s, &spec->swap[1]) &&
            *s == '\0' && spec->swap[0] != spec->swap[1]) ||
           refuse("swap", "CLASS:CLASS with two different classes", value, err);
}

static bool read_degrees(const char *value, struct resample_spec *spec, struct err *err) {
    const char *s = value;
    return (take_number(&s, &spec->degrees) && *s == '\0' && fabs(spec->degrees) <= 360) ||
           refuse("rotate", "a number of degrees from -360 to 360", value, err);
}

static bool read_windows(const struct arguments *a, struct resample_spec *spec, struct err *err) {
    const char *lone = a->swap ? "swap" : a->rotate ? "rotate" : a->at ? "at" : NULL;
    if (!a->windows)
        return !lone || err_set(err, ERR_USAGE, "option --%s: goes with --windows only", lone);
    spec->windows = (size_t)a->windows;
    spec->drift_at = (size_t)a->at;
    if (a->at && !a->swap && !a->rotate)
        return err_set(err, ERR_USAGE, "option --at: goes with --swap or --rotate only");
    if (a->at > a->windows)
        return err_set(err, ERR_USAGE, "option --at: must be at most the number of windows, %zu, got %zu",
                       spec->windows, spec->drift_at);
    return (!a->swap || read_swap(a->swap, spec, err)) && (!a->rotate || read_degrees(a->rotate, spec, err));
}

/* ---- all of it ---- */

/* The scheme, of which there is at most one. */
static bool choose(const struct arguments *a, struct resample_spec *spec, struct err *err) {
    const bool given[RESAMPLE_SCHEMES] = {
        [RESAMPLE_PRIORS] = a->priors,       [RESAMPLE_DIRICHLET] = a->dirichlet > 0,
        [RESAMPLE_TWEAK_ONE] = a->tweak_one, [RESAMPLE_KNOCK_OUT] = a->knock_out,
        [RESAMPLE_SELECT] = a->select,       [RESAMPLE_WINDOWS] = a->windows > 0,
    };
    for (int i = 0; i < RESAMPLE_SCHEMES; i++) {
        if (!given[i])
            continue;
        if (spec->scheme != RESAMPLE_PLAIN)
            return err_set(err, ERR_USAGE, "--%s does not go with --%s",
                           resample_scheme_name((size_t)spec->scheme), resample_scheme_name((size_t)i));
        spec->scheme = i;
    }
    return spec->scheme != RESAMPLE_PLAIN || a->samples > 0 ||
           err_set(err, ERR_USAGE,
                   "resample needs one of --priors, --dirichlet, --tweak-one, --knock-out, --select, "
                   "--windows, or --samples for a random subset");
}

bool resample_options(const struct arguments *a, struct resample_wish *out, struct err *err) {
    struct resample_spec *spec = &out->spec;
    *out = (struct resample_wish){.out = a->out, .force = a->force};
    spec->samples = (size_t)a->samples;
    if (!a->out)
        return err_set(err, ERR_USAGE, "resample needs --out DIR");
    int part = a->part ? names_find(resample_part_name, a->part) : PART_TRAIN;
    out->part = (enum resample_part)part;
    spec->alpha = a->dirichlet;
    return choose(a, spec, err) && (!a->priors || read_priors(a->priors, spec, err)) &&
           (!a->tweak_one || read_class_share("tweak-one", a->tweak_one, spec, err)) &&
           (!a->knock_out || read_class_share("knock-out", a->knock_out, spec, err)) &&
           (!a->select || read_select(a->select, spec, err)) && read_range(a, spec, err) &&
           read_windows(a, spec, err);
}

void resample_options_release(struct resample_wish *wish) {
    mem_free(wish->spec.priors);
    wish->spec.priors = NULL;
}
