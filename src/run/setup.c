#include "run/setup.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "run/loss_use.h"
#include "run/model_file.h"

struct team *setup_team(size_t threads, struct err *err) {
    return team_create(threads ? threads : machine_processors(), err);
}

/* More threads than processors would only wait for each other; tests of their sharing want them all the same.
 */
static size_t most_threads(void) {
    const char *overcommit = getenv("DLTRAIN_OVERCOMMIT");
    return overcommit && strcmp(overcommit, "1") == 0 ? 0 : machine_processors();
}

static struct fit *make_fit(struct setup *s, struct err *err) {
    struct fit_setup fit = {
        .kernel = s->kernel,
        .team = s->team,
        .model = s->model,
        .train = &s->data.train,
        .scaling = &s->data.scaling,
        .optimizer = s->config->optimizer,
        .train_spec = s->config->train,
        .seed = s->config->seed,
        .most_threads = most_threads(),
    };
    return fit_create(&fit, err);
}

bool setup_open(const struct config *config, const char *isa, struct setup *setup, struct err *err) {
    struct setup *s = setup;
    *s = (struct setup){.config = config};
    s->kernel = kernel_find(isa, err);
    if (!s->kernel || !(s->team = setup_team(config->threads, err)) ||
        !data_load(&config->data, loss_targets(config->loss.kind), config->seed, s->team, &s->data, err))
        goto fail;
    s->model = model_create(&config->model, s->data.features, s->data.outputs,
                            loss_name((size_t)config->loss.kind), err);
    if (!s->model || !(s->fit = make_fit(s, err)))
        goto fail;
    return true;
fail:
    setup_release(s);
    return false;
}

bool setup_start(struct setup *setup, const char *init_from, struct err *err) {
    return init_from ? model_file_start(init_from, setup->model, err)
                     : model_init(setup->model, setup->config->seed, setup->team, err);
}

void setup_release(struct setup *setup) {
    fit_free(setup->fit);
    model_free(setup->model);
    data_release(&setup->data);
    team_free(setup->team);
    *setup = (struct setup){0};
}
