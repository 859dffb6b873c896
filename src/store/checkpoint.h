/* A snapshot as a file: safetensors, a tensor of one dimension for every piece, and in the metadata the
 * format and a SHA-256 over names, types and values. A file that was cut or changed is told from a whole
 * one. */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include "base/err.h"
#include "base/snapshot.h"

/* Replaces path atomically. contract: the version of the rules by which its numbers were made
 * (NUMERIC_CONTRACT). */
bool checkpoint_save(const char *path, const struct snapshot *snapshot, int contract,
                     struct err *err) MUST_CHECK;

/* A file in memory, with a snapshot that is ready to be restored from it. */
struct checkpoint;

/* ERR_DATA, the message starting with the path, where the file is missing, damaged, no checkpoint, or made by
 * other rules. Release with checkpoint_free. */
struct checkpoint *checkpoint_load(const char *path, int contract, struct err *err) MUST_CHECK;
void checkpoint_free(struct checkpoint *checkpoint);
struct snapshot *checkpoint_snapshot(struct checkpoint *checkpoint);

#endif
