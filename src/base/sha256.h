/* SHA-256 (FIPS 180-4), incremental. Uses the processor's SHA instructions where they exist; the result is
 * the same. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

enum { SHA256_HEX = 65 }; /* 64 hexadecimal digits and the NUL */

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t len);
void sha256_hex(struct sha256 *h, char hex[SHA256_HEX]); /* finishes; init again before reuse */

#endif
