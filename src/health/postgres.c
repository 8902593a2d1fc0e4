/* The check "postgres": the start-up packet, logging in, and waiting for ReadyForQuery
 * (PostgreSQL's documentation, "Frontend/Backend Protocol"). */
#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "health/connect.h"
#include "health/kinds.h"

enum { POSTGRES_USER, POSTGRES_DATABASE, POSTGRES_PASSWORD };
static const char *const postgres_options[] = { "user", "database", "password", NULL };

const char *refuse_postgres(const char *argument)
{
    _cleanup_(check_argument_done) struct check_argument a = {};

    return check_argument_parse(argument, postgres_options, &a) < 0 ? "out of memory"
                                                                    : refuse_address(a.main);
}

static void put32(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char) (v >> 24);
    p[1] = (unsigned char) (v >> 16);
    p[2] = (unsigned char) (v >> 8);
    p[3] = (unsigned char) v;
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* One message: its type and at most size - 1 bytes of its body, NUL-terminated; the rest is
 * skipped. */
static int postgres_message(int fd, char *ret_type, char *body, size_t size, usec_t deadline)
{
    unsigned char head[5];
    char waste[256];
    int r = receive_exactly(fd, head, sizeof head, deadline);

    if (r < 0)
        return r;
    uint32_t left = get32(head + 1);
    if (left < 4 || left > 1 << 20)
        return -EPROTO;
    left -= 4;
    size_t n = MIN((size_t) left, size - 1);
    r = receive_exactly(fd, body, n, deadline);
    body[r < 0 ? 0 : n] = 0;
    for (left -= (uint32_t) n; r >= 0 && left > 0;) {
        size_t k = MIN((size_t) left, sizeof waste);

        r = receive_exactly(fd, waste, k, deadline);
        left -= (uint32_t) k;
    }
    *ret_type = (char) head[0];
    return r;
}

/* The field of an ErrorResponse: 'C' the SQLSTATE, 'M' the message. */
static const char *postgres_field(const char *body, size_t size, char which)
{
    for (size_t i = 0; i + 1 < size && body[i]; i += strlen(body + i) + 1)
        if (body[i] == which)
            return body + i + 1;
    return "";
}

/* The start-up packet of protocol 3.0. */
static int postgres_hello(int fd, const char *user, const char *database, usec_t deadline)
{
    auto_strbuf struct strbuf b = {};

    strbuf_add_n(&b, "\0\0\0\0\0\3\0\0", 8);
    strbuf_add_n(&b, "user", 5);
    strbuf_add_n(&b, user, strlen(user) + 1);
    strbuf_add_n(&b, "database", 9);
    strbuf_add_n(&b, database, strlen(database) + 1);
    strbuf_add_n(&b, "application_name\0reeve", 23);
    strbuf_add_n(&b, "", 1);
    if (b.failed)
        return -ENOMEM;
    put32((unsigned char *) b.text, (uint32_t) b.length);
    return send_all(fd, b.text, b.length, deadline);
}

static void postgres_refused(const char *body, size_t size, bool named, struct check_outcome *o)
{
    const char *state = postgres_field(body, size, 'C'), *text = postgres_field(body, size, 'M');

    /* 57P03: starting up or shutting down. 28*, 3D000: who and where, which is an answer of a
     * server that is ready, unless the caller named them. */
    if (streq(state, "57P03"))
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "not yet: %.120s", text);
    else if (!named && (startswith(state, "28") || streq(state, "3D000")))
        check_pass(o, "accepts connections (%.80s)", text);
    else
        check_fail(o, CHECK_DEPENDENCY, startswith(state, "53"), NULL, "refused: %.120s (%s)", text,
                   state);
}

/* ---- logging in ---- */

enum {
    AUTH_OK = 0,
    AUTH_CLEARTEXT = 3,
    AUTH_MD5 = 5,
    AUTH_SASL = 10,
    AUTH_SASL_CONTINUE = 11,
    AUTH_SASL_FINAL = 12,
};

