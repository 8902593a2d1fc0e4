#include "journal/compress.h"

#include <errno.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zstd.h>

#include "base/alloc.h"

static int decompress_zstd(const uint8_t *data, size_t n, size_t max, uint8_t **buffer,
                           size_t *allocated, size_t *ret_n)
{
    unsigned long long size = ZSTD_getFrameContentSize(data, n);

    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return -EBADMSG;
    if (size > max)
        return -EFBIG;
    /* The size is the writer's claim: it is not worth more memory than its input could fill. */
    if (size / 64 > n * 1024)
        return -EBADMSG;
    if (!grow(buffer, allocated, (size_t) size + 1))
        return -ENOMEM;
    /* Kept: to set it up costs more than most payloads. */
    static ZSTD_DCtx *context;
    if (!context && !(context = ZSTD_createDCtx()))
        return -ENOMEM;
    size_t got = ZSTD_decompressDCtx(context, *buffer, (size_t) size, data, n);
    if (ZSTD_isError(got) || got != size)
        return -EBADMSG;
    *ret_n = got;
    return 0;
}

static int decompress_lz4(const uint8_t *data, size_t n, size_t max, uint8_t **buffer,
                          size_t *allocated, size_t *ret_n)
{
    uint64_t size;

    if (n <= sizeof size)
        return -EBADMSG;
    memcpy(&size, data, sizeof size);
    if (size > max || size > INT32_MAX || n > INT32_MAX)
        return -EFBIG;
    if (size / 256 > n) /* LZ4 does not do better */
        return -EBADMSG;
    if (!grow(buffer, allocated, (size_t) size + 1))
        return -ENOMEM;
    int got = LZ4_decompress_safe((const char *) data + sizeof size, (char *) *buffer,
                                  (int) (n - sizeof size), (int) size);
    if (got < 0 || (uint64_t) got != size)
        return -EBADMSG;
    *ret_n = (size_t) got;
    return 0;
}

static int decompress_xz(const uint8_t *data, size_t n, size_t max, uint8_t **buffer,
                         size_t *allocated, size_t *ret_n)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    size_t used = 0;

    if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK)
        return -ENOMEM;
    stream.next_in = data;
    stream.avail_in = n;
    for (;;) {
        if (used >= max || !grow(buffer, allocated, used + MAX(used, (size_t) 4096))) {
            lzma_end(&stream);
            return used >= max ? -EFBIG : -ENOMEM;
        }
        stream.next_out = *buffer + used;
        stream.avail_out = MIN(*allocated - used, max - used);
        size_t room = stream.avail_out;
        lzma_ret r = lzma_code(&stream, LZMA_FINISH);
        used += room - stream.avail_out;
        if (r == LZMA_STREAM_END)
            break;
        if (r != LZMA_OK || (stream.avail_out > 0 && stream.avail_in == 0)) {
            lzma_end(&stream);
            return r == LZMA_MEM_ERROR ? -ENOMEM : -EBADMSG;
        }
    }
    lzma_end(&stream);
    *ret_n = used;
    return 0;
}

int decompress(enum compression how, const uint8_t *data, size_t n, size_t max, uint8_t **buffer,
               size_t *allocated, size_t *ret_n)
{
    switch (how) {
    case COMPRESSION_XZ:
        return decompress_xz(data, n, max, buffer, allocated, ret_n);
    case COMPRESSION_LZ4:
        return decompress_lz4(data, n, max, buffer, allocated, ret_n);
    case COMPRESSION_ZSTD:
        return decompress_zstd(data, n, max, buffer, allocated, ret_n);
    case COMPRESSION_NONE:
    case COMPRESSION_MAX:
        break;
    }
    return -EPROTONOSUPPORT;
}

long compress_zstd(const void *data, size_t n, void *buffer, size_t max)
{
    static ZSTD_CCtx *context;

    if (!context && !(context = ZSTD_createCCtx()))
        return -ENOMEM;
    size_t k = ZSTD_compressCCtx(context, buffer, max, data, n, 3);
    return ZSTD_isError(k) ? -ENOBUFS : (long) k;
}
