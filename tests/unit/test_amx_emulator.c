/* The emulator of Intel AMX (tests/amx), instruction by instruction. Where the processor has AMX and the
 * engine uses it, the same is asked of the processor. */
#ifdef __x86_64__

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../amx/emulator.h"
#include "bf16_definition.h"

/* ---- the instructions ---- */

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t colsb[16];
    uint8_t rows[16];
};

#define CONFIGURE(c)    __asm__ volatile("ldtilecfg %0" : : "m"(c))
#define STORE_CONFIG(c) __asm__ volatile("sttilecfg %0" : "=m"(c))
#define RELEASE()       __asm__ volatile("tilerelease" : : : "memory")
#define ZERO(t)         __asm__ volatile("tilezero %%tmm" #t : : : "memory")
#define LOAD(t, p, stride)                                                                                   \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(p), "r"((ptrdiff_t)(stride)) : "memory")
#define LOAD_ONCE(t, p, stride)                                                                              \
    __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm" #t : : "r"(p), "r"((ptrdiff_t)(stride)) : "memory")
#define STORE(t, p, stride)                                                                                  \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(p), "r"((ptrdiff_t)(stride)) : "memory")
#define PRODUCT(dst, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #dst : : : "memory")

/* All eight tiles of one shape. */
static struct config same(uint8_t rows, uint16_t colsb) {
    struct config c = {.palette = 1};
    for (size_t t = 0; t < 8; t++) {
        c.rows[t] = rows;
        c.colsb[t] = colsb;
    }
    return c;
}

static void fill(void *p, size_t n) {
    uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)draw();
}

/* ---- moving ---- */

static void the_configuration_comes_back(void **unused) {
    (void)unused;
    RELEASE();
    static const struct config none;
    struct config c = {.palette = 1,
                       .colsb = {64, 4, 1, 0, 63, 8, 12, 16},
                       .rows = {16, 1, 7, 0, 3, 2, 5, 9}},
                  back;
    STORE_CONFIG(back);
    assert_memory_equal(&back, &none, sizeof back);
    CONFIGURE(c);
    STORE_CONFIG(back);
    assert_memory_equal(&back, &c, sizeof back);
    CONFIGURE(none);
    STORE_CONFIG(back);
    assert_memory_equal(&back, &none, sizeof back);
    CONFIGURE(c);
    RELEASE();
    STORE_CONFIG(back);
    assert_memory_equal(&back, &none, sizeof back);
}

enum { SPACE = 16 * 200 };

/* What a store has left in target: the tile's shape out of source, elsewhere what was there. */
static void check_stored(const struct config *c, const uint8_t *source, ptrdiff_t from, const uint8_t *target,
                         const uint8_t *before, ptrdiff_t to) {
    static uint8_t expected[SPACE];
    memcpy(expected, before, SPACE);
    uint8_t *first = expected + (to < 0 ? -15 * to : 0);
    for (int r = 0; r < c->rows[0]; r++)
        for (int b = 0; b < c->colsb[0]; b++)
            first[r * to + b] = source ? source[r * from + b] : 0;
    assert_memory_equal(target, expected, SPACE);
}

/* Every shape, strides from rows that overlap to rows far apart and backward. */
static void rows_are_loaded_and_stored(void **unused) {
    (void)unused;
    RELEASE();
    static const ptrdiff_t strides[] = {64, 80, 200, -72, 20};
    static uint8_t source[SPACE], target[SPACE], before[SPACE];
    fill(source, SPACE);
    fill(before, SPACE);
    for (uint8_t rows = 1; rows <= 16; rows++)
        for (uint16_t colsb = 1; colsb <= 64; colsb++) {
            struct config c = same(rows, colsb);
            ptrdiff_t from = strides[(rows + colsb) % 5], to = strides[colsb % 4];
            const uint8_t *in = source + (from < 0 ? -15 * from : 0);
            uint8_t *out = target + (to < 0 ? -15 * to : 0);
            CONFIGURE(c);
            memcpy(target, before, SPACE);
            STORE(0, out, to); /* a configuration begins with zeros */
            check_stored(&c, NULL, 0, target, before, to);
            if (rows % 2)
                LOAD(0, in, from);
            else
                LOAD_ONCE(0, in, from);
            memcpy(target, before, SPACE);
            STORE(0, out, to);
            check_stored(&c, in, from, target, before, to);
            ZERO(0);
            memcpy(target, before, SPACE);
            STORE(0, out, to);
            check_stored(&c, NULL, 0, target, before, to);
            LOAD(0, in, from); /* for the next configuration to forget */
        }
    RELEASE();
}

