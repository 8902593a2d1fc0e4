#include "health/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/str.h"
#include "health/connect.h"

struct tls {
    int fd;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt ca, certificate;
    mbedtls_pk_context key;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
};

/* Where distributions keep what they trust; the first that exists is used. */
static const char *const system_ca[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

static int socket_send(void *userdata, const unsigned char *data, size_t n)
{
    ssize_t k = send(((struct tls *) userdata)->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (k >= 0)
        return (int) k;
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE
                                             : MBEDTLS_ERR_NET_SEND_FAILED;
}

static int socket_receive(void *userdata, unsigned char *data, size_t n)
{
    ssize_t k = recv(((struct tls *) userdata)->fd, data, n, MSG_DONTWAIT);

    if (k >= 0)
        return (int) k;
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
                                             : MBEDTLS_ERR_NET_RECV_FAILED;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    mbedtls_ssl_free(&t->ssl);
    mbedtls_ssl_config_free(&t->config);
    mbedtls_x509_crt_free(&t->ca);
    mbedtls_x509_crt_free(&t->certificate);
    mbedtls_pk_free(&t->key);
    mbedtls_ctr_drbg_free(&t->random);
    mbedtls_entropy_free(&t->entropy);
    free(t);
}

DEFINE_AUTO(struct tls, tls, tls_free)

static char *error_text(const char *what, int code)
{
    char text[160];

    mbedtls_strerror(code, text, sizeof text);
    return format("%s: %s", what, text);
}

/* Waits for what mbedTLS wants, or says what it did not like. 0: try again. */
static int wait_or_fail(struct tls *t, int code, usec_t deadline)
{
    if (code == MBEDTLS_ERR_SSL_WANT_READ)
        return wait_for(t->fd, false, deadline);
    if (code == MBEDTLS_ERR_SSL_WANT_WRITE)
        return wait_for(t->fd, true, deadline);
    return -EPROTO;
}

static int load_certificates(struct tls *t, const struct tls_options *o, char **ret_error)
{
    int r = 0;

    if (!o->insecure && o->ca) {
        r = mbedtls_x509_crt_parse_file(&t->ca, o->ca);
        if (r != 0)
            *ret_error = error_text(o->ca, r);
    } else if (!o->insecure) {
        r = -1;
        for (size_t i = 0; r < 0 && i < ELEMENTSOF(system_ca); i++)
            r = mbedtls_x509_crt_parse_file(&t->ca, system_ca[i]);
        if (r < 0)
            *ret_error = strdup(
                "this machine has no list of trusted certificates (ca-certificates)");
        r = r < 0 ? r : 0; /* greater than 0: some of the list could not be read */
    }
    if (r == 0 && o->certificate) {
        r = mbedtls_x509_crt_parse_file(&t->certificate, o->certificate);
        if (r != 0)
            *ret_error = error_text(o->certificate, r);
    }
    if (r == 0 && o->certificate) {
        r = mbedtls_pk_parse_keyfile(&t->key, o->key, NULL);
        if (r != 0)
            *ret_error = error_text(o->key, r);
    }
    return r == 0 ? 0 : -EKEYREJECTED;
}

/* mbedTLS compares names alone: of an address it says that the certificate is another's. This looks
 * whether the certificate names the address (RFC 5280, iPAddress: the bare bytes). */
static int verify_address(void *host, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    static const int ip_address = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
    unsigned char address[16];
    size_t n = inet_pton(AF_INET, host, address) == 1 ? 4 : 16;

    if (depth > 0 || (n == 16 && inet_pton(AF_INET6, host, address) != 1))
        return 0;
    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s; s = s->next)
        if (s->buf.tag == ip_address && s->buf.len == n && memcmp(s->buf.p, address, n) == 0)
            *flags &= ~(uint32_t) MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

static int configure(struct tls *t, const struct tls_options *o, char **ret_error)
{
    if (mbedtls_ctr_drbg_seed(&t->random, mbedtls_entropy_func, &t->entropy, NULL, 0) != 0 ||
        mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return -ENOMEM;
    int r = load_certificates(t, o, ret_error);
    if (r < 0)
        return r;
    mbedtls_ssl_conf_rng(&t->config, mbedtls_ctr_drbg_random, &t->random);
    mbedtls_ssl_conf_authmode(&t->config,
                              o->insecure ? MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&t->config, &t->ca, NULL);
    mbedtls_ssl_conf_verify(&t->config, verify_address, (void *) o->host);
    if (o->certificate && mbedtls_ssl_conf_own_cert(&t->config, &t->certificate, &t->key) != 0)
        return -ENOMEM;
    if (mbedtls_ssl_setup(&t->ssl, &t->config) != 0 ||
        mbedtls_ssl_set_hostname(&t->ssl, o->host) != 0)
        return -ENOMEM;
    mbedtls_ssl_set_bio(&t->ssl, t, socket_send, socket_receive, NULL);
    return 0;
}

static char *handshake_error(struct tls *t, int code)
{
    char text[512];

    if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED &&
        mbedtls_x509_crt_verify_info(text, sizeof text, "",
                                     mbedtls_ssl_get_verify_result(&t->ssl)) > 0) {
        text[strcspn(text, "\n")] = 0;
        return format("the certificate is not accepted: %s", text);
    }
    return error_text("TLS handshake", code);
}

int tls_connect(int fd, const struct tls_options *options, usec_t deadline, struct tls **ret,
                char **ret_error)
{
    _cleanup_(auto_tls_p) struct tls *t = new0(struct tls, 1);
    int code, r;

    *ret_error = NULL;
    if (!t)
        return -ENOMEM;
    t->fd = fd;
    mbedtls_ssl_init(&t->ssl);
    mbedtls_ssl_config_init(&t->config);
    mbedtls_x509_crt_init(&t->ca);
    mbedtls_x509_crt_init(&t->certificate);
    mbedtls_pk_init(&t->key);
    mbedtls_entropy_init(&t->entropy);
    mbedtls_ctr_drbg_init(&t->random);
    r = configure(t, options, ret_error);
    if (r < 0)
        return r;
    while ((code = mbedtls_ssl_handshake(&t->ssl)) != 0) {
        r = wait_or_fail(t, code, deadline);
        if (r < 0) {
            if (r == -EPROTO)
                *ret_error = handshake_error(t, code);
            return r;
        }
    }
    *ret = take_ptr(t);
    return 0;
}

int tls_send(struct tls *t, const void *data, size_t n, usec_t deadline)
{
    const unsigned char *p = data;

    while (n > 0) {
        int k = mbedtls_ssl_write(&t->ssl, p, n);

        if (k <= 0) {
            int r = wait_or_fail(t, k, deadline);
            if (r < 0)
                return r;
            continue;
        }
        p += k;
        n -= (size_t) k;
    }
    return 0;
}

ssize_t tls_receive(struct tls *t, void *buffer, size_t size, usec_t deadline)
{
    for (;;) {
        int k = mbedtls_ssl_read(&t->ssl, buffer, size);

        if (k >= 0)
            return k;
        if (k == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || k == MBEDTLS_ERR_SSL_CONN_EOF)
            return 0;
        int r = wait_or_fail(t, k, deadline);
        if (r < 0)
            return r;
    }
}