#define SHA256_SIZE 32
/* More would keep us busy for long: servers use 4096. */
#define ITERATIONS_MAX 1000000

struct login {
    int fd;
    usec_t deadline;
    const char *user, *secret;
    char nonce[25];
};

/* A message of type 'p': PasswordMessage and the SASL responses. */
static int send_login(const struct login *l, const void *data, size_t n)
{
    unsigned char head[5] = { 'p' };

    put32(head + 1, (uint32_t) n + 4);
    int r = send_all(l->fd, head, sizeof head, l->deadline);
    return r < 0 ? r : send_all(l->fd, data, n, l->deadline);
}

static void md5_hex(const void *data, size_t n, char text[static 33])
{
    unsigned char sum[16];

    (void) mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_MD5), data, n, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
}

/* "md5" and the sum of (the sum of password and user, in hexadecimal) and the salt. */
static int login_md5(const struct login *l, const char *salt)
{
    auto_free char *both = format("%s%s", l->secret, l->user);
    char salted[32 + 4 + 1], answer[3 + 33] = "md5";

    if (!both)
        return -ENOMEM;
    md5_hex(both, strlen(both), salted);
    memcpy(salted + 32, salt, 4);
    md5_hex(salted, 36, answer + 3);
    return send_login(l, answer, sizeof answer);
}

/* RFC 5802, as RFC 7677 has it for SHA-256; without channel binding. The user's name was in the
 * start-up packet. */
static int scram_begin(struct login *l)
{
    unsigned char random[12], message[128] = "SCRAM-SHA-256";
    size_t at = strlen("SCRAM-SHA-256") + 1;

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return -EIO;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(l->nonce + 2 * i, 3, "%02x", random[i]);
    int n = snprintf((char *) message + at + 4, sizeof message - at - 4, "n,,n=,r=%s", l->nonce);
    put32(message + at, (uint32_t) n);
    return send_login(l, message, at + 4 + (size_t) n);
}

static void hmac(const void *key, size_t key_size, const void *data, size_t n,
                 unsigned char sum[static SHA256_SIZE])
{
    (void) mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, key_size, data, n,
                           sum);
}

/* PBKDF2 of one block. */
static void salted_password(const char *secret, const unsigned char *salt, size_t n,
                            unsigned iterations, unsigned char result[static SHA256_SIZE])
{
    unsigned char block[128 + 4], u[SHA256_SIZE];

    memcpy(block, salt, n);
    put32(block + n, 1);
    hmac(secret, strlen(secret), block, n + 4, u);
    memcpy(result, u, sizeof u);
    for (unsigned i = 1; i < iterations; i++) {
        hmac(secret, strlen(secret), u, sizeof u, u);
        for (size_t k = 0; k < sizeof u; k++)
            result[k] ^= u[k];
    }
}

/* The server's first message is "r=NONCE,s=SALT,i=ITERATIONS", its nonce beginning with ours. */
static int scram_prove(const struct login *l, const char *first)
{
    unsigned char salt[128], salted[SHA256_SIZE], key[SHA256_SIZE], stored[SHA256_SIZE],
        signature[SHA256_SIZE];
    char proof[48];
    size_t n_salt, n_proof;
    const char *s = strstr(first, ",s="), *i = s ? strstr(s, ",i=") : NULL;
    unsigned long iterations = i ? strtoul(i + 3, NULL, 10) : 0;

    if (!startswith(first, "r=") || !startswith(first + 2, l->nonce) || iterations == 0 ||
        iterations > ITERATIONS_MAX ||
        mbedtls_base64_decode(salt, sizeof salt, &n_salt, (const unsigned char *) s + 3,
                              (size_t) (i - s) - 3) != 0)
        return -EPROTO;
    auto_free char *bare = format("c=biws,%.*s", (int) (s - first), first);
    auto_free char *message = bare ? format("n=,r=%s,%s,%s", l->nonce, first, bare) : NULL;
    if (!message)
        return -ENOMEM;

    salted_password(l->secret, salt, n_salt, (unsigned) iterations, salted);
    hmac(salted, sizeof salted, "Client Key", strlen("Client Key"), key);
    (void) mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, sizeof key, stored);
    hmac(stored, sizeof stored, message, strlen(message), signature);
    for (size_t k = 0; k < sizeof key; k++)
        key[k] ^= signature[k];
    if (mbedtls_base64_encode((unsigned char *) proof, sizeof proof, &n_proof, key, sizeof key) !=
        0)
        return -EPROTO;
    auto_free char *final = format("%s,p=%s", bare, proof);
    return final ? send_login(l, final, strlen(final)) : -ENOMEM;
}

