#include "data/dataset.h"
#include "kernel/random.h"

/* Durstenfeld's form, from the top down. A 64-bit word modulo a position below 2^32 is off uniform by less
 * than 2^-32 relative, far below what any number of epochs could show. */
void sampler_shuffle(uint64_t seed, uint32_t epoch, size_t n, uint32_t *order) {
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t j =
            (size_t)(random_word(random_philox(seed, STREAM_SHUFFLE, epoch, 0, (uint32_t)i), 0) % (i + 1));
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}
