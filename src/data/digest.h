/* The SHA-256 of content that is still being read, taken by who has time: by its reader, piece by piece, or
 * by a member of the team that has nothing else to do. */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"

/* Zero: not begun. */
struct digest {
    struct sha256 sha;
    const unsigned char *bytes;
    size_t hashed;       /* of the bytes, by the owner */
    atomic_size_t ready; /* bytes that stand */
    atomic_int owner;    /* enum digest_owner in digest.c */
    atomic_bool complete, done;
};

/* For the reader. The content is a head, hashed at once, and then bytes, which stay where they are. */
void digest_begin(struct digest *digest, const void *head, size_t len, const void *bytes);
/* The first `ready` bytes stand. */
void digest_ready(struct digest *digest, size_t ready);
/* No more will come, be it that all are there or that reading failed. When it returns nobody reads the bytes
 * any more. hex: the digest, or NULL. */
void digest_finish(struct digest *digest, char hex[SHA256_HEX]);

/* For others: takes the hashing over from the reader until the bytes are complete, if it is in progress. */
void digest_help(struct digest *digest);

#endif
