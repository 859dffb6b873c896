#!/usr/bin/env python3
"""Writes src/kernel/vmath_poly.inc: the constants and polynomials of src/kernel/vmath.inc.

    scripts/fit-polynomials.py > src/kernel/vmath_poly.inc && clang-format -i src/kernel/vmath_poly.inc

Needs mpmath. The build does not run this; it documents where every coefficient comes from.

Each polynomial is the weighted minimax fit of a function on an interval (Remez' exchange on a fine grid of Chebyshev
points). The coefficients are then rounded to the working precision, either all at once, or one by one, lowest power
first, with the rest fitted anew after each so that it makes good what rounding has cost; whichever gives the smaller
error. (One by one is bad where 0 is inside the interval: powers that all vanish there have no alternating error.)
"""

from mpmath import (atanh, cos, erf, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, nstr, pi, sin, sqrt,
                    tanh)

mp.dps = 50
POINTS_PER_COEFFICIENT = 40


def rounded(x, bits):
    """x as a binary floating-point number of `bits` bits, round to nearest."""
    with mp.workprec(bits):
        return +x


def literal(x, bits):
    """x, a number of at most `bits` bits, as a C hexadecimal constant (0x1.…p…, with f for single precision)."""
    text = float(x).hex()
    mantissa, exponent = text.split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + "p" + str(int(exponent)) + ("f" if bits == 24 else "")


def pick_alternation(error, count):
    """Indices of `count` alternating extrema of the error curve, or fewer where it has fewer."""
    chosen = []
    for i, e in enumerate(error):
        if chosen and (e > 0) == (error[chosen[-1]] > 0):
            if abs(e) > abs(error[chosen[-1]]):
                chosen[-1] = i
        else:
            chosen.append(i)
    while len(chosen) > count:
        chosen.pop(0 if abs(error[chosen[0]]) < abs(error[chosen[-1]]) else -1)
    return chosen


def minimax(xs, target, weight, powers):
    """Coefficients c minimising max |weight (target - sum c x^power)| over the grid, and that maximum."""
    count = len(powers) + 1
    last = len(xs) - 1
    reference = [round(last * (1 - cos(pi * i / (count - 1))) / 2) for i in range(count)]
    basis = [[x**p for p in powers] for x in xs]
    best = None
    for _ in range(30):
        rows = matrix(count, count)
        right = matrix(count, 1)
        for i, at in enumerate(reference):
            for j, b in enumerate(basis[at]):
                rows[i, j] = b
            rows[i, count - 1] = (-1)**i / weight[at]
            right[i] = target[at]
        solution = lu_solve(rows, right)
        c = [solution[j] for j in range(count - 1)]
        error = [w * (t - sum(a * b for a, b in zip(c, row))) for w, t, row in zip(weight, target, basis)]
        worst = max(abs(e) for e in error)
        if best is None or worst < best[1]:
            best = (c, worst)
        if worst < abs(solution[count - 1]) * mpf("1.01"):
            break
        following = pick_alternation(error, count)
        if len(following) < count or following == reference:
            break
        reference = following
    return best


def fit(function, weight, low, high, degree, bits):
    """Rounded coefficients of the polynomial, lowest first, and the largest weighted error of the rounded one."""
    n = (degree + 2) * POINTS_PER_COEFFICIENT
    # Points strictly inside, so that no removable singularity at an end or in the middle is touched.
    xs = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf("0.5")) / n) for i in range(n)]
    values = [function(x) for x in xs]
    weights = [weight(x) for x in xs]
    c, _ = minimax(xs, values, weights, range(degree + 1))
    at_once = [rounded(a, bits) for a in c]
    one_by_one = []
    rest = list(values)
    for power in range(degree + 1):
        c, _ = minimax(xs, rest, weights, range(power, degree + 1))
        one_by_one.append(rounded(c[0], bits))
        rest = [r - one_by_one[-1] * x**power for r, x in zip(rest, xs)]

    def worst(coefficients):
        return max(
            abs(w * (v - sum(a * x**p for p, a in enumerate(coefficients)))) for x, v, w in zip(xs, values, weights))

    return min(((c, worst(c)) for c in (at_once, one_by_one)), key=lambda pair: pair[1])


def tail_argument(t, c):
    return c * (1 + t) / (1 - t)


def tail(a):
    """Phi(-a) exp(a^2 / 2)."""
    return erfc(a / sqrt(2)) * exp(a * a / 2) / 2


TAIL_CENTRE = {24: mpf(2), 53: mpf(5)}
TAIL_END = {24: mpf("14.5"), 53: mpf("38.75")}
TANH_SPLIT = mpf("0.625")
ERF_SPLIT = mpf("1.125")
LOG_END = ((sqrt(2) - 1) / (sqrt(2) + 1))**2


