#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is left ---- */

static struct content settled(const char *path) {
    struct content c = file_content(path);
    content_settle(&c);
    return c;
}

struct outcome outcome_of(const char *folder) {
    struct outcome o = {.out = settled(textf("%s/out", folder)),
                        .names = folder_list(textf("%s/run", folder))};
    if (o.names.count > MAX_FILES)
        give_up("%s/run has more than %d files", folder, MAX_FILES);
    for (size_t i = 0; i < o.names.count; i++)
        o.file[i] = settled(textf("%s/run/%s", folder, o.names.name[i]));
    return o;
}

void outcome_release(struct outcome *o) {
    content_release(&o->out);
    for (size_t i = 0; i < o->names.count; i++)
        content_release(&o->file[i]);
    listing_release(&o->names);
}

/* ---- the command ---- */

static void redirect(const char *path, int fd) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(125);
    close(file);
}

/* In the child. A program that hangs is ended by the alarm. */
static void become(const struct fault_case *c) {
    enum { PATIENCE = 60 };
    char words[512], *argv[32] = {(char *)(uintptr_t)c->program};
    snprintf(words, sizeof words, "%s", c->campaign->command);
    size_t count = 1;
    for (char *word = strtok(words, " "); word && count < 31; word = strtok(NULL, " "))
        argv[count++] = word;
    redirect("out", STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    setenv("LD_PRELOAD", c->shim, 1);
    setenv("DLTRAIN_FAULT", c->fault, 1);
    setenv("DLTRAIN_FAULT_REPORT", "report", 1);
    setenv("DLTRAIN_OVERCOMMIT", "1", 1);
    alarm(PATIENCE);
    execv(c->program, argv);
    _exit(126);
}

void case_begin(struct fault_case *c) {
    const char *folder = c->folder;
    folder_remove(folder);
    mkdir(folder, 0777);
    if (c->campaign->before)
        folder_copy(c->campaign->before, textf("%s/run", folder));
    c->pid = fork();
    if (c->pid < 0)
        give_up("cannot fork: %s", strerror(errno));
    if (c->pid == 0) {
        if (chdir(folder) != 0)
            _exit(125);
        become(c);
    }
}

/* ---- what must hold ---- */

static unsigned long findings;

static void finding(const struct fault_case *c, const char *format, ...) PRINTF_LIKE(2, 3);
static void finding(const struct fault_case *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%s, %s: ", c->campaign->name, c->fault);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    findings++;
}

static const struct content *outcome_file(const struct outcome *o, const char *name) {
    static const struct content none;
    for (size_t i = 0; i < o->names.count; i++)
        if (strcmp(o->names.name[i], name) == 0)
            return &o->file[i];
    return &none;
}

static bool is_line(const struct content *c) {
    return c->len > 0 && strchr(c->bytes, '\n') == c->bytes + c->len - 1;
}

static void check_streams(const struct fault_case *c, int status) {
    struct content out = settled(textf("%s/out", c->folder)), err = file_content(textf("%s/err", c->folder));
    if (status == 0 && !content_same(&out, &c->sound->out))
        finding(c, "status 0, but another result");
    if (status != 0 && !content_begins(&out, &c->sound->out))
        finding(c, "status %d and a damaged result", status);
    if (status == 0 && err.len > 0)
        finding(c, "status 0, but: %s", err.bytes);
    if (status != 0 && (!is_line(&err) || strncmp(err.bytes, "dltrain: error: ", 16) != 0))
        finding(c, "expected one line of error, found: %s", err.bytes);
    content_release(&out);
    content_release(&err);
}

static bool is_litter(const char *name) {
    return strcmp(name, ".lock") == 0 || strncmp(name, ".dltrain-", 9) == 0;
}

/* A record may break off behind any line. */
static bool is_record_of(const char *name, const struct content *found, const struct content *sound) {
    return strcmp(name, "metrics.jsonl") == 0 && content_begins(found, sound) &&
           (found->len == 0 || found->bytes[found->len - 1] == '\n');
}

/* Whether each file is the old one or the new one. */
static void check_present(const struct fault_case *c, const struct listing *l, int status) {
    for (size_t i = 0; i < l->count; i++) {
        const char *name = l->name[i];
        if (is_litter(name)) {
            if (!c->failure->litter)
                finding(c, "status %d, leaves %s", status, name);
            continue;
        }
        struct content found = settled(textf("%s/run/%s", c->folder, name));
        const struct content *made = outcome_file(c->sound, name), *before = outcome_file(c->before, name);
        bool is_new = made->bytes && content_same(&found, made),
             is_old = c->campaign->before && before->bytes && content_same(&found, before);
        if (status == 0 ? !is_new : !is_new && !is_old && !(made->bytes && is_record_of(name, &found, made)))
            finding(c, "status %d, %s is neither the old file nor the new one", status, name);
        content_release(&found);
    }
}

static bool has(const struct listing *l, const char *name) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->name[i], name) == 0)
            return true;
    return false;
}

/* Whether a file is missing: one of the new ones after a success, of the old ones that were to stay, or of
 * those that a summary speaks of. */
static void check_absent(const struct fault_case *c, const struct listing *l, int status) {
    const struct outcome *sound = c->sound;
    for (size_t i = 0; status == 0 && i < sound->names.count; i++)
        if (!has(l, sound->names.name[i]))
            finding(c, "status 0, but %s is missing", sound->names.name[i]);
    for (size_t i = 0; c->campaign->before && !c->campaign->replaces && i < c->before->names.count; i++)
        if (!has(l, c->before->names.name[i]))
            finding(c, "status %d, and the old %s is gone", status, c->before->names.name[i]);
    if (has(l, "summary.json") && !has(l, "model.safetensors"))
        finding(c, "status %d, a summary without its model", status);
}

/* A summary stands beside the model that it speaks of. */
static void check_pair(const struct fault_case *c) {
    struct content summary = file_content(textf("%s/run/summary.json", c->folder)),
                   model = file_content(textf("%s/run/model.safetensors", c->folder));
    static const char key[] = "\"model_digest\": \"";
    enum { DIGEST = 64 };
    const char *a = summary.bytes ? strstr(summary.bytes, key) : NULL;
    const char *b = model.bytes ? memmem(model.bytes, model.len, key, sizeof key - 1) : NULL;
    if (a && b && memcmp(a, b, sizeof key - 1 + DIGEST) != 0)
        finding(c, "the summary is another model's");
    content_release(&summary);
    content_release(&model);
}

static void check_report(const struct fault_case *c) {
    struct content report = file_content(textf("%s/report", c->folder));
    if (!report.bytes)
        finding(c, "no report: the program did not return from main");
    for (char *line = report.bytes; line && *line;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, "calls ", 6) != 0)
            finding(c, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
    content_release(&report);
}

unsigned long case_check(const struct fault_case *c, int how) {
    findings = 0;
    if (!WIFEXITED(how)) {
        finding(c, "ended by signal %d", WTERMSIG(how));
        return findings;
    }
    int status = WEXITSTATUS(how);
    if (status != 0 && status != FAILED && !(status == NO_DATA && c->failure->data))
        finding(c, "status %d", status);
    check_streams(c, status);
    struct listing l = folder_list(textf("%s/run", c->folder));
    check_present(c, &l, status);
    check_absent(c, &l, status);
    check_pair(c);
    check_report(c);
    listing_release(&l);
    return findings;
}
