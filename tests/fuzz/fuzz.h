/* What the fuzz targets share. A target is a file fuzz_NAME.c with the one function below, and the files of
 * corpus/NAME are what it begins with: libFuzzer drives it by `make fuzz`, replay.c drives it over its corpus
 * in `make check`. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Returns 0; whatever is not as it must be ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory that holds the bytes, until the same slot is filled anew. The reader sees a
 * regular file.
 */
enum { FUZZ_SLOTS = 4 };
const char *fuzz_file(int slot, const void *bytes, size_t len);

/* The path of a name in a folder of the process's own, which is empty at first and removed at the end: for
 * what writes files. One of four texts that are used in turn. */
const char *fuzz_path(const char *name);

/* What is only looked at goes here, so that no compiler leaves the looking out. */
extern volatile unsigned fuzz_sink;

/* Ends the process, as a finding, unless the condition holds. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *condition, const char *file, int line);

/* An error is of one of the two kinds and is one line that says something. */
void fuzz_check_error(const struct err *err, enum err_kind kind);

#endif
