/* A batch of byte images in compressed form (kernel/sparse.h), where enough of their bytes are 0 and 0 stands
 * for the number 0: compressed rows for the forward pass of each slice, compressed columns for the gradient
 * of the first layer's weights. */
#ifndef DATA_SPARSE_H
#define DATA_SPARSE_H

#include "data/dataset.h"

struct sparse_batch;

/* Whether products over lists are the faster ones for batches of this set; decides about time only, never
 * about bits. */
bool sparse_suits(const struct dataset *set, const struct scaling *scaling, size_t batch);

/* Memory for the compressed rows of `slices` slices of `lanes` samples (at most SPARSE_LANES), and with
 * `columns` for the compressed columns of the batch that they make up. keep: the share of the inputs that
 * dropout keeps; 1: there is none. NULL and ERR_SYSTEM where memory is exhausted. Release with
 * sparse_batch_free. */
struct sparse_batch *sparse_batch_create(const struct dataset *set, const struct scaling *scaling, real keep,
                                         size_t slices, size_t lanes, bool columns,
                                         struct err *err) MUST_CHECK;
void sparse_batch_free(struct sparse_batch *batch);
/* Bytes of one with columns. */
size_t sparse_batch_bytes(const struct dataset *set, size_t slices, size_t lanes);

/* Compresses count <= lanes rows of bytes, each of the set's width, as slice `index`; the lists of the
 * samples behind count are empty. noise: what dropout draws by; only where there is one. */
void sparse_batch_load(struct sparse_batch *batch, const struct kernel *k, const uint8_t *const *row,
                       size_t count, const struct noise *noise, size_t index);
const struct sparse_rows *sparse_batch_rows(const struct sparse_batch *batch, size_t index);

/* When all slices of a batch of `samples` are loaded: compresses the columns, a block of them at a time.
 * Blocks 0 to sparse_batch_blocks() - 1 are independent; then sparse_batch_columns holds them all. */
size_t sparse_batch_blocks(const struct sparse_batch *batch, size_t samples);
void sparse_batch_list(struct sparse_batch *batch, const struct kernel *k, size_t samples, size_t block);
const struct sparse_columns *sparse_batch_columns(const struct sparse_batch *batch);

#endif
