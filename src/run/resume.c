/* A run that goes on: from which checkpoint, and whether it may. */
#include "run/run_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "run/finished.h"
#include "run/summary.h"

/* ---- the config ---- */

/* was: config.json of the run, as `where` has it. grown: whether there are more epochs to be done than it
 * began with. */
static bool check_config(const struct run *run, const char *json, size_t len, const char *where, bool *grown,
                         struct err *err) {
    struct config was;
    if (!config_load_text(json, len, &was, err))
        return err_prefix(err, "%s", where);
    bool ok = config_can_go_on(&was, run->config, err);
    *grown = run->config->train.epochs > was.train.epochs;
    config_release(&was);
    return ok;
}

/* was: a path, or NULL. */
static bool check_start(const char *was, const char *init_from, struct err *err) {
    char *is = init_from ? file_absolute(init_from, err) : NULL;
    bool ok = !init_from || is;
    if (is && !(was && strcmp(was, is) == 0))
        ok = err_set(err, ERR_CONFIG, "--init-from: the run began with %s, it cannot go on with %s",
                     was ? was : "its initialisers", is);
    mem_free(is);
    return ok;
}

/* ---- finished runs ---- */

/* As summary_print ends it: what is expected may be added there. */
static bool is_ours(const struct text *summary) {
    static const char end[] = "\n}\n";
    size_t len = sizeof end - 1;
    return summary->len >= len && memcmp(summary->s + summary->len - len, end, len) == 0;
}

static struct json *read_summary(struct run *run, struct err *err) {
    unsigned char *bytes = NULL;
    size_t len = 0;
    struct json *doc = NULL;
    char *path = folder_file(&run->folder, "summary.json", err);
    bool ok = path && file_read(path, FOLDER_MAX_SUMMARY, &bytes, &len, err);
    if (ok) {
        text_add_bytes(&run->summary, bytes, len);
        doc = json_parse((const char *)bytes, len, (struct json_options){.max_bytes = FOLDER_MAX_SUMMARY},
                         ERR_DATA, err);
        ok = doc ? finished_check_summary(doc, path, err) : err_prefix(err, "%s", path);
    }
    ok = ok && text_ok(&run->summary, err) &&
         (is_ours(&run->summary) ||
          err_set(err, ERR_DATA, "%s: is not as dltrain wrote it: another program has changed it", path));
    mem_free(bytes);
    mem_free(path);
    if (ok)
        return doc;
    json_free(doc);
    return NULL;
}

static bool check_finished_config(const struct run *run, bool *grown, struct err *err) {
    unsigned char *bytes = NULL;
    size_t len = 0;
    char *path = folder_file(&run->folder, "config.json", err);
    bool ok = path && file_read(path, FOLDER_MAX_SUMMARY, &bytes, &len, err) &&
              check_config(run, (const char *)bytes, len, path, grown, err);
    mem_free(bytes);
    mem_free(path);
    return ok;
}

static bool check_finished_model(const struct run *run, struct err *err) {
    bool there;
    return folder_has(&run->folder, "model.safetensors", &there, err) &&
           (there || err_set(err, ERR_DATA,
                             "%s/model.safetensors: is missing from a finished run (--force begins anew)",
                             run->folder.path));
}

static const char *member(struct json *summary, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json_root(summary), key));
}

/* Whether nothing is left to do: unless there are more epochs now. */
static bool judge_finished(struct run *run, const char *init_from, struct err *err) {
    bool grown;
    struct json *summary = read_summary(run, err);
    if (!summary)
        return false;
    const char *stopped_by = member(summary, "stopped_by"), *message = member(summary, "message");
    bool ok = check_finished_model(run, err) && check_finished_config(run, &grown, err) &&
              check_start(member(summary, "init_from"), init_from, err);
    if (ok && strcmp(stopped_by, "diverged") == 0)
        ok = err_set(err, ERR_DIVERGED, "%s: nothing to go on with: %s", run->folder.path,
                     message ? message : "it diverged");
    if (ok && grown && strcmp(stopped_by, "epochs") == 0) {
        text_release(&run->summary);
    } else if (ok) {
        run->resumed.finished = true;
        snprintf(run->resumed.digest, sizeof run->resumed.digest, "%s", member(summary, "model_digest"));
    }
    json_free(summary);
    return ok;
}

bool resume_check_data(struct run *run, struct err *err) {
    struct json_difference found = {0};
    struct json *now = summary_data_tree(&run->setup, err);
    struct json *summary =
        now ? json_parse(run->summary.s, run->summary.len,
                         (struct json_options){.max_bytes = FOLDER_MAX_SUMMARY}, ERR_DATA, err)
            : NULL;
    bool ok = summary != NULL;
    if (summary && json_differ(json_at(json_root(summary), "data"), json_root(now), NULL, &found)) {
        const char *was = cJSON_GetStringValue(found.a), *is = cJSON_GetStringValue(found.b);
        ok = text_ok(&found.path, err) &&
             err_set(err, ERR_DATA,
                     "data.%s: the finished run is one of data whose SHA-256 is %s, here it is %s",
                     found.path.s ? found.path.s : "", was ? was : "another", is ? is : "another");
    }
    json_difference_release(&found);
    json_free(summary);
    json_free(now);
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
        bool exists;
        if (!folder_has(&run->folder, name[i], &exists, err))
            return false;
        struct err found = {0};
        if (!exists)
            continue;
        if ((*out = load(run, name[i], &found))) {
            run->resumed.by_previous = problem.kind != ERR_NONE;
            if (run->resumed.by_previous)
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

/* Of a run that is not finished. */
static bool check_checkpoint(struct run *run, struct snapshot *s, const char *init_from, struct err *err) {
    struct text config = {0};
    bool grown;
    snapshot_text(s, "config", &config);
    snapshot_text(s, "init_from", &run->init_from);
    bool ok = snapshot_ok(s, err) || err_prefix(err, "%s: its checkpoint", run->folder.path);
    struct text where = {0};
    text_addf(&where, "%s: its checkpoint", run->folder.path);
    ok = ok && text_ok(&where, err) &&
         check_config(run, config.s ? config.s : "", config.len, where.s, &grown, err) &&
         check_start(run->init_from.len ? run->init_from.s : NULL, init_from, err);
    text_release(&where);
    text_release(&config);
    return ok;
}

bool resume_find(struct run *run, const char *init_from, struct checkpoint **checkpoint, struct err *err) {
    bool finished;
    *checkpoint = NULL;
    if (!folder_finished(&run->folder, &finished, err) || (finished && !judge_finished(run, init_from, err)))
        return false;
    run->resumed.on = run->resumed.finished;
    if (run->resumed.finished)
        return true;
    if (!load_newest(run, checkpoint, err))
        return false;
    run->resumed.on = *checkpoint != NULL;
    if (finished && !*checkpoint)
        return err_set(err, ERR_DATA,
                       "%s: cannot go on for more epochs: there is no %s (--force begins anew)",
                       run->folder.path, CHECKPOINT);
    if (!*checkpoint || check_checkpoint(run, checkpoint_snapshot(*checkpoint), init_from, err))
        return true;
    checkpoint_free(*checkpoint);
    *checkpoint = NULL;
    return false;
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
