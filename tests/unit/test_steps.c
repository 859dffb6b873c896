/* Inside a training step there is no allocation and no system call: the epoch runs in a process that the
 * kernel kills at the first one. */
#include "network.h"

#if defined(__linux__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                            \
    !defined(__SANITIZE_THREAD__)
#define WATCHED 1
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

enum { ROWS = 333, HEIGHT = 5, WIDTH = 10, FEATURES = HEIGHT * WIDTH, CLASSES = 10 };

#ifdef WATCHED

/* base/mem.c allocates by these two; here they count. */
static size_t allocations;

void *__libc_calloc(size_t count, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

int posix_memalign(void **p, size_t align, size_t size) {
    allocations++;
    *p = __libc_memalign(align, size);
    return *p ? 0 : ENOMEM;
}

/* One more epoch; 0 where nothing was allocated. Does not return where a system call is made. */
static int epoch_without_calls(struct fit *fit) {
    struct err err = {0};
    size_t before = allocations;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return 2;
    return fit_steps(fit, SIZE_MAX, &err) && allocations == before ? 0 : 1;
}

/* A training to alter. */
struct training {
    struct layer_spec hidden[2];
    struct model_spec spec;
    struct fit_setup setup;
};

static void plain(struct training *t) {
    (void)t;
}

static void noisy(struct training *t) {
    t->hidden[0].dropout = t->hidden[1].dropout = 0.5;
    t->spec.input_dropout = 0.2;
    t->spec.weight_noise = t->setup.regularization.weight_noise = 0.1;
    t->setup.regularization.input_noise = t->setup.input == INPUT_PANELS ? 0.1 : 0;
}

static void noisy_once_a_step(struct training *t) {
    noisy(t);
    t->spec.weight_noise = 0;
    t->setup.regularization.weight_noise_kind = WEIGHT_NOISE_PER_STEP;
}

static void weighted(struct training *t) {
    static real weight[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = (real)(i % 2) * 2 * ROWS / (ROWS - 1);
    t->setup.weight = weight;
    t->setup.label_smoothing = 0.1;
}

static void augmented(struct training *t) {
    static const struct augment_spec augment = {
        .rotate = 10, .flip = true, .elastic = {.on = true, .alpha = 1, .sigma = 2}};
    t->setup.augment = &augment;
}

static void diagnosed(struct training *t) {
    t->setup.train_spec.diagnostics = true;
}

static void limited_adam(struct training *t) {
    t->hidden[0].l1 = 1e-3;
    t->hidden[0].max_norm = t->hidden[1].max_norm = 1;
    t->setup.optimizer = (struct optimizer_spec){.kind = OPTIMIZER_ADAM,
                                                 .lr = 0.01,
                                                 .betas = {0.9, 0.999},
                                                 .eps = 1e-8,
                                                 .clip_norm = 0.1,
                                                 .schedule = {.kind = SCHEDULE_COSINE, .warmup_epochs = 0.5}};
}

static void an_epoch_makes_no_calls(enum input_form input, void (*alter)(struct training *)) {
    static uint8_t bytes[ROWS * FEATURES];
    static uint32_t classes[ROWS];
    struct err err = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 3 ? 0 : i);
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i % CLASSES);
    struct dataset set = memory_set(NULL, ROWS, FEATURES, classes, CLASSES);
    set.images.type = IDX_U8, set.images.values = bytes;
    set.images.dims = 3, set.images.dim[1] = HEIGHT, set.images.dim[2] = WIDTH;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct training t = {
        .hidden = {layer(70, ACTIVATION_RELU, 0), layer(33, ACTIVATION_GELU, 0)},
        .spec = {.layers = t.hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)},
        .setup = {.kernel = best_kernel(),
                  .train = &part,
                  .scaling = &scaling,
                  .optimizer = {.lr = 0.01, .momentum = 0.9},
                  .train_spec = {.epochs = 2, .batch_size = 100, .shuffle = true},
                  .model_spec = &t.spec,
                  .input = input}};
    alter(&t);
    struct model *m = model_create(&t.spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    t.setup.model = m;
    size_t before = allocations;
    struct fit *fit = fit_create(&t.setup, &err);
    assert_true(fit && allocations > before); /* the counter counts */
    pid_t child = fork();
    if (child == 0)
        syscall(SYS_exit, epoch_without_calls(fit)); /* what _exit calls is forbidden */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    fit_free(fit);
    model_free(m);
}

static void steps_make_no_calls(void **state) {
    (void)state;
    void (*const alterations[])(struct training *) = {plain,     noisy,     noisy_once_a_step, weighted,
                                                      augmented, diagnosed, limited_adam};
    for (enum input_form input = INPUT_PANELS; input <= INPUT_LISTS_BY_UNITS; input++)
        for (size_t i = 0; i < sizeof alterations / sizeof *alterations; i++)
            an_epoch_makes_no_calls(input, alterations[i]);
}

#else

static void steps_make_no_calls(void **state) {
    (void)state;
    skip(); /* needs Linux, glibc and no sanitizer */
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_make_no_calls)};
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
