#include "run/junit.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"

/* ---- XML ---- */

/* The characters that stand for others, or NULL. White space is escaped as well, because a reader of
 * attributes makes plain spaces of it. */
static const char *escape_of(unsigned char c) {
    static const char *const escapes[256] = {
        ['&'] = "&amp;",   ['<'] = "&lt;",  ['>'] = "&gt;",   ['"'] = "&quot;",
        ['\''] = "&apos;", ['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;"};
    return escapes[c];
}

/* Whether XML 1.0 has the UTF-8 character at p, of len bytes. */
static bool is_character(const unsigned char *p, size_t len) {
    bool noncharacter = len == 3 && p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE;
    return len > 0 && (p[0] >= ' ' || escape_of(p[0])) && !noncharacter;
}

static void add_escaped(struct text *out, const char *s) {
    for (size_t left = strlen(s), len; left > 0; s += len, left -= len) {
        const unsigned char *p = (const unsigned char *)s;
        size_t found = utf8_length(p, left);
        len = found > 0 ? found : 1;
        if (!is_character(p, found))
            text_add(out, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (escape_of(*p))
            text_add(out, escape_of(*p));
        else
            text_add_bytes(out, p, len);
    }
}

static void add_attribute(struct text *out, const char *name, const char *value) {
    text_addf(out, " %s=\"", name);
    add_escaped(out, value);
    text_add(out, "\"");
}

/* ---- the report ---- */

void junit_property(struct junit_properties *p, const char *name, const char *format, ...) {
    va_list arguments;
    assert(p->count < JUNIT_PROPERTIES);
    p->list[p->count].name = name;
    va_start(arguments, format);
    vsnprintf(p->list[p->count].value, sizeof p->list->value, format, arguments);
    va_end(arguments);
    p->count++;
}

static void add_suite(const struct junit_report *r, const char *element, struct text *out) {
    const struct expectations *e = r->expectations;
    size_t tests = e->count > 0 ? e->count : 1;
    text_addf(out, "<%s", element);
    add_attribute(out, "name", r->name);
    text_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"%.3f\">\n", tests,
              r->broken ? 0 : e->failed, r->broken ? tests : 0, r->seconds);
}

static void add_properties(const struct junit_properties *p, struct text *out) {
    if (!p || p->count == 0)
        return;
    text_add(out, "    <properties>\n");
    for (size_t i = 0; i < p->count; i++) {
        text_add(out, "      <property");
        add_attribute(out, "name", p->list[i].name);
        add_attribute(out, "value", p->list[i].value);
        text_add(out, "/>\n");
    }
    text_add(out, "    </properties>\n");
}

static void open_case(const struct junit_report *r, const char *name, double seconds, struct text *out) {
    text_add(out, "    <testcase");
    add_attribute(out, "name", name);
    add_attribute(out, "classname", r->name);
    text_addf(out, " time=\"%.3f\">\n", seconds);
}

static void add_problem(const char *element, const char *kind, const char *message, struct text *out) {
    text_addf(out, "      <%s", element);
    add_attribute(out, "message", message);
    add_attribute(out, "type", kind);
    text_add(out, ">");
    add_escaped(out, message);
    text_addf(out, "</%s>\n", element);
}

static void add_verdict(const struct judgement *j, struct text *out) {
    struct text message = {0};
    if (!j->holds) {
        expectation_failure(j, &message);
        add_problem("failure", "expectation", message.s ? message.s : "", out);
        out->failed |= message.failed;
        text_release(&message);
    }
    text_add(out, "      <system-out>");
    add_escaped(out, j->value);
    text_add(out, "</system-out>\n");
}

static void add_case(const struct junit_report *r, const struct judgement *j, struct text *out) {
    struct text name = {0};
    expect_text(j->expected, &name);
    open_case(r, name.s ? name.s : "", 0, out);
    out->failed |= name.failed;
    text_release(&name);
    if (r->broken)
        add_problem("error", r->kind, r->broken, out);
    else
        add_verdict(j, out);
    text_add(out, "    </testcase>\n");
}

/* The run itself. */
static void add_run(const struct junit_report *r, struct text *out) {
    open_case(r, "run", r->seconds, out);
    if (r->broken)
        add_problem("error", r->kind, r->broken, out);
    text_add(out, "    </testcase>\n");
}

bool junit_print(const struct junit_report *r, struct text *out, struct err *err) {
    text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    add_suite(r, "testsuites", out);
    text_add(out, "  ");
    add_suite(r, "testsuite", out);
    add_properties(r->properties, out);
    for (size_t i = 0; i < r->expectations->count; i++)
        add_case(r, &r->expectations->list[i], out);
    if (r->expectations->count == 0)
        add_run(r, out);
    text_add(out, "  </testsuite>\n</testsuites>\n");
    return text_ok(out, err);
}

bool junit_may_replace(const char *path) {
    static const char xml[] = "<?xml";
    char begin[sizeof xml - 1];
    struct err err = {0};
    int fd;
    if (!file_exists(path) || !file_open_regular(path, &fd, &err))
        return true;
    ssize_t len = read(fd, begin, sizeof begin);
    close(fd);
    return len == 0 || (len == (ssize_t)sizeof begin && memcmp(begin, xml, sizeof begin) == 0);
}

bool junit_write(const struct junit_report *report, const char *path, struct err *err) {
    struct text text = {0};
    bool ok = junit_print(report, &text, err) && file_write(path, text.s, text.len, err);
    text_release(&text);
    return ok;
}
