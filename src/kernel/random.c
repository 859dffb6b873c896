/* Normal deviates by the method of Box and Muller, "A note on the generation of random normal deviates",
 * Annals of Mathematical Statistics 29 (1958). */
#include "kernel/random.h"

#include <math.h>

#include "kernel/dmath.h"

/* 1 - u lies in (0, 1], so the logarithm is finite. sqrt is correctly rounded everywhere. */
void random_normal_pair(struct random_block b, double out[2]) {
    double radius = sqrt(-2 * dmath_log(1 - random_unit(b, 0)));
    double angle = random_unit(b, 1);
    out[0] = radius * dmath_cos_turns(angle);
    out[1] = radius * dmath_sin_turns(angle);
}