def polynomials(bits):
    """Rows: name, what it approximates (a comment), function, weight of its error, interval, degree."""
    single = bits == 24
    c = TAIL_CENTRE[bits]
    end = (TAIL_END[bits] - c) / (TAIL_END[bits] + c)
    half = log(2) / 2 * mpf("1.0001")
    rows = [
        ("exp", "(exp(x) - 1 - x) / x^2, |x| <= log(2) / 2; error relative to exp(x) - 1",
         lambda x: (expm1(x) - x) / x**2, lambda x: x**2 / abs(expm1(x)), -half, half, 5 if single else 10),
        ("log", "(2 atanh(s) / s - 2) / x, x = s^2 <= (3 - sqrt 8)^2; error relative to atanh(s)",
         lambda x: (2 * atanh(sqrt(x)) / sqrt(x) - 2) / x, lambda x: x / 2, mpf(0), LOG_END, 2 if single else 6),
        ("tanh", "(tanh(a) / a - 1) / x, x = a^2, a <= 0.625; error relative to tanh(a)",
         lambda x: (tanh(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x * sqrt(x) / tanh(sqrt(x)), mpf(0), TANH_SPLIT**2,
         4 if single else 11),
        ("erf", "erf(a) / a - 1, x = a^2, a <= 1.125; error relative to erf(a)",
         lambda x: erf(sqrt(x)) / sqrt(x) - 1, lambda x: sqrt(x) / erf(sqrt(x)), mpf(0), ERF_SPLIT**2,
         7 if single else 15),
        ("tail", "(a + %s) Phi(-a) exp(a^2 / 2), x = (a - %s) / (a + %s), 0 <= a <= %s; relative error" %
         (nstr(c), nstr(c), nstr(c), nstr(TAIL_END[bits])),
         lambda x: (tail_argument(x, c) + c) * tail(tail_argument(x, c)),
         lambda x: 1 / ((tail_argument(x, c) + c) * tail(tail_argument(x, c))), mpf(-1), end, 10 if single else 22),
        ("sin_turns", "(sin(2 pi r) / r - 2 pi) / x, x = r^2, r <= 1/8; error relative to sin(2 pi r)",
         lambda x: (sin(2 * pi * sqrt(x)) / sqrt(x) - 2 * pi) / x,
         lambda x: x * sqrt(x) / sin(2 * pi * sqrt(x)), mpf(0), mpf(1) / 64, 2 if single else 6),
        ("cos_turns", "(cos(2 pi r) - 1) / x, x = r^2, r <= 1/8; error relative to cos(2 pi r)",
         lambda x: (cos(2 * pi * sqrt(x)) - 1) / x, lambda x: x / cos(2 * pi * sqrt(x)), mpf(0), mpf(1) / 64,
         3 if single else 6),
    ]
    return rows


def constants(bits):
    """Rows: name, value. _LO is what rounding has taken from the number before it."""
    rows = [("LOG2_E", 1 / log(2)), ("SQRT_2", sqrt(2)), ("SQRT_HALF", sqrt(mpf(1) / 2)),
            ("INV_SQRT_2PI", 1 / sqrt(2 * pi)), ("TAIL_CENTRE", TAIL_CENTRE[bits]), ("TANH_SPLIT", TANH_SPLIT),
            ("ERF_SPLIT", ERF_SPLIT)]
    pairs = [("LN2", log(2)), ("2PI", 2 * pi)]
    for name, value in pairs:
        rows += [(name + "_HI", value), (name + "_LO", value - rounded(value, bits))]
    return [(name, rounded(value, bits)) for name, value in rows]


def emit(bits):
    for name, value in constants(bits):
        print("#define VMATH_%s %s" % (name, literal(value, bits)))
    for name, what, function, weight, low, high, degree in polynomials(bits):
        coefficients, error = fit(function, weight, low, high, degree, bits)
        print("\n/* %s: 2^%s. */" % (what, nstr(log(error, 2), 4)))
        print("INLINE vec vmath_%s_poly(vec x) {" % name)
        print("    vec p = vset(%s);" % literal(coefficients[-1], bits))
        for value in reversed(coefficients[:-1]):
            print("    p = vfma(p, x, vset(%s));" % literal(value, bits))
        print("    return p;\n}")


def main():
    print("/* Written by scripts/fit-polynomials.py, which tells how: the constants and minimax polynomials of "
          "vmath.inc. */")
    print("#if SIMD_DOUBLE\n")
    emit(53)
    print("\n#else\n")
    emit(24)
    print("\n#endif")


if __name__ == "__main__":
    main()