/* Nothing is read or written before the first byte or behind the last: pages are missing there. */
static void only_the_shape_is_touched(void **unused) {
    (void)unused;
    RELEASE();
    enum { PAGE = 4096 };
    uint8_t *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    for (uint8_t rows = 1; rows <= 16; rows += 5)
        for (uint16_t colsb = 4; colsb <= 64; colsb += 12) {
            struct config c = same(rows, colsb);
            CONFIGURE(c);
            uint8_t *last = p + 2 * PAGE - ((rows - 1) * 100 + colsb);
            LOAD(3, p + PAGE, 100);
            STORE(3, last, 100);
            LOAD(4, last, 100);
            STORE(4, p + PAGE, 100);
        }
    RELEASE();
    munmap(p, 3 * PAGE);
}

#define EVERY_TILE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

static void the_tiles_are_eight(void **unused) {
    (void)unused;
    RELEASE();
    static uint8_t source[8][16][64], target[16][64], zero[16][64];
    fill(source, sizeof source);
    struct config c = same(16, 64);
    CONFIGURE(c);
#define LOAD_TILE(t) LOAD(t, source[t], 64);
#define CHECK_TILE(t)                                                                                        \
    STORE(t, target, 64);                                                                                    \
    assert_memory_equal(target, source[t], sizeof target);                                                   \
    ZERO(t);                                                                                                 \
    STORE(t, target, 64);                                                                                    \
    assert_memory_equal(target, zero, sizeof target);
    EVERY_TILE(LOAD_TILE)
    EVERY_TILE(CHECK_TILE)
    RELEASE();
}

/* ---- addresses ---- */

enum { MIDDLE = 32768 };

static _Alignas(64) uint8_t place[2 * MIDDLE];

static void check_tile(const uint8_t *first, ptrdiff_t stride, const char *what) {
    uint8_t target[16][64];
    STORE(1, target, 64);
    for (ptrdiff_t r = 0; r < 16; r++)
        if (memcmp(target[r], first + r * stride, 64) != 0)
            fail_msg("%s: row %d", what, (int)r);
    ZERO(1);
}

/* Registers b and i hold base and index; the tile comes from and goes back by this form of address. */
#define FORM(text, b, i, first, stride)                                                                      \
    do {                                                                                                     \
        register const void *base __asm__(b) = place + MIDDLE;                                               \
        register ptrdiff_t index __asm__(i) = 96;                                                            \
        __asm__ volatile("tileloadd " text ", %%tmm1" : : "r"(base), "r"(index) : "memory");                 \
        check_tile(place + MIDDLE + (first), stride, text);                                                  \
    } while (0)

static void addresses_have_all_forms(void **unused) {
    (void)unused;
    RELEASE();
    fill(place, sizeof place);
    struct config c = same(16, 64);
    CONFIGURE(c);
    FORM("(%%rsi,%%rdx,1)", "rsi", "rdx", 0, 96);
    FORM("(%%rsi,%%rdx,2)", "rsi", "rdx", 0, 192);
    FORM("(%%rax,%%rcx,4)", "rax", "rcx", 0, 384);
    FORM("(%%rcx,%%rax,8)", "rcx", "rax", 0, 768);
    FORM("0x40(%%rdi,%%rbx,1)", "rdi", "rbx", 64, 96);
    FORM("-0x80(%%rbx,%%rdi,1)", "rbx", "rdi", -128, 96);
    FORM("0x1234(%%rdx,%%rsi,2)", "rdx", "rsi", 0x1234, 192);
    FORM("-0x1234(%%rdx,%%rsi,1)", "rdx", "rsi", -0x1234, 96);
    FORM("(%%r8,%%r15,1)", "r8", "r15", 0, 96);
    FORM("(%%r9,%%r14,1)", "r9", "r14", 0, 96);
    FORM("(%%r10,%%r13,1)", "r10", "r13", 0, 96);
    FORM("0x7f(%%r11,%%r12,2)", "r11", "r12", 127, 192); /* as index r12 is not none */
    FORM("(%%r12,%%r11,1)", "r12", "r11", 0, 96);
    FORM("(%%r13,%%r10,1)", "r13", "r10", 0, 96); /* needs a displacement */
    FORM("0x100(%%r14,%%r9,1)", "r14", "r9", 256, 96);
    FORM("-8(%%r15,%%r8,4)", "r15", "r8", -8, 384);
    FORM("(%%rax,%%r12,1)", "rax", "r12", 0, 96);
    FORM("(%%r12,%%rax,1)", "r12", "rax", 0, 96);
    /* No index: one row again and again. */
    FORM("(%%rax)", "rax", "rdx", 0, 0);
    FORM("0x44(%%r12)", "r12", "rdx", 0x44, 0);
    FORM("0x4444(%%r13)", "r13", "rdx", 0x4444, 0);
    /* The same as stores: of the forms one is enough, decoding does not ask. */
    {
        register void *base __asm__("r13") = place;
        register ptrdiff_t index __asm__("r12") = 80;
        LOAD(1, place + MIDDLE, 64);
        __asm__ volatile("tilestored %%tmm1, 0x200(%0,%1,2)" : : "r"(base), "r"(index) : "memory");
        check_tile(place + 0x200, 160, "a store");
        check_tile((const uint8_t[64]){0}, 0, "zeroed"); /* what check_tile does in the end */
    }
    RELEASE();
}

