/* SHA-256: published digests, and the processor's instructions against the portable code. The file is
 * included for its block functions; its public names are renamed so that they do not meet the linked ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define sha256_init tested_init
#define sha256_add  tested_add
#define sha256_hex  tested_hex
#include "base/sha256.c"

static void digest_of(const void *bytes, size_t len, size_t piece, char hex[SHA256_HEX]) {
    struct sha256 h;
    sha256_init(&h);
    for (size_t at = 0; at < len; at += piece)
        sha256_add(&h, (const char *)bytes + at, len - at < piece ? len - at : piece);
    sha256_hex(&h, hex);
}

/* FIPS 180-4 example values (csrc.nist.gov), and the empty text. */
static void published_digests(void **state) {
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
         "pqrst"
         "nopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t piece = 1; piece < 130; piece += 9) {
            char hex[SHA256_HEX];
            digest_of(cases[i].text, strlen(cases[i].text), piece, hex);
            assert_string_equal(hex, cases[i].hex);
        }
}

/* The long example of FIPS 180-4: a million times "a". */
static void a_million_letters(void **state) {
    (void)state;
    char many[1000], hex[SHA256_HEX];
    memset(many, 'a', sizeof many);
    struct sha256 h;
    sha256_init(&h);
    for (int i = 0; i < 1000; i++)
        sha256_add(&h, many, sizeof many);
    sha256_hex(&h, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Every length around the block's end must pad right: the digests were made with sha256sum of coreutils. */
static void lengths_around_a_block(void **state) {
    (void)state;
    static const struct {
        size_t len;
        const char *hex;
    } cases[] = {
        {1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
        {54, "45f316e10b2c99abf374b22bda893cf3300d77263f1e272349ed414680522952"},
        {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {57, "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
        {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
        {127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f"},
        {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
        {129, "0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd"},
        {200, "aa20c23e3201834050679e1d88941b9a6fed0557c9a705cb2c315e2e63fd486d"},
    };
    char many[200], hex[SHA256_HEX];
    memset(many, 'x', sizeof many);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        digest_of(many, cases[i].len, 7, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static uint64_t next_random(uint64_t *s) {
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

static void fast_blocks_equal_portable_blocks(void **state) {
    (void)state;
    if (fastest() == blocks_portable)
        skip();
    uint64_t seed = 1;
    for (int round = 0; round < 200; round++) {
        unsigned char bytes[64 * 5 + 3];
        uint32_t a[8], b[8];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)next_random(&seed);
        for (int i = 0; i < 8; i++)
            a[i] = b[i] = (uint32_t)(next_random(&seed) << 16 ^ next_random(&seed));
        size_t count = (size_t)round % 6, shift = (size_t)round % 4;
        blocks_portable(a, bytes + shift, count);
        fastest()(b, bytes + shift, count);
        assert_memory_equal(a, b, sizeof a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_digests),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(lengths_around_a_block),
        cmocka_unit_test(fast_blocks_equal_portable_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
