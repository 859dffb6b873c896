#!/usr/bin/env python3
"""Writes tests/unit/vmath_reference.inc: correctly rounded values of the functions of src/kernel/vmath.inc and dmath.c.

    scripts/make-vmath-reference.py > tests/unit/vmath_reference.inc

Needs mpmath; the build does not run this. Every argument is a double, every value the double nearest to the function at
exactly that argument. The arguments are fixed extremes and random ones of a fixed seed.
"""

import math
import random

from mpmath import cos, erf, erfc, exp, expm1, log, log1p, mp, mpf, nint, pi, sin, sqrt, tanh

mp.dps = 400  # log1p and expm1 of 1e-300 are still exact to 100 digits

MAX = math.ldexp(2 - 2**-52, 1023)
TINY = [5e-324, 1e-310, 2.0**-1022, 1e-300, 1e-20, 2.0**-54, 2.0**-53, 1e-12, 1e-9, 1e-8]


def both_signs(values):
    return [s * v for v in values for s in (1, -1)]


def linear(low, high, count):
    return [random.uniform(low, high) for _ in range(count)]


def logarithmic(low, high, count):
    """Numbers whose binary logarithm is uniform between low and high."""
    return [math.ldexp(random.uniform(1, 2), random.randrange(low, high)) for _ in range(count)]


def near(value):
    return [math.nextafter(value, -math.inf), value, math.nextafter(value, math.inf)]


# Name, function, arguments. Around the fixed ones a reduction changes branch or a result leaves the normal numbers.
HALF_LN2 = math.log(2) / 2
TABLE = [
    ("exp", exp,
     both_signs(TINY) + near(709.782712893384) + near(-708.3964185322641) + near(-745.1332191019411) +
     [709.0, -740.0, -744.4, -1e4, 1.0, -1.0] + near(HALF_LN2) + near(3 * HALF_LN2) + linear(-1, 1, 12) +
     linear(-745, 709, 20)),
    ("expm1", expm1,
     both_signs(TINY) + near(709.782712893384) + near(-HALF_LN2) + near(HALF_LN2) + [-36.7, -37.5, -50.0, -1e4] +
     linear(-1, 1, 20) + linear(-40, 60, 16)),
    ("log", log,
     [5e-324, 1e-310, 2.0**-1022, 1e-300, MAX, 10.0, 0.1] + near(1.0) + near(0.5) + near(math.sqrt(0.5)) +
     near(math.sqrt(2)) + linear(0.5, 2, 20) + logarithmic(-1074, 1023, 20)),
    ("log1p", log1p,
     both_signs(TINY) + [MAX, 2.0**53, 2.0**54, 2.0**55, 1e300, -1 + 2.0**-53, -0.999, 1.0] +
     near(math.sqrt(0.5) - 1) + near(math.sqrt(2) - 1) + linear(-0.9, 1, 20) + logarithmic(-60, 1023, 16)),
    ("tanh", tanh,
     both_signs(TINY) + both_signs(near(0.625)) + [19.0, -19.1, 20.5, 1e4, MAX] + linear(-1, 1, 20) +
     linear(-20, 20, 16)),
    ("erf", erf,
     both_signs(TINY) + both_signs(near(1.125)) + [5.86, -5.9, 6.0, 30.0, 1e4, MAX] + linear(-1.2, 1.2, 20) +
     linear(-6, 6, 16)),
    ("sigmoid", lambda x: 1 / (1 + exp(-x)),
     both_signs(TINY) + [-1e4, -745.0, -740.0, -709.0, -37.0, 37.0, 1e4] + linear(-5, 5, 12) + linear(-700, 40, 12)),
    ("softplus", lambda x: log1p(exp(x)) if x < 0 else x + log1p(exp(-x)),
     both_signs(TINY) + [-1e4, -745.0, -740.0, -709.0, -37.0, 37.0, 1e4, MAX] + linear(-5, 5, 12) +
     linear(-700, 40, 12)),
    ("normal_cdf", lambda x: erfc(-x / sqrt(2)) / 2,
     both_signs(TINY) + [-50.0, -38.5, -37.6, -20.0, 8.2, 50.0] + linear(-5, 5, 16) + linear(-38, 8, 12)),
    ("normal_pdf", lambda x: exp(-x * x / 2) / sqrt(2 * pi),
     both_signs(TINY) + [-50.0, -38.5, 37.6, 50.0] + linear(-5, 5, 12) + linear(-38, 38, 12)),
    ("sin_turns", lambda x: sin(2 * pi * x),
     [0.0, 1e-300, 1e-20, 0.25, 0.5, 0.75, 1.0] + near(0.125) + near(0.375) + near(0.5) + near(0.625) + near(0.875) +
     [1 - 2.0**-53] + linear(0, 1, 24)),
    ("cos_turns", lambda x: cos(2 * pi * x),
     [0.0, 1e-300, 1e-20, 0.5, 1.0] + near(0.125) + near(0.25) + near(0.375) + near(0.75) + near(0.875) +
     [1 - 2.0**-53] + linear(0, 1, 24)),
]


def nearest_double(y):
    """The double nearest to y, subnormal or infinite where it has to be."""
    if y == 0:
        return 0.0
    exponent = max(math.floor(log(abs(y), 2)) - 52, -1074)
    scaled = int(nint(y * mpf(2)**-exponent))
    try:
        return math.ldexp(scaled, exponent)
    except OverflowError:
        return math.inf if y > 0 else -math.inf


def literal(x):
    if math.isinf(x):
        return "INFINITY" if x > 0 else "-INFINITY"
    mantissa, exponent = x.hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent


def value(name, function, x):
    # Whole multiples of a quarter turn are exact; mpmath's pi would leave a residue.
    if name.endswith("_turns") and (4 * x) % 1 == 0:
        quarter = int(4 * x) + (name == "cos_turns")
        return [0.0, 1.0, 0.0, -1.0][quarter % 4]
    return nearest_double(function(mpf(x)))


def main():
    random.seed(1)
    print("/* Written by scripts/make-vmath-reference.py: correctly rounded values of vmath.inc and "
          "dmath.c. */\n// clang-format off")
    for name, function, arguments in TABLE:
        print("static const struct point %s_points[] = {" % name)
        rows = ["{%s, %s}," % (literal(x), literal(value(name, function, x))) for x in arguments]
        for i in range(0, len(rows), 2):
            print("    " + " ".join(rows[i:i + 2]))
        print("};")


if __name__ == "__main__":
    main()