/* The stack pointer and the frame pointer as bases. Below the stack pointer's place there is room for the
 * signal. */
static void stack_and_frame_are_bases(void **unused) {
    (void)unused;
    RELEASE();
    fill(place, sizeof place);
    struct config c = same(16, 64);
    CONFIGURE(c);
    __asm__ volatile("mov %%rsp, %%r8\n\t"
                     "mov %%rsi, %%rsp\n\t"
                     "tileloadd 0x240(%%rsp,%%rdx,1), %%tmm1\n\t"
                     "tileloadd (%%rsp,%%rdx,2), %%tmm2\n\t"
                     "tileloadd 0x10(%%rsp), %%tmm3\n\t"
                     "mov %%r8, %%rsp"
                     :
                     : "S"(place + MIDDLE), "d"((ptrdiff_t)72)
                     : "r8", "memory");
    check_tile(place + MIDDLE + 0x240, 72, "rsp, rdx, disp32");
    STORE(2, place, 64);
    LOAD(1, place, 64);
    check_tile(place + MIDDLE, 144, "rsp, rdx");
    STORE(3, place, 64);
    LOAD(1, place, 64);
    check_tile(place + MIDDLE + 0x10, 0, "rsp");
    __asm__ volatile("mov %%rbp, %%r8\n\t"
                     "mov %%rsi, %%rbp\n\t"
                     "tileloadd (%%rbp,%%rdx,1), %%tmm1\n\t"
                     "mov %%r8, %%rbp"
                     :
                     : "S"(place + MIDDLE), "d"((ptrdiff_t)72)
                     : "r8", "memory");
    check_tile(place + MIDDLE, 72, "rbp, rdx");
    __asm__ volatile("mov %%rbp, %%r8\n\t"
                     "mov %%rdx, %%rbp\n\t"
                     "tileloadd (%%rsi,%%rbp,4), %%tmm1\n\t"
                     "mov %%r8, %%rbp"
                     :
                     : "S"(place + MIDDLE), "d"((ptrdiff_t)72)
                     : "r8", "memory");
    check_tile(place + MIDDLE, 288, "rsi, rbp, 4");
    RELEASE();
}

/* An address without base is one of the lowest 2 GiB. */
static void there_need_be_no_base(void **unused) {
    (void)unused;
    RELEASE();
    uint8_t *p = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *)0x20000000)
        return;
    fill(p, 4096);
    struct config c = same(16, 64);
    memcpy(p, &c, sizeof c);
    __asm__ volatile("ldtilecfg 0x20000000" : : : "memory");
    __asm__ volatile("tileloadd 0x20000040(,%0,8), %%tmm1" : : "r"((ptrdiff_t)9) : "memory");
    check_tile(p + 0x40, 72, "an index without base");
    __asm__ volatile("tileloadd 0x20000040, %%tmm1" : : : "memory");
    check_tile(p + 0x40, 0, "neither");
    RELEASE();
    munmap(p, 4096);
}

/* Of the configuration's instructions an index is no stride, and the instruction's own place may be the base.
 */
static struct config from_here, to_here;

