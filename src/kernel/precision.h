/* The arithmetic of products, as configs name it. */
#ifndef KERNEL_PRECISION_H
#define KERNEL_PRECISION_H

#include <stddef.h>

/* What the factors of a layer's products are rounded to; sums and all else are of type real. */
enum precision { PRECISION_F32, PRECISION_BF16 };

/* "f32", "bf16"; NULL from the count on. */
const char *precision_name(size_t i);

#endif
