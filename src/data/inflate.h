/* A file as a stream of bytes, decompressed on the way where its first two bytes say gzip. Unlike zlib's
 * gzread it takes nothing on trust: members are joined, every CRC and length is verified, a file that ends
 * early or goes on behind its last member is an error. Messages start with the path and name the byte of the
 * file. */
#ifndef DATA_INFLATE_H
#define DATA_INFLATE_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/err.h"

/* Open for reading by its owner, private otherwise unless a comment says more. */
struct source {
    const char *path; /* borrowed; public */
    uint64_t size;    /* of the file, compressed; public */
    bool gzip;        /* public */
    int fd;
    uint64_t taken; /* bytes read from fd so far */
    unsigned char *buffer;
    z_stream z;      /* next_in, avail_in are the unread rest of the buffer, for plain files too */
    uint64_t member; /* gzip members begun */
    bool between;    /* the last member is complete and verified */
    bool ended;
};

/* Opens a regular file. ERR_DATA where it is missing, unreadable, empty, a folder or a device; ERR_SYSTEM
 * where the machine lacks memory or descriptors or its disk fails. On success release with source_close. */
bool source_open(struct source *source, const char *path, struct err *err) MUST_CHECK;
void source_close(struct source *source);

/* The next bytes of the content: *got = want, or less at the end, which is only reached through a verified
 * last member. A want of at least 1 behind the content is what verifies the end. */
bool source_read(struct source *source, void *out, size_t want, size_t *got, struct err *err) MUST_CHECK;

#endif
