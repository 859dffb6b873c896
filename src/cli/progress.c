#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/shift_page.h"
#include "run/clock.h"

static const double redraw_seconds = 0.1;

/* ---- the live line ---- */

/* In the order of the line. */
enum field { FIELD_EPOCH, FIELD_PERCENT, FIELD_LOSS, FIELD_ACCURACY, FIELD_RATE, FIELD_LEFT, FIELD_COUNT };

enum { FIELD_SIZE = 100, GAP = 2, BAR_MIN = 10, BAR_MAX = 40, BAR_FRAME = 2 };

/* What goes first where the line is too long. */
static const enum field least_important[] = {FIELD_RATE, FIELD_PERCENT, FIELD_ACCURACY, FIELD_LEFT,
                                             FIELD_LOSS};

static void format_left(char *out, size_t size, double seconds) {
    unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000ul;
    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu left", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu left", s / 60, s % 60);
}

static double share_done(const struct fit_status *status) {
    return status->steps ? (double)status->step / (double)status->steps : 0;
}

static void format_fields(const struct progress_state *state, char field[FIELD_COUNT][FIELD_SIZE]) {
    const struct fit_status *s = state->status;
    memset(field, 0, FIELD_COUNT * sizeof field[0]);
    if (state->windows)
        snprintf(field[FIELD_EPOCH], FIELD_SIZE, "window %zu/%zu epoch %zu/%zu", state->window,
                 state->windows, s->epoch, state->epochs);
    else
        snprintf(field[FIELD_EPOCH], FIELD_SIZE, "epoch %zu/%zu", s->epoch, state->epochs);
    snprintf(field[FIELD_PERCENT], FIELD_SIZE, "%3.0f %%", floor(100 * share_done(s)));
    snprintf(field[FIELD_LOSS], FIELD_SIZE, "loss %.4g", s->loss);
    if (!isnan(s->accuracy))
        snprintf(field[FIELD_ACCURACY], FIELD_SIZE, "accuracy %.2f %%", 100 * s->accuracy);
    if (state->samples_per_second >= 0)
        format_scaled(field[FIELD_RATE], FIELD_SIZE, state->samples_per_second, " samples/s");
    if (state->seconds_left >= 0)
        format_left(field[FIELD_LEFT], FIELD_SIZE, state->seconds_left);
}

static size_t total_width(char field[FIELD_COUNT][FIELD_SIZE]) {
    size_t width = 0;
    for (size_t f = 0; f < FIELD_COUNT; f++)
        if (field[f][0])
            width += strlen(field[f]) + (f ? GAP : 0);
    return width;
}

static void add_bar(struct text *out, size_t length, double share, bool color) {
    size_t full = (size_t)(share * (double)length);
    text_addf(out, "%*s[%s", GAP, "", color ? "\033[32m" : "");
    for (size_t i = 0; i < length; i++)
        text_add(out, i < full ? "=" : i == full ? ">" : " ");
    text_addf(out, "%s]", color ? "\033[0m" : "");
}

void progress_line(const struct progress_state *state, size_t width, bool color, struct text *out) {
    char field[FIELD_COUNT][FIELD_SIZE];
    /* One column stays free: a full line makes some terminals wrap. */
    size_t limit = width > 0 ? width - 1 : 0;
    format_fields(state, field);
    for (size_t i = 0; total_width(field) > limit && i < sizeof least_important / sizeof least_important[0];
         i++)
        field[least_important[i]][0] = '\0';
    if (strlen(field[FIELD_EPOCH]) > limit)
        field[FIELD_EPOCH][limit] = '\0';
    size_t used = total_width(field),
           bar = limit > used + GAP + BAR_FRAME ? limit - used - GAP - BAR_FRAME : 0;
    text_add(out, field[FIELD_EPOCH]);
    if (bar >= BAR_MIN)
        add_bar(out, bar < BAR_MAX ? bar : BAR_MAX, share_done(state->status), color);
    for (size_t f = FIELD_EPOCH + 1; f < FIELD_COUNT; f++)
        if (field[f][0])
            text_addf(out, "%*s%s", GAP, "", field[f]);
}

void progress_estimation_line(const struct estimation_status *status, size_t width, struct text *out) {
    const struct crossfit_status *s = &status->crossfit;
    char line[128];
    double share = s->total ? (double)s->done / (double)s->total : 0;
    if (s->folds > 0)
        snprintf(line, sizeof line, "shift: %s of fold %zu/%zu  epoch %zu/%zu  %3.0f %%", status->task,
                 s->fold, s->folds, s->epoch, s->epochs, floor(100 * share));
    else if (status->total > 0)
        snprintf(line, sizeof line, "shift: %s %zu/%zu", status->task, status->done, status->total);
    else
        snprintf(line, sizeof line, "shift: %s", status->task);
    if (width > 0 && strlen(line) > width - 1)
        line[width - 1] = '\0';
    text_add(out, line);
}

/* ---- the kept line ---- */

static void add_part(struct text *out, const char *part, double loss, double accuracy) {
    text_addf(out, fabs(loss) < 1e5 ? "  %s loss %.4f" : "  %s loss %.4g", part, loss);
    if (!isnan(accuracy))
        text_addf(out, " accuracy %.2f %%", 100 * accuracy);
}

