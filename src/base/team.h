/* A team of threads that runs one job at a time: the caller is member 0. Between jobs the others spin briefly
 * and then sleep, so a job costs less than a microsecond while training and an idle team costs nothing. */
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

#include <stddef.h>

#include "base/err.h"

struct team;

/* Runs on every member at once, rank 0 to size-1. */
typedef void team_job(void *arg, size_t rank, size_t size);

/* A team of size members (size-1 new threads), at least 1. ERR_SYSTEM when threads cannot be made. */
struct team *team_create(size_t size, struct err *err) MUST_CHECK;
void team_free(struct team *team); /* NULL is fine */
size_t team_size(const struct team *team);

/* Runs job on all members and returns when all are done. NULL team: the caller alone. Not reentrant. */
void team_run(struct team *team, team_job *job, void *arg);

/* Inside a job: waits for all members. */
void team_barrier(struct team *team);

#endif
