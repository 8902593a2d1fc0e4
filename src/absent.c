/* absent.c -- what libraries would bring into the static binary and nothing here uses.
 *
 * A member of a static library is linked whole where one of its functions is referred to, though it
 * be from code that never runs. These functions stand in for such members, a third of a megabyte of
 * them: the formats of zstd from before its first release, TLS servers and test certificates of
 * mbedTLS, and zlib, which libelf has for sections of debug information. All of them fail. */
#include <stddef.h>

#include <mbedtls/certs.h>
#include <mbedtls/ssl_internal.h>
#include <zlib.h>

/* zstd's ZSTD_error_prefix_unknown: no format that is known. */
#define ZSTD_UNKNOWN ((size_t) -10)
#define ZSTD_UNKNOWN_SIZE (0ULL - 2)

/* clang-format off */
#define LEGACY_FORMAT(v) \
    void *ZSTDv##v##_createDCtx(void); \
    size_t ZSTDv##v##_freeDCtx(void *context); \
    size_t ZSTDv##v##_decompress_usingDict(void *context, void *to, size_t to_size, \
                                           const void *from, size_t size, const void *dict, \
                                           size_t dict_size); \
    size_t ZSTDv##v##_getFrameParams(void *ret, const void *from, size_t size); \
    void ZSTDv##v##_findFrameSizeInfoLegacy(const void *from, size_t size, size_t *ret_size, \
                                            unsigned long long *ret_bound); \
    void *ZBUFFv##v##_createDCtx(void); \
    size_t ZBUFFv##v##_freeDCtx(void *context); \
    size_t ZBUFFv##v##_decompressInitDictionary(void *context, const void *dict, size_t size); \
    size_t ZBUFFv##v##_decompressContinue(void *context, void *to, size_t *to_size, \
                                          const void *from, size_t *size); \
    void *ZBUFFv##v##_createDCtx(void) { return NULL; } \
    size_t ZBUFFv##v##_freeDCtx(void *context) { return 0; } \
    size_t ZBUFFv##v##_decompressInitDictionary(void *context, const void *dict, size_t size) \
    { return ZSTD_UNKNOWN; } \
    size_t ZBUFFv##v##_decompressContinue(void *context, void *to, size_t *to_size, \
                                          const void *from, size_t *size) \
    { return ZSTD_UNKNOWN; } \
    void *ZSTDv##v##_createDCtx(void) { return NULL; } \
    size_t ZSTDv##v##_freeDCtx(void *context) { (void) context; return 0; } \
    size_t ZSTDv##v##_decompress_usingDict(void *context, void *to, size_t to_size, \
                                           const void *from, size_t size, const void *dict, \
                                           size_t dict_size) { return ZSTD_UNKNOWN; } \
    size_t ZSTDv##v##_getFrameParams(void *ret, const void *from, size_t size) \
    { return ZSTD_UNKNOWN; } \
    void ZSTDv##v##_findFrameSizeInfoLegacy(const void *from, size_t size, size_t *ret_size, \
                                            unsigned long long *ret_bound) \
    { *ret_size = ZSTD_UNKNOWN; *ret_bound = ZSTD_UNKNOWN_SIZE; }
/* clang-format on */

LEGACY_FORMAT(05)
LEGACY_FORMAT(06)
LEGACY_FORMAT(07)

/* ---- mbedTLS: health checks are clients ---- */

int mbedtls_ssl_handshake_server_step(mbedtls_ssl_context *ssl)
{
    (void) ssl;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}

/* Of its self test. */
const char *mbedtls_test_ca_crt = "", *mbedtls_test_cli_crt = "";
const size_t mbedtls_test_ca_crt_len = 0, mbedtls_test_cli_crt_len = 0;

/* ---- zlib: compressed sections are not read ---- */

int deflateInit_(z_streamp stream, int level, const char *version, int size)
{
    return Z_VERSION_ERROR;
}

int deflate(z_streamp stream, int flush)
{
    return Z_STREAM_ERROR;
}

int deflateEnd(z_streamp stream)
{
    return Z_STREAM_ERROR;
}

int inflateInit_(z_streamp stream, const char *version, int size)
{
    return Z_VERSION_ERROR;
}

int inflate(z_streamp stream, int flush)
{
    return Z_STREAM_ERROR;
}

int inflateReset(z_streamp stream)
{
    return Z_STREAM_ERROR;
}

int inflateEnd(z_streamp stream)
{
    return Z_STREAM_ERROR;
}
