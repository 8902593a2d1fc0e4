#include <string.h>

#include "journal/file-format.h"

static inline uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static inline void mix(uint32_t v[static 3])
{
    static const unsigned char turns[6] = { 4, 6, 8, 16, 19, 4 };

    /* v[i] loses its neighbour before and takes that one's rotation; the neighbour then gains the
     * one after. */
#pragma GCC unroll 6
    for (unsigned i = 0; i < 6; i++) {
        unsigned a = i % 3, before = (i + 2) % 3, after = (i + 1) % 3;

        v[a] -= v[before];
        v[a] ^= rotate(v[before], turns[i]);
        v[before] += v[after];
    }
}

static inline void finish(uint32_t v[static 3])
{
    static const unsigned char turns[7] = { 14, 11, 25, 16, 4, 14, 24 };

#pragma GCC unroll 7
    for (unsigned i = 0; i < 7; i++) {
        unsigned c = (i + 2) % 3, before = (i + 1) % 3;

        v[c] ^= v[before];
        v[c] -= rotate(v[before], turns[i]);
    }
}

uint64_t journal_jenkins(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t start = 0xdeadbeef + (uint32_t) n;
    uint32_t v[3] = { start, start, start };
    uint32_t k[3];

    for (; n > 12; n -= 12, p += 12) {
        memcpy(k, p, sizeof k);
        v[0] += k[0];
        v[1] += k[1];
        v[2] += k[2];
        mix(v);
    }
    if (n > 0) {
        memset(k, 0, sizeof k);
        memcpy(k, p, n);
        v[0] += k[0];
        v[1] += k[1];
        v[2] += k[2];
        finish(v);
    }
    return (uint64_t) v[2] << 32 | v[1];
}
