/* See emulator.h. The instructions and what they refuse are those of the Intel SDM; the order of a product's
 * arithmetic is that of the processor. */
#ifdef __x86_64__

#include "emulator.h"

#include "kernel/amx.h"

#include <cpuid.h>
#include <immintrin.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

/* What LDTILECFG reads. */
struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t colsb[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct config) == 64, "the layout is the processor's");

/* Palette 0 is no configuration. What lies beyond a tile's shape is zero. Initial-exec: a handler may not
 * allocate. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    _Alignas(64) struct config config;
    _Alignas(64) uint8_t tile[TILES][ROWS][ROW_BYTES];
} unit;

static struct { atomic_ulong configs, releases, loads, stores, products, live; } counts;

/* The operands of an instruction, and which it is. */
struct operands {
    const char *name;
    unsigned reg, rm, vvvv;
    uint64_t address; /* less the index where that is a stride */
    uint64_t index;   /* scaled; 0 for none */
    uint64_t next;    /* address of the instruction behind */
    bool memory, sib;
};

/* ---- refusing ---- */

static _Noreturn void refuse(const struct operands *o, const char *why) {
    const char *parts[] = {"amx emulator: ", o->name, ": ", why, "\n"};
    char line[128];
    size_t length = 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (const char *c = parts[p]; *c && length < sizeof line; c++)
            line[length++] = *c;
    if (write(STDERR_FILENO, line, length) < 0) {
        /* The abort says it, too. */
    }
    abort();
}

/* The shape of a tile that may be used. */
static void require_tile(const struct operands *o, unsigned tile) {
    if (unit.config.palette == 0)
        refuse(o, "no tiles are configured");
    if (unit.config.rows[tile] == 0)
        refuse(o, "the tile is not configured");
}

/* ---- the instructions ---- */

static void *pointer(uint64_t address) {
    return (void *)(uintptr_t)address;
}

static void become_unconfigured(void) {
    if (unit.config.palette != 0)
        atomic_fetch_sub(&counts.live, 1);
    memset(&unit, 0, sizeof unit);
    atomic_fetch_add(&counts.releases, 1);
}

static void tilerelease(const struct operands *o) {
    (void)o;
    become_unconfigured();
}

static void ldtilecfg(const struct operands *o) {
    struct config c;
    memcpy(&c, pointer(o->address + o->index), sizeof c);
    if (c.palette > 1)
        refuse(o, "there is no such palette");
    if (c.start_row != 0)
        refuse(o, "the start row is not 0");
    for (size_t i = 0; i < sizeof c.reserved; i++)
        if (c.reserved[i] != 0)
            refuse(o, "a reserved byte is not 0");
    for (size_t t = 0; t < 16; t++) {
        if ((t >= TILES || c.palette == 0) && (c.rows[t] != 0 || c.colsb[t] != 0))
            refuse(o, "a tile that the palette lacks has a shape");
        if (c.rows[t] > ROWS)
            refuse(o, "a tile has more than 16 rows");
        if (c.colsb[t] > ROW_BYTES)
            refuse(o, "a tile's rows are longer than 64 bytes");
        if ((c.rows[t] == 0) != (c.colsb[t] == 0))
            refuse(o, "a tile has rows without columns or columns without rows");
    }
    if (c.palette == 0) {
        become_unconfigured();
        return;
    }
    if (unit.config.palette == 0)
        atomic_fetch_add(&counts.live, 1);
    memset(unit.tile, 0, sizeof unit.tile);
    unit.config = c;
    atomic_fetch_add(&counts.configs, 1);
}

static void sttilecfg(const struct operands *o) {
    memcpy(pointer(o->address + o->index), &unit.config, sizeof unit.config);
}

static void tilezero(const struct operands *o) {
    require_tile(o, o->reg);
    memset(unit.tile[o->reg], 0, sizeof unit.tile[o->reg]);
}

static void tileloadd(const struct operands *o) {
    require_tile(o, o->reg);
    size_t rows = unit.config.rows[o->reg], colsb = unit.config.colsb[o->reg];
    memset(unit.tile[o->reg], 0, sizeof unit.tile[o->reg]);
    for (size_t r = 0; r < rows; r++)
        memcpy(unit.tile[o->reg][r], pointer(o->address + r * o->index), colsb);
    atomic_fetch_add(&counts.loads, 1);
}

static void tilestored(const struct operands *o) {
    require_tile(o, o->reg);
    size_t rows = unit.config.rows[o->reg], colsb = unit.config.colsb[o->reg];
    for (size_t r = 0; r < rows; r++)
        memcpy(pointer(o->address + r * o->index), unit.tile[o->reg][r], colsb);
    atomic_fetch_add(&counts.stores, 1);
}

/* One row of c[16] += a[2 k] b[k][16][2]: even and odd terms are chains of their own, which c joins at the
 * end. */