static void configurations_have_addresses_too(void **unused) {
    (void)unused;
    RELEASE();
    static struct config several[4];
    struct config back;
    for (uint8_t i = 0; i < 4; i++)
        several[i] = same((uint8_t)(i + 1), (uint16_t)(4 * i + 8));
    __asm__ volatile("ldtilecfg -0x40(%0,%1,8)" : : "r"(several + 1), "r"((ptrdiff_t)16), "m"(several));
    __asm__ volatile("sttilecfg (%1)" : "=m"(back) : "r"(&back));
    assert_memory_equal(&back, &several[2], sizeof back);
    from_here = same(11, 44);
    CONFIGURE(from_here);
    STORE_CONFIG(to_here);
    assert_memory_equal(&to_here, &from_here, sizeof to_here);
    RELEASE();
}

/* ---- products ---- */

enum { ANY_BITS = CLASSES, KINDS };

/* A factor in bfloat16. Subnormal numbers stay: the instruction takes them as 0, as the definition does. */
static uint16_t factor(int kind, int which, size_t p) {
    if (kind == ANY_BITS)
        return (uint16_t)draw();
    float x = value(kind, which, p);
    return (uint16_t)(bits_of(kind == SUBNORMAL ? x : rounded(x)) >> 16);
}

static float start_value(int kind) {
    if (kind == ANY_BITS)
        return of_bits(draw() ^ draw() << 16);
    return value(kind == WHOLE ? ORDINARY : kind, 0, 0);
}

/* Tiles a of [rows, pairs], b of [pairs, columns], c of [rows, columns], with something else all around. */
struct product {
    uint16_t a[16][32], b[16][16][2];
    float c[16][16], expected[16][16];
};

static void draw_product(struct product *t, int kind, size_t rows, size_t columns, size_t pairs) {
    for (size_t p = 0; p < 32; p++)
        for (size_t i = 0; i < 16; i++) {
            t->a[i][p] = factor(kind, 0, p);
            t->b[p / 2][i][p % 2] = factor(kind, 1, p);
        }
    float a[16][32], b[32][16];
    for (size_t i = 0; i < 16; i++)
        for (size_t p = 0; p < 32; p++) {
            a[i][p] = of_bits((uint32_t)t->a[i][p] << 16);
            b[p][i] = of_bits((uint32_t)t->b[p / 2][i][p % 2] << 16);
        }
    for (size_t m = 0; m < 16; m++)
        for (size_t n = 0; n < 16; n++) {
            t->c[m][n] = t->expected[m][n] = start_value(kind);
            if (m < rows && n < columns)
                t->expected[m][n] = element(2 * pairs, a[m], 1, b[0] + n, 16, t->c[m][n]);
        }
}

static void check_product(const struct product *t, int kind) {
    for (size_t m = 0; m < 16; m++)
        for (size_t n = 0; n < 16; n++)
            if (memcmp(&t->c[m][n], &t->expected[m][n], sizeof(float)) != 0 &&
                !(isnan(t->c[m][n]) && isnan(t->expected[m][n])))
                fail_msg("values of kind %d, element %zu, %zu: %a, expected %a", kind, m, n,
                         (double)t->c[m][n], (double)t->expected[m][n]);
}

static void multiply(struct product *t, uint8_t rows, uint8_t columns, uint8_t pairs) {
    struct config c = {.palette = 1,
                       .rows = {rows, rows, pairs},
                       .colsb = {(uint16_t)(4 * columns), (uint16_t)(4 * pairs), (uint16_t)(4 * columns)}};
    CONFIGURE(c);
    LOAD(0, t->c, 64);
    LOAD(1, t->a, 64);
    LOAD(2, t->b, 64);
    PRODUCT(0, 1, 2);
    STORE(0, t->c, 64);
}

static void products_are_as_defined(void **unused) {
    (void)unused;
    RELEASE();
    static struct product t;
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < 120; i++) {
            /* Every number of rows, columns and pairs, whole tiles in between. */
            uint8_t rows = (uint8_t)(i % 3 ? 1 + i % 16 : 16),
                    columns = (uint8_t)(i % 3 ? 1 + i * 7 % 16 : 16),
                    pairs = (uint8_t)(i % 5 ? 1 + i * 5 / 2 % 16 : 16);
            draw_product(&t, kind, rows, columns, pairs);
            multiply(&t, rows, columns, pairs);
            check_product(&t, kind);
        }
    RELEASE();
}

