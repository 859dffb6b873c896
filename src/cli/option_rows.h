/* The rows that several commands have in common, so that an option means the same everywhere. */
#ifndef CLI_OPTION_ROWS_H
#define CLI_OPTION_ROWS_H

#include "cli/options.h"

enum { MAX_THREADS = 1024 };

#define AT(member) .offset = offsetof(struct arguments, member)

#define ROW_CONFIG                                                                                           \
    { .name = "config", .kind = OPTION_TEXT, .value = "FILE", .help = "the config (JSON)", AT(config) }
#define ROW_SET                                                                                              \
    {                                                                                                        \
        .name = "set", .kind = OPTION_OVERRIDE, .value = "PATH=VALUE",                                       \
        .help = "set a config key, e.g. optimizer.lr=0.05 (repeatable)"                                      \
    }
#define ROW_SEED                                                                                             \
    {                                                                                                        \
        .name = "seed", .kind = OPTION_NUMBER, .value = "N", .help = "the same as --set seed=N", AT(seed),   \
        .max = UINT64_MAX, .key = "seed"                                                                     \
    }
#define ROW_THREADS                                                                                          \
    {                                                                                                        \
        .name = "threads", .kind = OPTION_NUMBER, .value = "N",                                              \
        .help = "threads; 0: as many as the process may use", AT(threads), .max = MAX_THREADS,               \
        .key = "threads"                                                                                     \
    }
#define ROW_ISA                                                                                              \
    {                                                                                                        \
        .name = "isa", .kind = OPTION_TEXT, .value = "NAME",                                                 \
        .help = "instruction set: auto, scalar, avx2, ... (also DLTRAIN_ISA); same bits", AT(isa)            \
    }
#define ROW_PRECISION                                                                                        \
    {                                                                                                        \
        .name = "precision", .kind = OPTION_TEXT, .value = "NAME",                                           \
        .help = "f32 or bf16; without it that of the training", AT(precision), .choices = precision_name     \
    }
#define ROW_JSON(what)                                                                                       \
    { .name = "json", .kind = OPTION_FLAG, .help = "print " what " as JSON", AT(json) }
#define ROW_QUIET                                                                                            \
    {                                                                                                        \
        .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .help = "no progress, only results and errors", \
        AT(quiet)                                                                                            \
    }
#define ROW_MODEL                                                                                            \
    {                                                                                                        \
        .name = "model", .kind = OPTION_TEXT, .value = "FILE",                                               \
        .help = "a model.safetensors that dltrain wrote", AT(model)                                          \
    }
#define ROW_INIT_FROM                                                                                        \
    {                                                                                                        \
        .name = "init-from", .kind = OPTION_TEXT, .value = "FILE",                                           \
        .help = "start from the weights of a safetensors file, ours or PyTorch's", AT(init_from)             \
    }
#define ROW_EXPECT                                                                                           \
    {                                                                                                        \
        .name = "expect", .kind = OPTION_EXPECT, .value = "EXPECTATION",                                     \
        .help = "exit 1 unless it holds, e.g. 'test.accuracy >= 0.97' (repeatable)"                          \
    }
#define ROW_JUNIT                                                                                            \
    {                                                                                                        \
        .name = "junit", .kind = OPTION_TEXT, .value = "FILE",                                               \
        .help = "write a JUnit report (XML) of the expectations", AT(junit)                                  \
    }
#define ROW_HELP                                                                                             \
    { .name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "this help", AT(help) }
#define ROW_VERSION                                                                                          \
    { .name = "version", .kind = OPTION_FLAG, .help = "the version", AT(version) }
#define ROW_END                                                                                              \
    { .name = NULL }

#endif
