#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t rotate_left(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

static inline void sip_round(uint64_t v[static 4])
{
    v[0] += v[1];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[2] = rotate_left(v[2], 32);
}

uint64_t siphash24(const void *data, size_t n, const uint8_t key[static 16])
{
    const uint8_t *p = data;
    uint64_t k0 = load64(key), k1 = load64(key + 8);
    uint64_t v[4] = {
        0x736f6d6570736575ULL ^ k0,
        0x646f72616e646f6dULL ^ k1,
        0x6c7967656e657261ULL ^ k0,
        0x7465646279746573ULL ^ k1,
    };
    uint64_t last = (uint64_t) n << 56;

    for (; n >= 8; n -= 8, p += 8) {
        uint64_t m = load64(p);

        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t) p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_bytes(const void *data, size_t n)
{
    static uint8_t key[16];
    static int have_key;

    if (!have_key) {
        /* Without entropy (early boot, a seccomp filter) a guessable key only costs speed under
         * attack. */
        if (getrandom(key, sizeof key, GRND_NONBLOCK) != sizeof key) {
            struct timespec ts;
            pid_t pid = getpid();

            clock_gettime(CLOCK_MONOTONIC, &ts);
            memcpy(key, &ts.tv_nsec, 8);
            memcpy(key + 8, &pid, sizeof pid);
        }
        have_key = 1;
    }
    return siphash24(data, n, key);
}
