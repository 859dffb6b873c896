/* A uniform random choice of all samples seen so far: Vitter's algorithm R ("Random sampling with a
 * reservoir", ACM TOMS 1985), which takes sample t of t with probability size / t and gives it the place of
 * one that it has. */
#ifndef DATA_RESERVOIR_H
#define DATA_RESERVOIR_H

#include "base/snapshot.h"
#include "data/dataset.h"

struct reservoir {
    uint64_t seed;
    size_t capacity;     /* samples */
    uint64_t seen;       /* since it was last empty */
    uint64_t number;     /* of the next sample, since the beginning: what draws are keyed by */
    struct dataset held; /* images.rows of them, with classes */
};

/* For samples like those of the set, which has classes. Release with reservoir_release. */
bool reservoir_init(struct reservoir *reservoir, size_t capacity, const struct dataset *like, uint64_t seed,
                    struct err *err) MUST_CHECK;
void reservoir_release(struct reservoir *reservoir);

/* Sees the rows of the part, whose images are of the type and width of those that it was made for. */
void reservoir_see(struct reservoir *reservoir, const struct data_part *part);
/* Forgets all samples. */
void reservoir_empty(struct reservoir *reservoir);

/* Puts its samples, of so many classes, aside, or takes them up in one that was made alike. */
void reservoir_snapshot(struct reservoir *reservoir, size_t classes, struct snapshot *s);

#endif
