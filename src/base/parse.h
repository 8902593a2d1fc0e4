/* base/parse.h -- single values from text: booleans, integers, sizes, percentages.
 *
 * Every function takes a NUL-terminated string, returns 0 or a negative errno (-EINVAL: not of this
 * form, -ERANGE: of this form and out of range) and writes *ret only on success. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* systemd.syntax(7): 1, yes, y, true, t, on; 0, no, n, false, f, off; in any case.
 * Returns 1, 0 or -EINVAL. */
int parse_boolean(const char *s);

/* Whole numbers, as strtoull(3) with base 0 reads them (decimal, 0x..., 0...), and also 0b... and
 * 0o... White space before the number is allowed, after it nothing. A minus sign before an unsigned
 * number other than -0 is -ERANGE. */
int parse_u64(const char *s, uint64_t *ret);
int parse_i64(const char *s, int64_t *ret);
int parse_unsigned(const char *s, unsigned *ret);
int parse_int(const char *s, int *ret);

/* The same in a fixed base from 2 to 36 (no prefix then, except that of 16: "0x"). */
int parse_u64_base(const char *s, unsigned base, uint64_t *ret);

/* A file mode: octal digits, at most 07777 (systemd.exec(5) UMask=, RuntimeDirectoryMode=). */
int parse_mode(const char *s, mode_t *ret);

/* A process id: greater than 0. */
int parse_pid(const char *s, pid_t *ret);

/* A numeric user or group id: decimal digits without leading zeros. 65535 and 4294967295, which
 * kernel interfaces take for "none", are -ENXIO (systemd.exec(5), User=). */
int parse_uid(const char *s, uid_t *ret);

/* A port: 1..65535. */
int parse_port(const char *s, uint16_t *ret);

/* Sizes: numbers, fractions allowed, each with a suffix K, M, G, T, P, E, or B or none for bytes,
 * largest first ("1G 512M"). `base` is what K multiplies by: 1024 for memory and files
 * (systemd.resource-control(5) MemoryMax=), 1000 for rates (IOReadBandwidthMax=). */
int parse_size(const char *s, uint64_t base, uint64_t *ret);

#define SIZE_TEXT_MAX 24

/* Bytes as systemd's tools print them for people, "12B", "1.9K", "2M": cut, not rounded. Returns
 * the buffer. */
char *size_format(char text[static SIZE_TEXT_MAX], uint64_t n);

/* "20%", "12.5%", "3‰", "15‱" in parts of ten thousand. The first refuses more than 100%. */
int parse_permyriad(const char *s, unsigned *ret);
int parse_permyriad_unbounded(const char *s, unsigned *ret);
