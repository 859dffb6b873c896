/* The data set of data/digits: it is what its generator draws, and what its README.md says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/sha256.h"

/* The generator is one program in one file; its main becomes a function here. */
int make_digits_main(int argc, char **argv);
#define main make_digits_main
#include "../../scripts/make-digits.c"
#undef main

static const char committed[] = "data/digits";

struct bytes {
    unsigned char *at;
    size_t len;
};

static struct bytes decompressed(const char *dir, const char *name) {
    enum { ROOM = 10 << 20 };
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    gzFile file = gzopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    struct bytes b = {malloc(ROOM), 0};
    assert_non_null(b.at);
    int got = gzread(file, b.at, ROOM);
    assert_in_range(got, 1, ROOM - 1);
    b.len = (size_t)got;
    assert_int_equal(gzclose(file), Z_OK);
    return b;
}

static void generate(char *seed, char dir[4096]) {
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, 4096, "%s/digits-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    char name[] = "make-digits", option[] = "--seed";
    char *arguments[] = {name, option, seed, dir, NULL};
    assert_int_equal(make_digits_main(4, arguments), 0);
}

static void clean(const char *dir) {
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", dir, sets[i].images);
        assert_int_equal(unlink(path), 0);
        snprintf(path, sizeof path, "%s/%s", dir, sets[i].labels);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static bool file_equal(const char *dir, const char *name) {
    struct bytes drawn = decompressed(dir, name), kept = decompressed(committed, name);
    bool equal = drawn.len == kept.len && !memcmp(drawn.at, kept.at, kept.len);
    free(drawn.at);
    free(kept.at);
    return equal;
}

static void test_generator_draws_the_committed_files(void **state) {
    (void)state;
    char dir[4096], seed[] = "1";
    generate(seed, dir);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        assert_true(file_equal(dir, sets[i].images));
        assert_true(file_equal(dir, sets[i].labels));
    }
    clean(dir);
}

static void test_another_seed_draws_other_files(void **state) {
    (void)state;
    char dir[4096], seed[] = "18446744073709551615";
    generate(seed, dir);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        assert_false(file_equal(dir, sets[i].images));
        assert_false(file_equal(dir, sets[i].labels));
    }
    clean(dir);
}

static void test_headers_and_balance(void **state) {
    (void)state;
    static const unsigned char images_head[][16] = {{0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28},
                                                    {0, 0, 8, 3, 0, 0, 0x07, 0xD0, 0, 0, 0, 28, 0, 0, 0, 28}};
    static const unsigned char labels_head[][8] = {{0, 0, 8, 1, 0, 0, 0x27, 0x10},
                                                   {0, 0, 8, 1, 0, 0, 7, 0xD0}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        size_t seen[CLASSES] = {0}, count = sets[i].count;
        struct bytes images = decompressed(committed, sets[i].images);
        struct bytes labels = decompressed(committed, sets[i].labels);
        assert_int_equal(images.len, 16 + count * 784);
        assert_int_equal(labels.len, 8 + count);
        assert_memory_equal(images.at, images_head[i], 16);
        assert_memory_equal(labels.at, labels_head[i], 8);
        for (size_t k = 0; k < count; k++) {
            assert_in_range(labels.at[8 + k], 0, 9);
            seen[labels.at[8 + k]]++;
        }
        for (size_t k = 0; k < CLASSES; k++)
            assert_int_equal(seen[k], count / CLASSES);
        free(images.at);
        free(labels.at);
    }
}

static void test_every_image_shows_a_digit(void **state) {
    (void)state;
    struct bytes images = decompressed(committed, sets[0].images);
    for (size_t k = 0; k < sets[0].count; k++) {
        int dark = 0;
        for (size_t i = 0; i < PIXELS; i++)
            dark += images.at[16 + k * PIXELS + i] > 80;
        assert_in_range(dark, 15, PIXELS / 2); /* a thin 1; a fat 8 */
    }
    free(images.at);
}

static void test_shares_of_each_digit_add_up(void **state) {
    (void)state;
    double share[CLASSES] = {0};
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++) {
        assert_int_equal(glyphs[i].path[0].pen, START);
        share[glyphs[i].digit] += glyphs[i].share;
    }
    for (int k = 0; k < CLASSES; k++)
        assert_float_equal(share[k], 1, 1e-6);
}

static void assert_readme_names(const char *readme, const char *name) {
    struct bytes b = decompressed(committed, name);
    struct sha256 hash;
    char line[SHA256_HEX + 64];
    sha256_init(&hash);
    sha256_add(&hash, b.at, b.len);
    sha256_hex(&hash, line);
    snprintf(line + strlen(line), 64, "  %.*s\n", (int)(strlen(name) - strlen(".gz")), name);
    if (!strstr(readme, line))
        fail_msg("data/digits/README.md does not say %s", line);
    free(b.at);
}

static void test_readme_has_the_sums(void **state) {
    (void)state;
    struct bytes readme = decompressed(committed, "README.md"); /* gzread passes plain files through */
    readme.at[readme.len] = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        assert_readme_names((const char *)readme.at, sets[i].images);
        assert_readme_names((const char *)readme.at, sets[i].labels);
    }
    free(readme.at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator_draws_the_committed_files),
        cmocka_unit_test(test_another_seed_draws_other_files),
        cmocka_unit_test(test_headers_and_balance),
        cmocka_unit_test(test_every_image_shows_a_digit),
        cmocka_unit_test(test_shares_of_each_digit_add_up),
        cmocka_unit_test(test_readme_has_the_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
