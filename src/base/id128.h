/* base/id128.h -- 128-bit ids: machine, boot, invocation, message ids. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct id128 {
    uint8_t bytes[16];
};

#define ID128_TEXT_MAX 33 /* 32 hexadecimal digits and NUL */

bool id128_is_null(struct id128 id);
bool id128_equal(struct id128 a, struct id128 b);
/* Writes 32 lower-case digits to `text` and returns it. */
char *id128_format(struct id128 id, char text[static ID128_TEXT_MAX]);
/* Takes 32 digits, or the form with dashes (UUID). Returns 0 or -EINVAL. */
int id128_parse(const char *text, struct id128 *ret);
/* A new random id, marked as UUID version 4. Never blocks. */
struct id128 id128_random(void);
/* The ids of this machine (machine-id(5), below `root`, "" or NULL for /) and boot
 * (/proc/sys/kernel/random/boot_id). Return 0, or a negative errno: -ENOMEDIUM where the machine-id
 * is empty or "uninitialized". */
int id128_machine(const char *root, struct id128 *ret);
int id128_boot(struct id128 *ret);