/* Which operand is which, and that the sum goes on from product to product. */
static void products_add_up_in_any_tiles(void **unused) {
    (void)unused;
    RELEASE();
    static struct product t, second;
    struct config c = same(16, 64);
    draw_product(&t, CANCELLING, 16, 16, 16);
    CONFIGURE(c);
    LOAD(7, t.c, 64);
    LOAD(3, t.a, 64);
    LOAD(5, t.b, 64);
    PRODUCT(7, 3, 5);
    STORE(7, t.c, 64);
    check_product(&t, CANCELLING);
    draw_product(&second, ORDINARY, 16, 16, 16);
    LOAD(0, second.a, 64);
    LOAD(6, second.b, 64);
    PRODUCT(7, 0, 6);
    for (size_t m = 0; m < 16; m++)
        for (size_t n = 0; n < 16; n++) {
            float row[32], column[32];
            for (size_t p = 0; p < 32; p++) {
                row[p] = of_bits((uint32_t)second.a[m][p] << 16);
                column[p] = of_bits((uint32_t)second.b[p / 2][n][p % 2] << 16);
            }
            second.expected[m][n] = element(32, row, 1, column, 1, t.expected[m][n]);
        }
    STORE(7, second.c, 64);
    check_product(&second, ORDINARY);
    RELEASE();
}

/* By hand: two chains, each of fused operations, and what the sums do about the least exponents. */
static void products_have_their_order(void **unused) {
    (void)unused;
    RELEASE();
    static const struct {
        float a[4], b[4], c, result;
    } cases[] = {
        /* In one chain 1 would be lost. */
        {{0x1p30f, 1, -0x1p30f, 0}, {1, 1, 1, 0}, 0, 1},
        {{0x1p30f, -0x1p30f, 1, 0}, {1, 1, 1, 0}, 0, 0},
        /* c joins last. */
        {{0x1p30f, 0, -0x1p30f, 0}, {1, 0, 1, 0}, 1, 1},
        {{1, 1, 0, 0}, {0x1p-24f, 0x1p-24f, 0, 0}, 1, 1 + 0x1p-23f},
        {{1, 0, 0, 0}, {0x1p-24f, 0, 0, 0}, 1, 1},
        /* Subnormal factors and sums are 0. */
        {{0x1p-127f, 0, 0, 0}, {0x1p100f, 0, 0, 0}, 0, 0},
        {{0x1p-63f, 0, 0, 0}, {0x1p-64f, 0, 0, 0}, 0, 0},
        {{0x1p-63f, 0x1p-63f, 0, 0}, {0x1p-64f, 0x1p-64f, 0, 0}, 0, 0},
        {{0x1p-63f, 0, 0x1p-63f, 0}, {0x1p-64f, 0, 0x1p-63f, 0}, 0, 0x1p-126f},
        {{0, 0, 0, 0}, {0, 0, 0, 0}, 0x1p-127f, 0},
        {{0x1p-63f, 0, 0, 0}, {0x1p-63f, 0, 0, 0}, 0x1p-127f, 0x1p-126f},
        {{0x1.fep-64f, 0, 0, 0}, {0x1p-63f, 0, 0, 0}, 0, 0},
        /* Below 2^-126, but not once rounded; and what is below it even then. */
        {{0x1p-126f, 0, -0x1p-75f, 0}, {1, 0, 0x1p-76f, 0}, 0, 0x1p-126f},
        {{0x1p-126f, 0, -0x1p-75f, 0}, {1, 0, 0x1p-75f, 0}, 0, 0},
        /* Signs of zero. */
        {{0, 0, 0, 0}, {0, 0, 0, 0}, -0.0f, 0},
        {{-1, -1, 0, 0}, {0, 0, 0, 0}, -0.0f, 0},
        {{0x1p127f, 0, 0, 0}, {0x1p127f, 0, 0, 0}, -1, INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct product t = {.c = {{cases[i].c}}};
        for (size_t p = 0; p < 4; p++) {
            t.a[0][p] = (uint16_t)(bits_of(cases[i].a[p]) >> 16);
            t.b[p / 2][0][p % 2] = (uint16_t)(bits_of(cases[i].b[p]) >> 16);
        }
        multiply(&t, 1, 1, 2);
        if (memcmp(t.c[0], &cases[i].result, sizeof(float)) != 0)
            fail_msg("case %zu: %a, expected %a", i, (double)t.c[0][0], (double)cases[i].result);
    }
    RELEASE();
}

/* An infinity in a row meets the zeros beyond b's columns: no NaN comes of it where no column is. */
static void what_is_not_finite_stays_in_its_place(void **unused) {
    (void)unused;
    RELEASE();
    static struct product t;
    memset(t.b, 0, sizeof t.b);
    t.a[0][0] = (uint16_t)(bits_of(INFINITY) >> 16);
    t.b[0][0][0] = t.b[0][1][0] = (uint16_t)(bits_of(1) >> 16);
    multiply(&t, 1, 3, 1);
    assert_true(t.c[0][0] == INFINITY && t.c[0][1] == INFINITY && isnan(t.c[0][2]) && t.c[0][3] == 0);
    RELEASE();
}

/* Neither does the mode count nor is it changed, and no flag is raised. */
static void the_mode_of_the_program_is_its_own(void **unused) {
    (void)unused;
    RELEASE();
    static const unsigned modes[] = {0x1f80, 0x7f80, 0x3fc0 | 0x8000, 0x5f80};
    static struct product t;
    unsigned plain = _mm_getcsr();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            draw_product(&t, kind, 16, 16, 16);
            _mm_setcsr(modes[i]);
            multiply(&t, 16, 16, 16);
            unsigned mode = _mm_getcsr();
            _mm_setcsr(plain);
            assert_int_equal(mode, modes[i]);
            check_product(&t, kind);
        }
    RELEASE();
}