/* Answers an authentication request. 1 if the server is to be heard further, 0 if it asks for a
 * proof that cannot be given, negative errno. */
static int answer_request(struct login *l, const char *body)
{
    uint32_t kind = get32((const unsigned char *) body);
    int r = 0;

    if (kind == AUTH_OK || kind == AUTH_SASL_FINAL)
        return 1;
    if (!l->secret)
        return 0;
    if (kind == AUTH_CLEARTEXT)
        r = send_login(l, l->secret, strlen(l->secret) + 1);
    else if (kind == AUTH_MD5)
        r = login_md5(l, body + 4);
    else if (kind == AUTH_SASL)
        r = scram_begin(l);
    else if (kind == AUTH_SASL_CONTINUE)
        r = scram_prove(l, body + 4);
    else
        return 0;
    return r < 0 ? r : 1;
}

/* ---- the check ---- */

static void converse(struct login *l, const char *database, bool named, struct check_outcome *o)
{
    char body[2048] = "", type = 0;
    int r = postgres_hello(l->fd, l->user, database, l->deadline);

    while (r >= 0 && (r = postgres_message(l->fd, &type, body, sizeof body, l->deadline)) >= 0) {
        if (type == 'E') {
            postgres_refused(body, sizeof body, named, o);
            return;
        }
        if (type == 'Z') {
            check_pass(o, "ready for queries");
            return;
        }
        if (type != 'R')
            continue;
        r = answer_request(l, body);
        if (r == 0) { /* the server is up and takes logins */
            check_pass(o, "accepts connections (wants %s)",
                       l->secret ? "another proof than a password" : "a password");
            return;
        }
    }
    check_fail(o, CHECK_DEPENDENCY, true, NULL,
               r == -ETIMEDOUT    ? "connected, but it does not answer"
               : r == -ECONNRESET ? "closed the connection without an answer"
               : r == -EPROTO     ? "what answers does not speak PostgreSQL's protocol"
                                  : "%s",
               strerror(-r));
}

void check_postgres(const char *argument, const struct check_context *context, usec_t deadline,
                    struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    auto_free char *secret = NULL;

    if (check_argument_parse(argument, postgres_options, &a) < 0)
        return;
    if (a.values[POSTGRES_PASSWORD] && !(secret = read_secret(a.values[POSTGRES_PASSWORD], o)))
        return;
    /* As psql takes a folder for the socket in it. */
    auto_free char *socket = *a.main == '/' && !strstr(a.main, ".s.PGSQL.")
                                 ? path_join(a.main, ".s.PGSQL.5432", NULL)
                                 : strdup(a.main);
    auto_close int fd = socket ? connect_any(socket, 5432, deadline, CHECK_DEPENDENCY, o) : -ENOMEM;
    if (fd < 0)
        return;
    struct login l = { .fd = fd,
                       .deadline = deadline,
                       .user = a.values[POSTGRES_USER] ? a.values[POSTGRES_USER] : "reeve",
                       .secret = secret };
    const char *database = a.values[POSTGRES_DATABASE] ? a.values[POSTGRES_DATABASE] : l.user;
    converse(&l, database, a.values[POSTGRES_USER], o);
}
