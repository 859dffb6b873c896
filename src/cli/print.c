#include "cli/print.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/figures.h"

static bool stdout_closed;
static struct err first_failure;

void print_prepare(void) {
    /* open gives the lowest free descriptor, so the order closes the gaps from below. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write over the limit fails and is reported */
}

static bool write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        len -= (size_t)done;
    }
    return true;
}

bool print_result(const char *bytes, size_t len, struct err *err) {
    if (stdout_closed || write_all(STDOUT_FILENO, bytes, len))
        return true;
    stdout_closed = errno == EPIPE;
    return stdout_closed || err_set(err, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
}

bool print_closed(void) {
    return stdout_closed;
}

int print_text(struct text *text) {
    struct err err = {0};
    bool ok = text_ok(text, &err) && (text->len == 0 || print_result(text->s, text->len, &err));
    text_release(text);
    return ok ? 0 : print_failure(&err);
}

void print_log(const struct text *text) {
    if (!text->failed && text->len > 0)
        (void)!write_all(STDERR_FILENO, text->s, text->len);
}

/* ---- errors ---- */

/* In one write, so that lines of several processes do not mix; in pieces where memory is exhausted. */
static void print_error_line(const char *line, size_t len) {
    static const char head[] = "dltrain: error: ";
    struct text text = {0};
    text_add(&text, head);
    text_add_bytes(&text, line, len);
    text_add(&text, "\n");
    print_log(&text);
    if (text.failed) {
        (void)!write_all(STDERR_FILENO, head, sizeof head - 1);
        (void)!write_all(STDERR_FILENO, line, len);
        (void)!write_all(STDERR_FILENO, "\n", 1);
    }
    text_release(&text);
}

static void note_failure(const struct err *err) {
    if (first_failure.kind == ERR_NONE)
        first_failure = *err;
}

const struct err *print_failed(void) {
    return first_failure.kind == ERR_NONE ? NULL : &first_failure;
}

void print_error_text(const struct text *text) {
    if (!text->failed && text->s)
        print_error_line(text->s, text->len);
}

int print_failure(const struct err *err) {
    note_failure(err);
    print_error_line(err->text, strlen(err->text));
    return (int)err->kind;
}

int print_faults(const struct config_faults *faults, const struct err *err) {
    if (faults->count == 0 || faults->lines.failed || !faults->lines.s)
        return print_failure(err);
    note_failure(err);
    for (const char *line = faults->lines.s; *line;) {
        size_t len = strcspn(line, "\n");
        print_error_line(line, len);
        line += len + (line[len] == '\n');
    }
    return (int)err->kind;
}

void print_warnings(const struct warnings *warnings, size_t first) {
    struct text text = {0};
    for (size_t i = first; i < warnings->count; i++)
        text_addf(&text, "dltrain: warning: %s\n", warnings->list[i].text.s);
    print_log(&text);
    text_release(&text);
}

/* ---- pieces of text ---- */

void add_printable(struct text *text, const char *s) {
    for (; *s; s++)
        text_add_bytes(text, (unsigned char)*s < ' ' || *s == 0x7F ? "?" : s, 1);
}

void format_scaled(char *out, size_t size, double value, const char *unit) {
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t i = 0;
    while (value >= 999.5 && i + 1 < sizeof prefix / sizeof prefix[0]) {
        value /= 1000;
        i++;
    }
    snprintf(out, size, "%.3g%s%s%s", value, prefix[i][0] || unit[0] != ' ' ? " " : "", prefix[i], unit);
}

void add_scaled(struct text *text, double value, const char *unit) {
    char scaled[64];
    format_scaled(scaled, sizeof scaled, value, unit);
    text_add(text, scaled);
}

static void add_name(struct text *text, const char *part, const char *figure) {
    size_t before = text->len;
    text_addf(text, "%s %s", part, figure);
    text_addf(text, "%*s", before + 22 > text->len ? (int)(before + 22 - text->len) : 1, "");
}

/* Of several outputs each one as well. */
static void add_explained(struct text *text, const char *part, const struct evaluation *e) {
    enum { SHOWN = 8 };
    if (isnan(e->r2))
        return;
    add_name(text, part, "r2");
    text_addf(text, "%.4f", e->r2);
    for (size_t o = 0; e->outputs > 1 && o < e->outputs && o < SHOWN; o++)
        text_addf(text, "%s%.4f", o == 0 ? "  (mean of " : ", ", e->output_r2[o]);
    text_add(text, e->outputs > SHOWN ? ", ...)\n" : e->outputs > 1 ? ")\n" : "\n");
}

void add_evaluation(struct text *text, const char *part, const struct evaluation *e) {
    if (e->classes) {
        double low, high;
        figures_wilson(e->correct, e->samples, &low, &high);
        add_name(text, part, "accuracy");
        text_addf(text, "%.2f %%  (95 %% interval %.2f to %.2f; %zu of %zu)\n", 100 * e->accuracy, 100 * low,
                  100 * high, e->correct, e->samples);
        add_name(text, part, "error");
        text_addf(text, "%.2f %%\n", 100 * (double)(e->samples - e->correct) / (double)e->samples);
    }
    add_name(text, part, "loss");
    text_addf(text, "%.6g\n", e->loss);
    if (!isnan(e->weighted_loss)) {
        add_name(text, part, "weighted loss");
        text_addf(text, "%.6g\n", e->weighted_loss);
    }
    if (!isnan(e->ece)) {
        add_name(text, part, "ece");
        text_addf(text, "%.4f\n", e->ece);
    }
    add_explained(text, part, e);
}

static void add_effect(struct text *text, const char *part, const struct calibration_effect *effect) {
    const struct calibration_scores *a = &effect->before, *b = &effect->after;
    const struct {
        const char *figure;
        double before, after;
    } row[] = {{"nll", a->nll, b->nll}, {"brier", a->brier, b->brier}, {"ece", a->ece, b->ece}};
    for (size_t i = 0; effect->measured && i < sizeof row / sizeof *row; i++) {
        if (isnan(row[i].before))
            continue;
        add_name(text, part, row[i].figure);
        text_addf(text, "%.4f, calibrated %.4f\n", row[i].before, row[i].after);
    }
}

void add_calibration(struct text *text, const struct calibration *calibration) {
    if (isnan(calibration->temperature))
        return;
    text_addf(text, "temperature           %.6g\n", calibration->temperature);
    add_effect(text, "test", &calibration->test);
    add_effect(text, "validation", &calibration->validation);
}
