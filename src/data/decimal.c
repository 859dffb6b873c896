#include "data/decimal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Powers of ten that a double holds exactly. */
enum { EXACT_POWERS = 23 };

static const double power_of_ten[EXACT_POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Digits that 64 bits hold whatever they are, and an exponent beyond all floats. */
enum { SAFE_DIGITS = 19, MOST_EXPONENT = 100000 };

/* digits * 10^exponent, where there are no more of the digits than are safe. */
struct decimal {
    uint64_t digits;
    long count; /* of the digits, zeros in front too */
    long exponent;
    bool negative;
};

static bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

/* The digits from p on, behind those that are there; returns where they end. */
static const char *read_digits(const char *p, struct decimal *d) {
    const char *begin = p;
    uint64_t digits = d->digits;
    for (; is_digit(*p); p++)
        digits = 10 * digits + (uint64_t)(*p - '0');
    d->digits = digits;
    d->count += p - begin;
    return p;
}

static const char *read_exponent(const char *p, struct decimal *d) {
    const char *begin = p++;
    bool negative = *p == '-';
    long exponent = 0;
    p += *p == '-' || *p == '+';
    if (!is_digit(*p))
        return begin;
    for (; is_digit(*p); p++)
        if (exponent < MOST_EXPONENT)
            exponent = 10 * exponent + (*p - '0');
    d->exponent += negative ? -exponent : exponent;
    return p;
}

/* Returns where the number ends, s where there is none. */
static const char *read_decimal(const char *s, struct decimal *d) {
    const char *p = s;
    d->negative = *p == '-';
    p += *p == '-' || *p == '+';
    p = read_digits(p, d);
    if (*p == '.') {
        long whole = d->count;
        p = read_digits(p + 1, d);
        d->exponent = whole - d->count;
    }
    if (d->count == 0)
        return s;
    return *p == 'e' || *p == 'E' ? read_exponent(p, d) : p;
}

/* A double that lies half-way between two floats may have been rounded to it: then which of them is nearer
 * cannot be told any more. */
static bool is_halfway(double x) {
    enum { LOST_BITS = 52 - 23 };
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & (((uint64_t)1 << LOST_BITS) - 1)) == (uint64_t)1 << (LOST_BITS - 1);
}

/* Digits and power are exact in double, so that their product or quotient is rounded once (Clinger 1990);
 * rounding it again is safe but half-way between floats, none of which is subnormal here. */
static bool round_fast(const struct decimal *d, float *x) {
    long e = d->exponent;
    if (d->count > SAFE_DIGITS || d->digits >> 53 || e <= -EXACT_POWERS || e >= EXACT_POWERS)
        return false;
    double y = e < 0 ? (double)d->digits / power_of_ten[-e] : (double)d->digits * power_of_ten[e];
    if (e != 0 && is_halfway(y))
        return false;
    *x = (float)(d->negative ? -y : y);
    return true;
}

bool decimal_float(const char *s, size_t len, float *x) {
    struct decimal d = {0};
    if (len == 0 || read_decimal(s, &d) != s + len)
        return false;
    if (!round_fast(&d, x))
        *x = strtof(s, NULL); /* sees the program's locale, which stays "C", and the same bytes */
    return true;
}