/* Registers and flags are as they were. */
static void registers_are_kept(void **unused) {
    (void)unused;
    RELEASE();
    static struct product t;
    struct config c = same(16, 64);
    CONFIGURE(c);
    LOAD(1, t.a, 64);
    LOAD(2, t.b, 64);
    uint64_t in[16], out[16], flags, with_flags;
    fill(in, sizeof in);
    __asm__ volatile("movdqu (%2), %%xmm0\n\t"
                     "movdqu 16(%2), %%xmm15\n\t"
                     "mov 32(%2), %%r8\n\t"
                     "mov 40(%2), %%r15\n\t"
                     "mov 48(%2), %%rax\n\t"
                     "lea -256(%%rsp), %%rsp\n\t"
                     "stc\n\t"
                     "pushfq\n\t"
                     "popq %0\n\t"
                     "stc\n\t"
                     "tdpbf16ps %%tmm2, %%tmm1, %%tmm0\n\t"
                     "pushfq\n\t"
                     "popq %1\n\t"
                     "lea 256(%%rsp), %%rsp\n\t"
                     "movdqu %%xmm0, (%3)\n\t"
                     "movdqu %%xmm15, 16(%3)\n\t"
                     "mov %%r8, 32(%3)\n\t"
                     "mov %%r15, 40(%3)\n\t"
                     "mov %%rax, 48(%3)"
                     : "=&r"(flags), "=&r"(with_flags)
                     : "r"(in), "r"(out)
                     : "xmm0", "xmm15", "r8", "r15", "rax", "memory", "cc");
    assert_memory_equal(in, out, 56);
    assert_int_equal(flags, with_flags);
    RELEASE();
}

/* ---- what is refused ---- */

static void configure(struct config c) {
    CONFIGURE(c);
}

static void some_shapes(void) {
    configure((struct config){
        .palette = 1, .rows = {16, 16, 16, 15, 16, 16, 1}, .colsb = {64, 64, 64, 64, 60, 62, 64}});
}

static uint8_t bytes[16][64];

