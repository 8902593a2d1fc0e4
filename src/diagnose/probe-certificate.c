/* What is wrong with a certificate, and with the key that lies beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/probe.h"

static void time_text(const mbedtls_x509_time *t, char *text, size_t size)
{
    snprintf(text, size, "%04d-%02d-%02d", t->year, t->mon, t->day);
}

static int parse_key(mbedtls_pk_context *key, const char *path)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;

    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    int r = mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0);
    if (r == 0)
        r = mbedtls_pk_parse_keyfile(key, path, NULL, mbedtls_ctr_drbg_random, &random);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    return r;
#else
    return mbedtls_pk_parse_keyfile(key, path, NULL);
#endif
}

/* Whether the public halves are the same: 1, 0, or -1 where the file holds no key that we read. */
static int key_matches(const mbedtls_x509_crt *certificate, const char *path)
{
    unsigned char a[4096], b[4096];
    mbedtls_pk_context key;
    int same = -1;

    mbedtls_pk_init(&key);
    if (parse_key(&key, path) == 0) {
        int n = mbedtls_pk_write_pubkey_der((mbedtls_pk_context *) &certificate->pk, a, sizeof a);
        int m = mbedtls_pk_write_pubkey_der(&key, b, sizeof b);

        if (n > 0 && m > 0)
            same = n == m && memcmp(a + sizeof a - n, b + sizeof b - m, (size_t) n) == 0;
    }
    mbedtls_pk_free(&key);
    return same;
}

/* The keys that may belong to it: "x.key" or "x-key.pem" for "x.crt", or the only one beside it. */
static char **keys_beside(const char *path)
{
    auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));
    const char *name = path_basename(path), *dot = strrchr(name, '.');
    int stem = (int) (dot ? dot - name : (long) strlen(name));
    auto_free char *own = format("%s%.*s{.key,-key.pem,.key.pem}", strempty(folder), stem, name);
    auto_free char *any = format("%s{*.key,*key.pem}", strempty(folder));
    char **found = NULL;

    if (own && path_glob(own, &found) > 0)
        return found;
    strv_free(found);
    found = NULL;
    if (any && path_glob(any, &found) == 1)
        return found;
    strv_free(found);
    return NULL;
}

json_t *probe_certificate(struct facts *f, const char *path)
{
    mbedtls_x509_crt certificate;
    char subject[256] = "", from[16], to[16];
    const char *problem = "";
    const char *other = "";
    json_t *j = NULL;

    mbedtls_x509_crt_init(&certificate);
    auto_strv char **keys = keys_beside(path);
    if (mbedtls_x509_crt_parse_file(&certificate, path) == 0 && certificate.version > 0) {
        time_text(&certificate.valid_from, from, sizeof from);
        time_text(&certificate.valid_to, to, sizeof to);
        (void) mbedtls_x509_dn_gets(subject, sizeof subject, &certificate.subject);
        if (mbedtls_x509_time_is_past(&certificate.valid_to))
            problem = "has expired";
        else if (mbedtls_x509_time_is_future(&certificate.valid_from))
            problem = "is not valid yet";
        STRV_FOREACH (k, keys)
            if (!*problem && key_matches(&certificate, *k) == 0) {
                problem = "does not belong to the key";
                other = *k;
            }
        j = json_pack("{s:s, s:s, s:s, s:s, s:s}", "problem", problem, "subject", subject, "from",
                      from, "to", to, "key", other);
    }
    mbedtls_x509_crt_free(&certificate);
    return j;
}
