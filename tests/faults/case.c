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
static void become(const struct fault_case *c, const char *command, const char *fault) {
    enum { PATIENCE = 60 };
    char words[512], *argv[32] = {(char *)(uintptr_t)c->program};
    snprintf(words, sizeof words, "%s", command);
    size_t count = 1;
    for (char *word = strtok(words, " "); word && count < 31; word = strtok(NULL, " "))
        argv[count++] = word;
    redirect("out", STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    setenv("LD_PRELOAD", c->shim, 1);
    setenv("DLTRAIN_FAULT", fault, 1);
    setenv("TMPDIR", "tmp", 1);
    setenv("DLTRAIN_FAULT_REPORT", "report", 1);
    setenv("DLTRAIN_OVERCOMMIT", "1", 1);
    alarm(PATIENCE);
    execv(c->program, argv);
    _exit(126);
}

static pid_t start(const struct fault_case *c, const char *command, const char *fault) {
    pid_t pid = fork();
    if (pid < 0)
        give_up("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        if (chdir(c->folder) != 0)
            _exit(125);
        become(c, command, fault);
    }
    return pid;
}

void case_begin(struct fault_case *c) {
    const char *folder = c->folder;
    folder_remove(folder);
    mkdir(folder, 0777);
    mkdir(textf("%s/tmp", folder), 0777);
    if (c->campaign->before)
        folder_copy(c->campaign->before, textf("%s/run", folder));
    c->pid = start(c, c->campaign->command, c->fault);
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

static bool is_checkpoint(const char *name) {
    return strncmp(name, "checkpoint.", 11) == 0;
}

bool outcome_same_files(const struct outcome *a, const struct outcome *b) {
    bool same = a->names.count == b->names.count;
    for (size_t i = 0; same && i < a->names.count; i++)
        same = strcmp(a->names.name[i], b->names.name[i]) == 0 &&
               (is_checkpoint(a->names.name[i]) || content_same(&a->file[i], &b->file[i]));
    return same;
}

/* Whether it is lines of error, no more of them than that. */
static bool is_error(const struct content *c, size_t most) {
    size_t count = 0;
    for (const char *line = c->bytes; line && *line; count++) {
        const char *end = strchr(line, '\n');
        if (!end || strncmp(line, "dltrain: error: ", 16) != 0)
            return false;
        line = end + 1;
    }
    return count > 0 && count <= most;
}

/* Whether it says that the command has done what it does where nothing fails. */
static bool is_success(const struct fault_case *c, int status) {
    return status == 0 || (status == MISSED && c->campaign->status == MISSED);
}

static void check_streams(const struct fault_case *c, int status) {
    struct content out = settled(textf("%s/out", c->folder)), err = file_content(textf("%s/err", c->folder));
    bool success = is_success(c, status);
    if (success && !content_same(&out, &c->sound->out))
        finding(c, "status %d, but another result", status);
    if (!success && !content_begins(&out, &c->sound->out))
        finding(c, "status %d and a damaged result", status);
    if (status == 0 && err.len > 0)
        finding(c, "status 0, but: %s", err.bytes);
    if (status != 0 && !is_error(&err, c->campaign->lines ? c->campaign->lines : 1))
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

/* Whether each file is the old one or the new one. A checkpoint is judged by what comes of it. */
static void check_present(const struct fault_case *c, const struct listing *l, int status) {
    for (size_t i = 0; i < l->count; i++) {
        const char *name = l->name[i];
        if (is_litter(name)) {
            if (!c->failure->litter)
                finding(c, "status %d, leaves %s", status, name);
            continue;
        }
        if (is_checkpoint(name) && (c->campaign->trains || c->campaign->resumes)) {
            if (strstr(name, ".new.") && !c->failure->litter)
                finding(c, "status %d, leaves %s", status, name);
            continue;
        }
        struct content found = settled(textf("%s/run/%s", c->folder, name));
        const struct content *made = outcome_file(c->sound, name), *before = outcome_file(c->before, name);
        bool is_new = made->bytes && content_same(&found, made),
             is_old = c->campaign->before && before->bytes && content_same(&found, before);
        if (is_success(c, status) ? !is_new
                                  : !is_new && !is_old && !(made->bytes && is_record_of(name, &found, made)))
            finding(c, "status %d, %s is neither the old file nor the new one", status, name);
        content_release(&found);
    }
}

/* Whether a file is missing: one of the new ones after a success, of the old ones that were to stay, or of
 * those that a summary speaks of. */
static void check_absent(const struct fault_case *c, const struct listing *l, int status) {
    const struct outcome *sound = c->sound;
    for (size_t i = 0; is_success(c, status) && i < sound->names.count; i++)
        if (!listing_has(l, sound->names.name[i]))
            finding(c, "status %d, but %s is missing", status, sound->names.name[i]);
    for (size_t i = 0; c->campaign->before && !c->campaign->replaces && i < c->before->names.count; i++)
        if (!listing_has(l, c->before->names.name[i]))
            finding(c, "status %d, and the old %s is gone", status, c->before->names.name[i]);
    if (listing_has(l, "summary.json") && !listing_has(l, "model.safetensors"))
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

/* ---- going on ---- */

/* Whether the checkpoint is that of the run that was there before, which another one was to replace. */
static bool is_old_run(const struct fault_case *c) {
    struct content found = settled(textf("%s/run/checkpoint.safetensors", c->folder));
    const struct content *before = outcome_file(c->before, "checkpoint.safetensors");
    bool old = !c->campaign->resumes && c->campaign->before && found.bytes && content_same(&found, before);
    content_release(&found);
    return old;
}

/* What is promised of a run that was stopped by whatever: it goes on, and comes to what would have come out.
 * One that is finished stays as it is. */
static void check_going_on(const struct fault_case *c, bool finished) {
    char command[512];
    int how;
    if (!(c->campaign->trains || c->campaign->resumes) || is_old_run(c))
        return;
    snprintf(command, sizeof command, "%s%s", c->campaign->command, c->campaign->resumes ? "" : " --resume");
    char *force = strstr(command, " --force");
    if (force)
        memset(force, ' ', strlen(" --force"));
    pid_t pid = start(c, command, "none");
    if (waitpid(pid, &how, 0) != pid)
        give_up("cannot wait: %s", strerror(errno));
    struct content err = file_content(textf("%s/err", c->folder));
    if (!WIFEXITED(how) || WEXITSTATUS(how) != c->campaign->status)
        finding(c, "does not go on: %s", err.bytes);
    content_release(&err);
    struct outcome o = outcome_of(c->folder);
    for (size_t i = 0; i < c->sound->names.count; i++) {
        const char *name = c->sound->names.name[i];
        if (is_checkpoint(name) ? !listing_has(&o.names, name)
                                : !content_same(outcome_file(&o, name), &c->sound->file[i]))
            finding(c, "goes on to another %s", name);
    }
    for (size_t i = 0; !(finished && c->failure->litter) && i < o.names.count; i++)
        if (!listing_has(&c->sound->names, o.names.name[i]))
            finding(c, "goes on and leaves %s", o.names.name[i]);
    if (!finished && !content_same(&o.out, &c->sound->out))
        finding(c, "goes on to another result");
    outcome_release(&o);
    check_report(c);
}

/* Whatever worked in a folder of its own has removed it. */
static void check_scratch(const struct fault_case *c) {
    struct listing l = folder_list(textf("%s/tmp", c->folder));
    if (l.count > 0 && !c->failure->litter)
        finding(c, "leaves tmp/%s", l.name[0]);
    listing_release(&l);
}

unsigned long case_check(const struct fault_case *c, int how) {
    findings = 0;
    if (!WIFEXITED(how)) {
        finding(c, "ended by signal %d", WTERMSIG(how));
        return findings;
    }
    int status = WEXITSTATUS(how);
    if (!is_success(c, status) && status != FAILED && !(status == NO_DATA && c->failure->data))
        finding(c, "status %d", status);
    check_streams(c, status);
    struct listing l = folder_list(textf("%s/run", c->folder));
    check_present(c, &l, status);
    check_absent(c, &l, status);
    check_pair(c);
    check_report(c);
    check_scratch(c);
    check_going_on(c, listing_has(&l, "summary.json"));
    listing_release(&l);
    return findings;
}