__attribute__((target("avx2,fma"), noinline)) static void
product_row(size_t k, const uint8_t *a, uint8_t (*b)[ROW_BYTES], const uint8_t *c, float *out) {
    const __m256i high = _mm256_set1_epi32((int)0xffff0000u);
    __m256 even[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, odd[2] = {even[0], even[0]};
    for (size_t p = 0; p < k; p++) {
        int32_t pair;
        memcpy(&pair, a + 4 * p, sizeof pair);
        __m256i x = _mm256_set1_epi32(pair);
        __m256 x_even = _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
        __m256 x_odd = _mm256_castsi256_ps(_mm256_and_si256(x, high));
        for (size_t half = 0; half < 2; half++) {
            __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b[p] + 32 * half));
            even[half] = _mm256_fmadd_ps(x_even, _mm256_castsi256_ps(_mm256_slli_epi32(y, 16)), even[half]);
            odd[half] = _mm256_fmadd_ps(x_odd, _mm256_castsi256_ps(_mm256_and_si256(y, high)), odd[half]);
        }
    }
    for (size_t half = 0; half < 2; half++) {
        __m256 sum = _mm256_loadu_ps((const float *)(const void *)(c + 32 * half));
        _mm256_storeu_ps(out + 8 * half, _mm256_add_ps(sum, _mm256_add_ps(even[half], odd[half])));
    }
}

static void tdpbf16ps(const struct operands *o) {
    unsigned dst = o->reg, a = o->rm, b = o->vvvv;
    require_tile(o, dst);
    require_tile(o, a);
    require_tile(o, b);
    if (dst == a || dst == b || a == b)
        refuse(o, "two operands are the same tile");
    const uint16_t *colsb = unit.config.colsb;
    const uint8_t *rows = unit.config.rows;
    if (colsb[dst] % 4 != 0 || colsb[a] % 4 != 0 || colsb[b] % 4 != 0)
        refuse(o, "a tile's rows are not whole pairs");
    if (rows[dst] != rows[a] || colsb[dst] != colsb[b] || colsb[a] / 4 != rows[b])
        refuse(o, "the tiles' shapes do not match");
    /* Round to nearest even, subnormal numbers are 0 before and after, nothing is raised: whatever the
     * program's mode, to which it returns. */
    static const uint32_t mode = 0x9fc0;
    __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
    for (size_t m = 0; m < rows[dst]; m++) {
        float out[16];
        product_row(colsb[a] / 4, unit.tile[a][m], unit.tile[b], unit.tile[dst][m], out);
        memcpy(unit.tile[dst][m], out, colsb[dst]);
    }
    atomic_fetch_add(&counts.products, 1);
}

/* ---- decoding ---- */

enum form { BARE, MEMORY, SIB_MEMORY, ONE_TILE, THREE_TILES };
enum prefix { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 }; /* as VEX has them */

static const struct instruction {
    const char *name;
    uint8_t opcode, prefix;
    enum form form;
    void (*run)(const struct operands *);
} instructions[] = {
    {"ldtilecfg", 0x49, PREFIX_NONE, MEMORY, ldtilecfg},
    {"tilerelease", 0x49, PREFIX_NONE, BARE, tilerelease},
    {"sttilecfg", 0x49, PREFIX_66, MEMORY, sttilecfg},
    {"tilezero", 0x49, PREFIX_F2, ONE_TILE, tilezero},
    {"tileloadd", 0x4b, PREFIX_F2, SIB_MEMORY, tileloadd},
    {"tileloaddt1", 0x4b, PREFIX_66, SIB_MEMORY, tileloadd},
    {"tilestored", 0x4b, PREFIX_F3, SIB_MEMORY, tilestored},
    {"tdpbf16ps", 0x5c, PREFIX_F3, THREE_TILES, tdpbf16ps},
};

/* The processor refuses other operands as no instruction at all. */
static bool has_form(enum form form, const struct operands *o) {
    switch (form) {
    case BARE:
        return !o->memory && o->reg == 0 && o->rm == 0 && o->vvvv == 0;
    case MEMORY:
        return o->memory && o->reg == 0 && o->vvvv == 0;
    case SIB_MEMORY:
        return o->sib && o->reg < TILES && o->vvvv == 0;
    case ONE_TILE:
        return !o->memory && o->reg < TILES && o->rm == 0 && o->vvvv == 0;
    case THREE_TILES:
        return !o->memory && o->reg < TILES && o->rm < TILES && o->vvvv < TILES;
    }
    return false;
}

static uint64_t value_of(const greg_t *registers, unsigned number) {
    static const uint8_t order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)registers[order[number]];
}

