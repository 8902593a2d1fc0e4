/* journal/compress.h -- payloads of journal files and messages, compressed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_XZ,
    COMPRESSION_LZ4, /* a 64-bit length, then one LZ4 block */
    COMPRESSION_ZSTD,
    COMPRESSION_MAX,
};

/* Decompresses into *buffer of *allocated bytes, which grows as needed. Returns 0; -EBADMSG for
 * damaged input; -EFBIG past `max`; -ENOMEM; -EPROTONOSUPPORT for COMPRESSION_NONE. */
int decompress(enum compression how, const uint8_t *data, size_t n, size_t max, uint8_t **buffer,
               size_t *allocated, size_t *ret_n);

/* Compresses by zstd into at most `max` bytes. Returns the number of bytes, or -ENOBUFS where it
 * does not fit, or -ENOMEM. */
long compress_zstd(const void *data, size_t n, void *buffer, size_t max);
