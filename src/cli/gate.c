#include "cli/gate.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/table.h"
#include "run/folder.h"

/* ---- beginning ---- */

static bool read_options(const struct arguments *a, struct gate *gate, struct err *err) {
    for (size_t i = 0; i < a->expect_count; i++) {
        struct text shown = {0};
        if (expect_parse(a->expect[i], &gate->options, err))
            continue;
        add_printable(&shown, a->expect[i]);
        err_prefix(err, "--expect '%s'", shown.s ? shown.s : "");
        text_release(&shown);
        return false;
    }
    return true;
}

/* A report in the place of anything else would be the last of it. */
static bool check_place(const struct arguments *a, struct err *err) {
    return junit_may_replace(a->junit) ||
           err_set(err, ERR_USAGE, "--junit must not replace %s, which is no report", a->junit);
}

/* Nor in the place of what the run is going to write. */
static bool check_run_place(const char *junit, const char *folder, const char *made, struct err *err) {
    const char *slash = strrchr(junit, '/'), *name = slash ? slash + 1 : junit;
    char *a = file_absolute(folder, err), *b = a ? file_absolute(made, err) : NULL;
    bool ok = b && (!(strcmp(a, b) == 0 || file_same(a, b)) || !folder_owns(name) ||
                    err_set(err, ERR_USAGE, "--junit must not replace %s, which the run writes", junit));
    mem_free(a);
    mem_free(b);
    return ok;
}

static void name_after(const char *file, struct gate *gate) {
    const char *slash = strrchr(file, '/');
    snprintf(gate->name, sizeof gate->name, "%s", slash && slash[1] ? slash + 1 : file);
    char *dot = strrchr(gate->name, '.');
    if (dot && dot != gate->name)
        *dot = '\0';
}

int gate_open(const struct arguments *a, const char *file, struct gate *gate) {
    struct err err = {0};
    *gate = (struct gate){0};
    name_after(file, gate);
    if (a->junit && !check_place(a, &err))
        return print_failure(&err);
    gate->junit = a->print_config ? NULL : a->junit; /* nothing runs then */
    bool ok = read_options(a, gate, &err);
    if (!expectations_gather(NULL, &gate->options, &gate->expected, ok ? &err : &(struct err){0}))
        ok = false;
    return ok ? 0 : print_failure(&err);
}

int gate_ready(struct gate *gate) {
    struct err err = {0};
    const struct junit_report report = {.name = gate->name,
                                        .expectations = &gate->expected,
                                        .broken = "the run has not ended",
                                        .kind = "unfinished"};
    if (!gate->junit || gate->begun)
        return 0;
    gate->begun = junit_write(&report, gate->junit, &err);
    if (gate->begun)
        return 0;
    gate->junit = NULL; /* it will not be better at the end */
    return print_failure(&err);
}

/* Whether the folder is missing and making the folder `made` makes it. */
static bool awaits(const char *folder, const char *made, bool *answer, struct err *err) {
    char *a = file_absolute(folder, err), *b = a ? file_absolute(made, err) : NULL;
    size_t len = a ? strlen(a) : 0;
    *answer = b && !file_is_folder(a) && strncmp(a, b, len) == 0 && (b[len] == '/' || b[len] == '\0');
    bool ok = b;
    mem_free(a);
    mem_free(b);
    return ok;
}

int gate_begin(struct gate *gate, const char *name, const struct expect_spec *expect, const char *made) {
    struct err err = {0};
    bool later = false;
    snprintf(gate->name, sizeof gate->name, "%s", name);
    expectations_release(&gate->expected);
    if (!expectations_gather(expect, &gate->options, &gate->expected, &err))
        return print_failure(&err);
    char *folder = gate->junit && made ? file_folder(gate->junit, &err) : NULL;
    bool ok =
        !gate->junit || !made ||
        (folder && check_run_place(gate->junit, folder, made, &err) && awaits(folder, made, &later, &err));
    mem_free(folder);
    if (!ok) {
        gate->junit = NULL;
        return print_failure(&err);
    }
    return later ? 0 : gate_ready(gate);
}

/* ---- the result ---- */

/* As wide as the names of the figures above. */
enum { NAME_WIDTH = 20 };

void gate_lines(const struct expectations *e, struct text *out) {
    struct table table = {.columns = 4};
    if (!e->judged)
        return;
    for (size_t i = 0; i < e->count; i++) {
        const struct judgement *j = &e->list[i];
        struct text text = {0};
        expect_text(j->expected, &text);
        table_cell(&table, "%-*s", NAME_WIDTH, "expect");
        table_cell(&table, "%s", text.s ? text.s : "");
        table_cell(&table, "%s", j->value);
        table_cell(&table, "%s", j->holds ? "ok" : "FAILED");
        out->failed |= text.failed;
        text_release(&text);
    }
    table_print(&table, 0, out);
}

/* One line, whatever else is printed, for a log from which stdout went elsewhere. Returns the exit status. */
static int log_failed(const struct expectations *e) {
    struct text text = {0};
    struct err err = {0};
    const char *separator = ": ";
    text_addf(&text, "%zu of %zu expectation%s %s not hold", e->failed, e->count, e->count == 1 ? "" : "s",
              e->failed == 1 ? "does" : "do");
    for (size_t i = 0; i < e->count; i++) {
        if (e->list[i].holds)
            continue;
        text_add(&text, separator);
        expectation_failure(&e->list[i], &text);
        separator = "; ";
    }
    bool ok = text_ok(&text, &err);
    print_error_text(&text);
    text_release(&text);
    return ok ? EXPECTATION_FAILED : print_failure(&err);
}

/* ---- the end ---- */

static const char *kind_of(int status) {
    static const char *const kinds[] = {[ERR_USAGE] = "usage",
                                        [ERR_CONFIG] = "config",
                                        [ERR_DATA] = "data",
                                        [ERR_DIVERGED] = "diverged",
                                        [ERR_SYSTEM] = "system"};
    bool known = status >= ERR_USAGE && status <= ERR_SYSTEM;
    return known ? kinds[status] : interrupt_name() ? "interrupted" : "unfinished";
}

/* Why there is no verdict. */
static void add_reason(int status, struct text *out) {
    const struct err *failure = print_failed();
    if (status == 0 && interrupt_name())
        text_addf(out, "stopped by %s", interrupt_name());
    else
        text_add(out, failure ? failure->text : "the run has not ended");
}

static int report(const struct gate *gate, const struct gate_end *end) {
    bool judged = end->judged && (end->judged->judged || end->judged->count == 0);
    struct err err = {0};
    struct text why = {0};
    struct junit_report r = {
        .name = gate->name,
        .seconds = end->seconds,
        .properties = end->properties,
        .expectations = judged ? end->judged : &gate->expected,
        .kind = kind_of(end->status),
    };
    if (!judged || end->status != 0) {
        add_reason(end->status, &why);
        r.broken = why.s ? why.s : "";
    }
    int status = junit_write(&r, gate->junit, &err) ? 0 : print_failure(&err);
    text_release(&why);
    return end->status ? end->status : status;
}

int gate_close(struct gate *gate, const struct gate_end *end) {
    int status = gate->junit ? report(gate, end) : end->status;
    if (status == 0 && end->judged && end->judged->failed > 0)
        status = log_failed(end->judged);
    expectations_release(&gate->expected);
    expect_release(&gate->options);
    return status;
}