/* The address of ModRM (of mode and r/m) and of what follows it. x and b: the bits that VEX adds. */
static void decode_memory(const uint8_t *at, const greg_t *registers, unsigned x, unsigned b,
                          struct operands *o) {
    unsigned mode = *at >> 6, base = *at & 7;
    bool wide = mode == 2, relative = false, none = false;
    at++;
    if (base == 4) {
        unsigned index = (*at >> 3 & 7) | x << 3;
        o->sib = true;
        o->index = index == 4 ? 0 : value_of(registers, index) << (*at >> 6);
        base = *at++ & 7;
        none = mode == 0 && base == 5;
    } else
        relative = mode == 0 && base == 5;
    int32_t displacement = 0;
    if (wide || relative || none) {
        memcpy(&displacement, at, sizeof displacement);
        at += sizeof displacement;
    } else if (mode == 1)
        displacement = (int8_t)*at++;
    o->next = (uint64_t)(uintptr_t)at;
    o->address = (uint64_t)displacement + (relative ? o->next
                                           : none   ? 0
                                                    : value_of(registers, base | b << 3));
}

/* The instruction at rip, or NULL. No byte behind an instruction is read. */
static const struct instruction *decode(const greg_t *registers, struct operands *o) {
    const uint8_t *at = pointer((uint64_t)registers[REG_RIP]);
    /* VEX of three bytes, map 0F38, W and L 0. */
    if (at[0] != 0xc4 || (at[1] & 0x1f) != 2 || (at[2] & 0x84) != 0)
        return NULL;
    unsigned r = !(at[1] & 0x80), x = !(at[1] & 0x40), b = !(at[1] & 0x20);
    unsigned prefix = at[2] & 3, opcode = at[3], modrm = at[4];
    o->reg = (modrm >> 3 & 7) | r << 3;
    o->vvvv = ~(unsigned)at[2] >> 3 & 15;
    o->memory = modrm >> 6 != 3;
    if (o->memory)
        decode_memory(at + 4, registers, x, b, o);
    else {
        o->rm = (modrm & 7) | b << 3;
        o->next = (uint64_t)(uintptr_t)(at + 5);
    }
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
        if (instructions[i].opcode == opcode && instructions[i].prefix == prefix &&
            has_form(instructions[i].form, o))
            return &instructions[i];
    return NULL;
}

/* ---- the handler ---- */

static bool emulated;
static void (*_Atomic other)(int); /* what the program wants done of SIGILL; NULL is SIG_DFL */

static bool install(int number, void (*plain)(int), void (*with_context)(int, siginfo_t *, void *), int flags,
                    struct sigaction *old) {
    struct sigaction action = {.sa_flags = flags};
    if (with_context)
        action.sa_sigaction = with_context;
    else
        action.sa_handler = plain;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, old) == 0;
}

/* Not ours: the program's handler, or the end by the fault, which comes again. */
static void pass_on(int number, bool sent) {
    void (*handler)(int) = atomic_load(&other);
    if (handler != SIG_DFL && handler != SIG_IGN) {
        handler(number);
        return;
    }
    if (sent && handler == SIG_IGN)
        return;
    install(number, SIG_DFL, NULL, 0, NULL);
    if (sent)
        raise(number);
}

static void on_illegal_instruction(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool sent = info->si_code <= 0, done = false;
    /* Those that follow at once are done at once: a signal costs far more than an instruction. */
    while (!sent) {
        struct operands o = {0};
        const struct instruction *i = decode(registers, &o);
        if (!i)
            break;
        o.name = i->name;
        i->run(&o);
        registers[REG_RIP] = (greg_t)o.next;
        done = true;
    }
    if (!done)
        pass_on(number, sent);
}

/* In libc's place: test frameworks take SIGILL to report a crash. Theirs is called for what is not emulated.
 */
void (*signal(int number, void (*handler)(int)))(int) {
    if (emulated && number == SIGILL)
        return atomic_exchange(&other, handler);
    struct sigaction old;
    return install(number, handler, NULL, SA_RESTART, &old) ? old.sa_handler : SIG_ERR;
}

/* The processor has it and the kernel lets this process use it. */
static bool processor_has_it(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 22 & 1 &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

__attribute__((constructor)) static void start(void) {
    bool native = processor_has_it();
    __builtin_cpu_init();
    if (native || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    /* Blocked in the handler the signal would stay so where the program's handler jumps out of it. */
    emulated = install(SIGILL, NULL, on_illegal_instruction, SA_SIGINFO | SA_NODEFER, NULL);
}

/* ---- for the tests ---- */

bool amx_emulated(void) {
    return emulated;
}

struct amx_counts amx_counts_now(void) {
    return (struct amx_counts){.configs = counts.configs,
                               .releases = counts.releases,
                               .loads = counts.loads,
                               .stores = counts.stores,
                               .products = counts.products,
                               .live = counts.live};
}

/* The engine's own. */
bool __real_amx_usable(void);

bool __wrap_amx_usable(void) {
    return !amx_refused() && (emulated || __real_amx_usable());
}

#else
typedef int nothing_to_emulate; /* a file may not be empty */
#endif
