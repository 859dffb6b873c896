/* Whether the instructions that products are made of round and add up as they should on this processor. */
#ifndef KERNEL_PROOF_H
#define KERNEL_PROOF_H

#include "kernel/products.h"

/* Multiplies fixed numbers of many kinds (cancelling, subnormal, with sums about the least normal number) by
 * both, forward and backward, and compares every bit, in a tenth of a millisecond. */
bool products_agree(const struct products *products, const struct products *reference);

#endif