static void without_configuration(void) {
    LOAD(0, bytes, 64);
}
static void zero_without_configuration(void) {
    ZERO(0);
}
static void product_without_configuration(void) {
    PRODUCT(0, 1, 2);
}
static void after_release(void) {
    some_shapes();
    RELEASE();
    STORE(0, bytes, 64);
}
static void after_palette_0(void) {
    some_shapes();
    configure((struct config){0});
    STORE(0, bytes, 64);
}
static void unconfigured_tile(void) {
    some_shapes();
    STORE(7, bytes, 64);
}
static void unconfigured_factor(void) {
    some_shapes();
    PRODUCT(0, 1, 7);
}
static void other_palette(void) {
    configure((struct config){.palette = 2});
}
static void reserved_byte(void) {
    configure((struct config){.palette = 1, .reserved[13] = 1});
}
static void a_ninth_tile(void) {
    configure((struct config){.palette = 1, .rows[8] = 1, .colsb[8] = 4});
}
static void start_row(void) {
    configure((struct config){.palette = 1, .start_row = 1});
}
static void wide_tile(void) {
    configure((struct config){.palette = 1, .rows[2] = 1, .colsb[2] = 65});
}
static void high_tile(void) {
    configure((struct config){.palette = 1, .rows[7] = 17, .colsb[7] = 4});
}
static void no_columns(void) {
    configure((struct config){.palette = 1, .rows[1] = 1});
}
static void no_rows(void) {
    configure((struct config){.palette = 1, .colsb[1] = 4});
}
static void other_rows(void) {
    some_shapes();
    PRODUCT(0, 3, 1);
}
static void other_columns(void) {
    some_shapes();
    PRODUCT(0, 1, 4);
}
static void other_depth(void) {
    some_shapes();
    PRODUCT(0, 4, 1);
}
static void other_depth_of_b(void) {
    some_shapes();
    PRODUCT(0, 1, 3);
}
static void half_a_pair(void) {
    some_shapes();
    PRODUCT(0, 5, 1);
}
/* No assembler makes these. */
static void product_into_factor(void) {
    some_shapes();
    __asm__ volatile(".byte 0xc4, 0xe2, 0x6a, 0x5c, 0xc8"); /* tdpbf16ps tmm1, tmm0, tmm2 */
    __asm__ volatile(".byte 0xc4, 0xe2, 0x6a, 0x5c, 0xc0"); /* tdpbf16ps tmm0, tmm0, tmm2 */
}
static void product_into_second_factor(void) {
    some_shapes();
    __asm__ volatile(".byte 0xc4, 0xe2, 0x7a, 0x5c, 0xc1"); /* tdpbf16ps tmm0, tmm1, tmm0 */
}
static void square(void) {
    some_shapes();
    __asm__ volatile(".byte 0xc4, 0xe2, 0x72, 0x5c, 0xc1"); /* tdpbf16ps tmm0, tmm1, tmm1 */
}
static void no_instruction(void) {
    __asm__ volatile("ud2");
}
static void other_product(void) {
    some_shapes();
    __asm__ volatile("tdpbssd %tmm2, %tmm1, %tmm0");
}
static void no_sib(void) {
    some_shapes();
    __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x08"
                     :
                     : "a"(bytes)
                     : "memory"); /* tileloadd (%rax), %tmm1 */
}

static const struct refusal {
    void (*run)(void);
    const char *says; /* of the emulator; NULL: not its own */
} refusals[] = {
    {without_configuration, "tileloadd: no tiles are configured"},
    {zero_without_configuration, "tilezero: no tiles are configured"},
    {product_without_configuration, "tdpbf16ps: no tiles are configured"},
    {after_release, "tilestored: no tiles are configured"},
    {after_palette_0, "tilestored: no tiles are configured"},
    {unconfigured_tile, "tilestored: the tile is not configured"},
    {unconfigured_factor, "tdpbf16ps: the tile is not configured"},
    {other_palette, "ldtilecfg: there is no such palette"},
    {reserved_byte, "ldtilecfg: a reserved byte is not 0"},
    {a_ninth_tile, "ldtilecfg: a tile that the palette lacks has a shape"},
    {start_row, "ldtilecfg: the start row is not 0"},
    {wide_tile, "ldtilecfg: a tile's rows are longer than 64 bytes"},
    {high_tile, "ldtilecfg: a tile has more than 16 rows"},
    {no_columns, "ldtilecfg: a tile has rows without columns or columns without rows"},
    {no_rows, "ldtilecfg: a tile has rows without columns or columns without rows"},
    {other_rows, "tdpbf16ps: the tiles' shapes do not match"},
    {other_columns, "tdpbf16ps: the tiles' shapes do not match"},
    {other_depth, "tdpbf16ps: the tiles' shapes do not match"},
    {other_depth_of_b, "tdpbf16ps: the tiles' shapes do not match"},
    {half_a_pair, "tdpbf16ps: a tile's rows are not whole pairs"},
    {product_into_factor, "tdpbf16ps: two operands are the same tile"},
    {product_into_second_factor, "tdpbf16ps: two operands are the same tile"},
    {square, "tdpbf16ps: two operands are the same tile"},
    {no_instruction, NULL},
    {other_product, NULL},
    {no_sib, NULL},
};

/* What a child says that does this, and the signal that ends it. */
static int ended_by(void (*run)(void), char *said, size_t size) {
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        run();
        _exit(0);
    }
    close(ends[1]);
    ssize_t length = read(ends[0], said, size - 1);
    said[length < 0 ? 0 : length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void what_the_processor_refuses_ends_the_program(void **unused) {
    (void)unused;
    if (!amx_emulated())
        return;
    RELEASE();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char said[256], expected[256] = "";
        const char *says = refusals[i].says;
        int by = ended_by(refusals[i].run, said, sizeof said);
        if (says)
            snprintf(expected, sizeof expected, "amx emulator: %s\n", says);
        if (by != (says ? SIGABRT : SIGILL) || strcmp(said, expected) != 0)
            fail_msg("refusal %zu ended by signal %d: %s", i, by, said);
    }
}

