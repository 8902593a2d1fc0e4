#include "base/id128.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"

bool id128_is_null(struct id128 id)
{
    static const struct id128 null;

    return id128_equal(id, null);
}

bool id128_equal(struct id128 a, struct id128 b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

char *id128_format(struct id128 id, char text[static ID128_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof id.bytes; i++) {
        text[2 * i] = digits[id.bytes[i] >> 4];
        text[2 * i + 1] = digits[id.bytes[i] & 15];
    }
    text[32] = 0;
    return text;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int id128_parse(const char *text, struct id128 *ret)
{
    struct id128 id;
    bool dashes = strlen(text) == 36;

    for (size_t i = 0; i < sizeof id.bytes; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return -EINVAL;
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return -EINVAL;
        id.bytes[i] = (uint8_t) (high << 4 | low);
        text += 2;
    }
    if (*text)
        return -EINVAL;
    *ret = id;
    return 0;
}

struct id128 id128_random(void)
{
    struct id128 id;

    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id) {
        /* No entropy yet: still different from every other id of this machine. */
        static uint64_t counter;
        uint64_t seed[3] = { now_usec(CLOCK_REALTIME), now_usec(CLOCK_MONOTONIC), ++counter };
        uint64_t a = hash_bytes(seed, sizeof seed), b;

        seed[2] = ~seed[2];
        b = hash_bytes(seed, sizeof seed);
        memcpy(id.bytes, &a, 8);
        memcpy(id.bytes + 8, &b, 8);
    }
    id.bytes[6] = (id.bytes[6] & 0x0f) | 0x40;
    id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
    return id;
}

int id128_machine(const char *root, struct id128 *ret)
{
    auto_free char *path = format("%s/etc/machine-id", strempty(root));
    auto_free char *line = NULL;

    if (!path)
        return -ENOMEM;
    int r = file_read_line(path, &line);
    if (r < 0)
        return r;
    if (isempty(line) || streq(line, "uninitialized"))
        return -ENOMEDIUM;
    return id128_parse(line, ret);
}

int id128_boot(struct id128 *ret)
{
    auto_free char *line = NULL;
    int r = file_read_line("/proc/sys/kernel/random/boot_id", &line);

    return r < 0 ? r : id128_parse(line, ret);
}
