/* A run that goes on: from which checkpoint, and whether it may. */
#include "run/run_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

/* ---- the config ---- */

/* grown: whether there are more epochs to be done than it began with. */
static bool check_config(const struct run *run, struct snapshot *s, bool *grown, struct err *err) {
    struct text text = {0};
    struct config was;
    snapshot_text(s, "config", &text);
    bool ok = snapshot_ok(s, err) && config_load_text(text.s ? text.s : "", text.len, &was, err);
    text_release(&text);
    if (!ok)
        return err_prefix(err, "%s: its checkpoint", run->folder.path);
    ok = config_can_go_on(&was, run->config, err);
    *grown = run->config->train.epochs > was.train.epochs;
    config_release(&was);
    return ok;
}

static bool check_start(struct run *run, struct snapshot *s, const char *init_from, struct err *err) {
    snapshot_text(s, "init_from", &run->init_from);
    if (!snapshot_ok(s, err))
        return err_prefix(err, "%s: its checkpoint", run->folder.path);
    const char *was = run->init_from.len ? run->init_from.s : NULL;
    char *is = init_from ? file_absolute(init_from, err) : NULL;
    bool ok = !init_from || is;
    if (is && !(was && strcmp(was, is) == 0))
        ok = err_set(err, ERR_CONFIG, "--init-from: the run began with %s, it cannot go on with %s",
                     was ? was : "its initialisers", is);
    mem_free(is);
    return ok;
}

/* ---- finished runs ---- */

/* Reads summary.json; *stopped_by and *message are its strings, or empty. */
static bool read_summary(struct run *run, struct text *stopped_by, struct text *message, struct err *err) {
    unsigned char *bytes = NULL;
    size_t len = 0;
    char *path = folder_file(&run->folder, "summary.json", err);
    bool ok = path && file_read(path, FOLDER_MAX_SUMMARY, &bytes, &len, err);
    struct json *doc = ok ? json_parse((const char *)bytes, len,
                                       (struct json_options){.max_bytes = FOLDER_MAX_SUMMARY}, ERR_DATA, err)
                          : NULL;
    if (ok && !doc)
        err_prefix(err, "%s", path);
    if (doc) {
        const cJSON *root = json_root(doc);
        const char *stopped = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "stopped_by"));
        const char *told = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "message"));
        const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "model_digest"));
        text_add(stopped_by, stopped ? stopped : "");
        text_add(message, told ? told : "");
        text_add_bytes(&run->summary, bytes, len);
        snprintf(run->resumed.digest, sizeof run->resumed.digest, "%s", digest ? digest : "");
    }
    ok = doc && text_ok(stopped_by, err) && text_ok(message, err) && text_ok(&run->summary, err);
    json_free(doc);
    mem_free(bytes);
    mem_free(path);
    return ok;
}

/* Nothing is left to do, unless there are more epochs now. */
static bool judge_finished(struct run *run, bool grown, struct err *err) {
    struct text stopped_by = {0}, message = {0};
    bool ok = read_summary(run, &stopped_by, &message, err);
    if (ok && strcmp(stopped_by.s, "diverged") == 0)
        ok = err_set(err, ERR_DIVERGED, "%s: nothing to go on with: %s", run->folder.path,
                     message.s ? message.s : "it diverged");
    if (ok && grown && strcmp(stopped_by.s, "epochs") == 0)
        text_release(&run->summary);
    else
        run->resumed.finished = ok;
    text_release(&stopped_by);
    text_release(&message);
    return ok;
}

/* ---- the checkpoint ---- */

static struct checkpoint *load(const struct run *run, const char *name, struct err *err) {
    char *path = folder_file(&run->folder, name, err);
    struct checkpoint *c = path ? checkpoint_load(path, NUMERIC_CONTRACT, err) : NULL;
    mem_free(path);
    return c;
}

/* The newest that is whole. *out NULL: there is none at all. A damaged one with none before it is an error.
 */
static bool load_newest(struct run *run, struct checkpoint **out, struct err *err) {
    static const char *const name[] = {CHECKPOINT, CHECKPOINT_PREVIOUS};
    struct err problem = {0};
    *out = NULL;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        bool exists = false;
        char *path = folder_file(&run->folder, name[i], err);
        bool looked = path && file_look(path, &exists, err);
        mem_free(path);
        if (!looked)
            return false;
        struct err found = {0};
        if (!exists)
            continue;
        if ((*out = load(run, name[i], &found))) {
            if (problem.kind != ERR_NONE)
                text_addf(&run->notice, "%s; going on from %s", problem.text, name[i]);
            return text_ok(&run->notice, err);
        }
        if (problem.kind == ERR_NONE)
            problem = found;
        if (found.kind == ERR_SYSTEM)
            break;
    }
    if (problem.kind != ERR_NONE)
        *err = problem;
    return problem.kind == ERR_NONE;
}

bool resume_find(struct run *run, const char *init_from, struct checkpoint **checkpoint, struct err *err) {
    bool finished, grown = false;
    *checkpoint = NULL;
    if (!folder_finished(&run->folder, &finished, err) || !load_newest(run, checkpoint, err))
        return false;
    struct snapshot *s = *checkpoint ? checkpoint_snapshot(*checkpoint) : NULL;
    bool ok = (!s || (check_config(run, s, &grown, err) && check_start(run, s, init_from, err))) &&
              (!finished || judge_finished(run, grown, err));
    run->resumed.on = *checkpoint != NULL;
    if (!ok || run->resumed.finished) {
        checkpoint_free(*checkpoint);
        *checkpoint = NULL;
    }
    return ok;
}

/* ---- the data ---- */

/* Lines "KEY DIGEST": the first that is not the same. */
static bool same_data(const char *was, const char *is, struct err *err) {
    while (*was || *is) {
        size_t a = strcspn(was, "\n"), b = strcspn(is, "\n");
        size_t name = strcspn(is, " \n");
        if (a != b || memcmp(was, is, a) != 0)
            return strncmp(was, is, name + 1) == 0
                       ? err_set(
                             err, ERR_DATA,
                             "%.*s: the run began with data whose SHA-256 is %.*s, it cannot go on with %.*s",
                             (int)name, is, (int)(a - name - 1), was + name + 1, (int)(b - name - 1),
                             is + name + 1)
                       : err_set(err, ERR_DATA, "the run began with other data: %.*s then, %.*s now", (int)a,
                                 was, (int)b, is);
        was += a + (was[a] == '\n');
        is += b + (is[b] == '\n');
    }
    return true;
}

static bool check_data(const struct run *run, struct snapshot *s, struct err *err) {
    struct text was = {0};
    snapshot_text(s, "data", &was);
    bool ok = snapshot_ok(s, err) && same_data(was.s ? was.s : "", run->data_text.s, err);
    text_release(&was);
    return ok;
}

/* ---- going on ---- */

bool resume_from(struct run *run, struct checkpoint *checkpoint, struct err *err) {
    struct snapshot *s = checkpoint_snapshot(checkpoint);
    if (!check_data(run, s, err))
        return false;
    run_snapshot(run, s);
    return snapshot_ok(s, err) || err_prefix(err, "%s: its checkpoint", run->folder.path);
}