void progress_epoch_line(const struct epoch_record *r, size_t epochs, struct text *out) {
    text_addf(out, "%sepoch %zu/%zu",
              r->refit         ? "refit "
              : r->uncorrected ? "uncorrected "
                               : "",
              r->epoch, epochs);
    add_part(out, "train", r->metric[METRIC_TRAIN_LOSS], r->metric[METRIC_TRAIN_ACCURACY]);
    if (!isnan(r->metric[METRIC_VALIDATION_LOSS]))
        add_part(out, "validation", r->metric[METRIC_VALIDATION_LOSS], r->metric[METRIC_VALIDATION_ACCURACY]);
    text_addf(out, "  %.2f s  ", r->seconds);
    add_scaled(out, r->samples_per_second, " samples/s");
    text_add(out, "\n");
}

void progress_window_line(const struct window_record *r, size_t windows, struct text *out) {
    text_addf(out, "window %zu/%zu", r->window, windows);
    add_part(out, "before learning", r->before.loss, r->before.accuracy);
    if (!isnan(r->base.accuracy))
        text_addf(out, "  static %.2f %%", 100 * r->base.accuracy);
    if (!isnan(r->fresh.accuracy))
        text_addf(out, "  fresh %.2f %%", 100 * r->fresh.accuracy);
    if (r->drift)
        text_addf(out, "  drift at %zu", r->drift_at);
    else if (r->warning)
        text_add(out, "  warning");
    if (r->action >= 0)
        text_addf(out, ", %s", drift_action_name((size_t)r->action));
    if (!r->learned)
        text_add(out, "  nothing learned");
    text_add(out, "\n");
}

/* ---- the terminal ---- */

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && value[0];
}

static size_t terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void progress_init(struct progress *p, bool quiet, size_t epochs) {
    const char *term = getenv("TERM");
    *p = (struct progress){.quiet = quiet, .epochs = epochs, .start = clock_seconds()};
    p->epoch_start = p->start;
    p->drawn_at = p->start - redraw_seconds; /* the first line at once */
    p->live = !quiet && isatty(STDERR_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
    p->color = p->live && !is_set("NO_COLOR");
}

static bool is_due(const struct progress *p, double now) {
    return p->live && now >= p->drawn_at + redraw_seconds;
}

static void draw(struct progress *p, double now, const struct text *line) {
    struct text text = {0};
    text_addf(&text, "\r%s\033[K", line->s ? line->s : "");
    print_log(&text);
    text_release(&text);
    p->drawn = true;
    p->drawn_at = now;
}

void progress_estimation(struct progress *p, const struct estimation *estimation) {
    double now = clock_seconds();
    struct estimation_status status = estimation_status(estimation);
    struct text text = {0};
    if (!is_due(p, now) || !status.task)
        return;
    progress_estimation_line(&status, terminal_width(), &text);
    draw(p, now, &text);
    text_release(&text);
}

void progress_update(struct progress *p, const struct fit_status *status) {
    double now = clock_seconds();
    if (!is_due(p, now))
        return;
    double done = ((double)(status->epoch - 1) + share_done(status)) / (double)p->epochs;
    struct progress_state state = {
        .status = status,
        .epochs = p->epochs,
        .window = p->window,
        .windows = p->windows,
        .samples_per_second = now > p->epoch_start ? (double)status->samples / (now - p->epoch_start) : -1,
        .seconds_left = done > 0 ? (now - p->start) * (1 - done) / done : -1,
    };
    struct text text = {0};
    progress_line(&state, terminal_width(), p->color, &text);
    draw(p, now, &text);
    text_release(&text);
}

void progress_epoch(struct progress *p, const struct epoch_record *record) {
    if (p->quiet)
        return;
    struct text text = {0};
    p->epoch_start = clock_seconds();
    progress_clear(p);
    progress_epoch_line(record, p->epochs, &text);
    print_log(&text);
    text_release(&text);
}

void progress_warnings(struct progress *p, const struct warnings *warnings) {
    if (p->quiet || p->warned == warnings->count)
        return;
    progress_clear(p);
    print_warnings(warnings, p->warned);
    p->warned = warnings->count;
}

void progress_refit(struct progress *p, const struct training *refit) {
    if (p->quiet)
        return;
    char what[64];
    snprintf(what, sizeof what, "refit on %zu samples", refit->setup->data.train.count);
    progress_restart(p, what, refit->epochs);
}

void progress_restart(struct progress *p, const char *what, size_t epochs) {
    if (p->quiet)
        return;
    struct text text = {0};
    progress_clear(p);
    text_addf(&text, "%s, epochs: %zu\n", what, epochs);
    print_log(&text);
    text_release(&text);
    p->epochs = epochs;
    p->start = p->epoch_start = clock_seconds();
}

void progress_shift(struct progress *p, const struct estimation_result *result) {
    if (p->quiet)
        return;
    struct text text = {0};
    progress_clear(p);
    shift_line(result, &text);
    print_log(&text);
    text_release(&text);
    p->start = p->epoch_start = clock_seconds();
}

void progress_stream(struct progress *p, const struct stream *stream) {
    size_t window = stream->done + stream->open;
    if (p->window == window && p->windows == stream->windows)
        return;
    p->window = window;
    p->windows = stream->windows;
    p->epochs = stream->setup->config->shift.epochs;
    p->start = p->epoch_start = clock_seconds();
}

void progress_window(struct progress *p, const struct window_record *record) {
    if (p->quiet)
        return;
    struct text text = {0};
    progress_clear(p);
    progress_window_line(record, p->windows, &text);
    print_log(&text);
    text_release(&text);
}

void progress_clear(struct progress *p) {
    struct text text = {0};
    if (!p->drawn)
        return;
    text_add(&text, "\r\033[K");
    print_log(&text);
    text_release(&text);
    p->drawn = false;
}