static sigjmp_buf back_here;

static void jump(int number) {
    siglongjmp(back_here, number);
}

/* As test frameworks do it. */
static void other_instructions_go_to_the_programs_handler(void **unused) {
    (void)unused;
    RELEASE();
    static int caught;
    static struct product t;
    void (*before)(int) = signal(SIGILL, jump);
    caught = sigsetjmp(back_here, 1);
    if (caught == 0)
        no_instruction();
    multiply(&t, 1, 1, 1);
    void (*mine)(int) = signal(SIGILL, before);
    RELEASE();
    assert_int_equal(caught, SIGILL);
    assert_true(mine == jump);
}

/* ---- threads and counts ---- */

static pthread_barrier_t together;

static void *other_thread(void *seed) {
    static struct product products[2];
    struct product *t = &products[*(const int *)seed];
    uint8_t rows = (uint8_t)(5 + *(const int *)seed), target[16][64] = {{0}};
    struct config c = same(rows, 64);
    RELEASE();
    CONFIGURE(c);
    LOAD(0, t->c, 64);
    LOAD(1, t->a, 64);
    bool fine = true;
    for (int i = 0; i < 50; i++) {
        pthread_barrier_wait(&together);
        fine = fine && (!amx_emulated() || amx_counts_now().live == 2);
        STORE(1, target, 64);
        fine = fine && memcmp(target, t->a, rows * (size_t)64) == 0;
        memset(t->a, i + 50 * *(const int *)seed, sizeof t->a);
        LOAD(1, t->a, 64);
        pthread_barrier_wait(&together);
    }
    RELEASE();
    return fine ? seed : NULL;
}

static void threads_have_tiles_of_their_own(void **unused) {
    (void)unused;
    RELEASE();
    int seeds[2] = {0, 1};
    pthread_t threads[2];
    assert_int_equal(pthread_barrier_init(&together, NULL, 2), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, other_thread, &seeds[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &seeds[i]);
    }
    pthread_barrier_destroy(&together);
}

static void *ends_with_tiles(void *unused) {
    some_shapes();
    return unused;
}

static void instructions_are_counted(void **unused) {
    (void)unused;
    if (!amx_emulated())
        return;
    RELEASE();
    static struct product t;
    struct amx_counts a = amx_counts_now();
    multiply(&t, 16, 16, 16);
    multiply(&t, 16, 16, 16);
    struct amx_counts b = amx_counts_now();
    assert_int_equal(a.live, 0);
    assert_int_equal(b.live, 1);
    assert_int_equal(b.configs - a.configs, 2);
    assert_int_equal(b.loads - a.loads, 6);
    assert_int_equal(b.stores - a.stores, 2);
    assert_int_equal(b.products - a.products, 2);
    assert_int_equal(b.releases, a.releases);
    RELEASE();
    assert_int_equal(amx_counts_now().live, 0);
    assert_int_equal(amx_counts_now().releases - a.releases, 1);
    /* The last test: this thread's stays. */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ends_with_tiles, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(amx_counts_now().live, 1);
}

/* Elsewhere there is nothing to test. */
int main(void) {
    if (!__wrap_amx_usable())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_comes_back),
        cmocka_unit_test(rows_are_loaded_and_stored),
        cmocka_unit_test(only_the_shape_is_touched),
        cmocka_unit_test(the_tiles_are_eight),
        cmocka_unit_test(addresses_have_all_forms),
        cmocka_unit_test(stack_and_frame_are_bases),
        cmocka_unit_test(there_need_be_no_base),
        cmocka_unit_test(configurations_have_addresses_too),
        cmocka_unit_test(products_are_as_defined),
        cmocka_unit_test(products_add_up_in_any_tiles),
        cmocka_unit_test(products_have_their_order),
        cmocka_unit_test(what_is_not_finite_stays_in_its_place),
        cmocka_unit_test(the_mode_of_the_program_is_its_own),
        cmocka_unit_test(registers_are_kept),
        cmocka_unit_test(what_the_processor_refuses_ends_the_program),
        cmocka_unit_test(other_instructions_go_to_the_programs_handler),
        cmocka_unit_test(threads_have_tiles_of_their_own),
        cmocka_unit_test(instructions_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
    return 0;
}

#endif
