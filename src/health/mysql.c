/* The check "mysql": the server's greeting, and logging in (MariaDB's documentation, "Connecting").
 */
#include <errno.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "health/connect.h"
#include "health/kinds.h"

enum { MYSQL_USER, MYSQL_DATABASE, MYSQL_PASSWORD };
static const char *const mysql_options[] = { "user", "database", "password", NULL };

#define NATIVE "mysql_native_password"
#define NONCE_SIZE 20
#define SHA1_SIZE 20

/* What a client can do. */
enum {
    LONG_PASSWORD = 1 << 0,
    CONNECT_WITH_DATABASE = 1 << 3,
    PROTOCOL_41 = 1 << 9,
    SECURE_CONNECTION = 1 << 15,
    PLUGIN_AUTH = 1 << 19,
};

/* The first byte of an answer. */
enum { ANSWER_OK = 0x00, ANSWER_SWITCH = 0xfe, ANSWER_ERROR = 0xff };

/* Errors that mean that the server is up, but does not let this user in. */
enum { ACCESS_DENIED = 1045, ACCESS_DENIED_NO_PASSWORD = 1698 };
enum { TOO_MANY_CONNECTIONS = 1040 };

struct session {
    int fd;
    usec_t deadline;
    const char *user, *database, *secret; /* "" where none is given */
    bool named;                           /* the user was given */
    unsigned char sequence;
    char nonce[NONCE_SIZE];
    char version[64];
};

const char *refuse_mysql(const char *argument)
{
    _cleanup_(check_argument_done) struct check_argument a = {};

    if (check_argument_parse(argument, mysql_options, &a) < 0)
        return "out of memory";
    if (!a.values[MYSQL_USER] && (a.values[MYSQL_DATABASE] || a.values[MYSQL_PASSWORD]))
        return "database= and password= are of a user=";
    return refuse_address(a.main);
}

/* ---- packets: three bytes of length, the lowest first, a number, the body ---- */

static int receive_packet(struct session *s, char *body, size_t size, size_t *ret_n)
{
    unsigned char head[4];
    int r = receive_exactly(s->fd, head, sizeof head, s->deadline);
    size_t n = r < 0 ? 0 : (size_t) head[0] | (size_t) head[1] << 8 | (size_t) head[2] << 16;

    if (r < 0)
        return r;
    if (n == 0 || head[3] != s->sequence)
        return -EPROTO;
    s->sequence++;
    n = MIN(n, size - 1); /* what is longer says nothing that is asked for */
    r = receive_exactly(s->fd, body, n, s->deadline);
    body[r < 0 ? 0 : n] = '\0';
    *ret_n = n;
    return r;
}

static int send_packet(struct session *s, const char *body, size_t n)
{
    char head[4] = { (char) (n & 0xff), (char) (n >> 8 & 0xff), (char) (n >> 16),
                     (char) s->sequence++ };
    int r = send_all(s->fd, head, sizeof head, s->deadline);

    return r < 0 ? r : send_all(s->fd, body, n, s->deadline);
}

/* ---- logging in ---- */

/* Version 10: its number, the version's text, four bytes, eight of the nonce, a zero, eighteen
 * bytes of what the server can do, the rest of the nonce. */
static int read_greeting(struct session *s, const char *body, size_t n)
{
    size_t first = 1 + strnlen(body + 1, n - 1) + 1 + 4, second = first + 8 + 1 + 18;

    if (body[0] != 10 || second + NONCE_SIZE - 8 > n)
        return -EPROTO;
    snprintf(s->version, sizeof s->version, "%.*s", (int) sizeof s->version - 1, body + 1);
    memcpy(s->nonce, body + first, 8);
    memcpy(s->nonce + 8, body + second, NONCE_SIZE - 8);
    return 0;
}

static void sha1(const void *a, size_t n_a, const void *b, size_t n_b, unsigned char sum[SHA1_SIZE])
{
    mbedtls_md_context_t md;

    mbedtls_md_init(&md);
    (void) (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), 0) == 0 &&
            mbedtls_md_starts(&md) == 0 && mbedtls_md_update(&md, a, n_a) == 0 &&
            mbedtls_md_update(&md, b, n_b) == 0 && mbedtls_md_finish(&md, sum) == 0);
    mbedtls_md_free(&md);
}

/* The proof of mysql_native_password; nothing without a password. Returns its size. */
static size_t prove(const struct session *s, unsigned char proof[SHA1_SIZE])
{
    unsigned char once[SHA1_SIZE] = {}, twice[SHA1_SIZE] = {};

    if (isempty(s->secret))
        return 0;
    sha1(s->secret, strlen(s->secret), "", 0, once);
    sha1(once, sizeof once, "", 0, twice);
    sha1(s->nonce, sizeof s->nonce, twice, sizeof twice, proof);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        proof[i] ^= once[i];
    return SHA1_SIZE;
}

static int send_login(struct session *s)
{
    uint32_t can = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH |
                   (*s->database ? CONNECT_WITH_DATABASE : 0);
    unsigned char proof[SHA1_SIZE];
    size_t n = prove(s, proof);
    /* Up to 16 MiB a packet, utf8, 23 bytes that are not used. */
    char head[32] = {
        (char) (can & 0xff), (char) (can >> 8 & 0xff), (char) (can >> 16 & 0xff), 0, 0, 0, 0, 1, 33
    };
    auto_strbuf struct strbuf b = {};

    strbuf_add_n(&b, head, sizeof head);
    strbuf_add_n(&b, s->user, strlen(s->user) + 1);
    strbuf_add_char(&b, (char) n);
    strbuf_add_n(&b, (const char *) proof, n);
    if (*s->database)
        strbuf_add_n(&b, s->database, strlen(s->database) + 1);
    strbuf_add_n(&b, NATIVE, sizeof NATIVE);
    return b.failed ? -ENOMEM : send_packet(s, b.text, b.length);
}

/* The server wants another proof: the plug-in's name and, for the native one, a new nonce. */
static int switch_proof(struct session *s, const char *body, size_t n, struct check_outcome *o)
{
    const char *plugin = body + 1;
    size_t at = 1 + strlen(plugin) + 1;
    unsigned char proof[SHA1_SIZE];

    if (!streq(plugin, NATIVE)) {
        if (s->named)
            check_fail(o, CHECK_DEPENDENCY, false,
                       "leave user= out, or let the user log in by " NATIVE,
                       "version %s; %s has to log in by %.60s, which preflight does not speak",
                       s->version, s->user, n > 1 ? plugin : "an old way");
        else
            check_pass(o, "version %s", s->version);
        return 1;
    }
    if (at + NONCE_SIZE > n)
        return -EPROTO;
    memcpy(s->nonce, body + at, NONCE_SIZE);
    return send_packet(s, (const char *) proof, prove(s, proof));
}

/* An error: its number, and where there is one a state of five characters behind "#". */
static void refused(const struct session *s, const char *body, size_t n, struct check_outcome *o)
{
    unsigned code = n < 3 ? 0 : (unsigned char) body[1] | (unsigned) (unsigned char) body[2] << 8;
    const char *text = n > 9 && body[3] == '#' ? body + 9 : n > 3 ? body + 3 : "";

    if (!s->named && *s->version && (code == ACCESS_DENIED || code == ACCESS_DENIED_NO_PASSWORD))
        check_pass(o, "version %s", s->version);
    else
        check_fail(o, CHECK_DEPENDENCY, code == TOO_MANY_CONNECTIONS, NULL, "refused: %.120s (%u)",
                   text, code);
}

static int converse(struct session *s, struct check_outcome *o)
{
    char body[1024];
    size_t n;
    int r = receive_packet(s, body, sizeof body, &n);

    if (r >= 0 && (unsigned char) body[0] != ANSWER_ERROR) {
        r = read_greeting(s, body, n);
        /* Without a user as nobody in particular: a server that sees only connections which end
         * before a login counts them, and blocks the host after a hundred. */
        if (r >= 0)
            r = send_login(s);
        if (r >= 0)
            r = receive_packet(s, body, sizeof body, &n);
        if (r >= 0 && (unsigned char) body[0] == ANSWER_SWITCH) {
            r = switch_proof(s, body, n, o);
            if (r != 0)
                return r;
            r = receive_packet(s, body, sizeof body, &n);
        }
    }
    if (r < 0)
        return r;
    if ((unsigned char) body[0] == ANSWER_ERROR) {
        refused(s, body, n, o);
        return 0;
    }
    if (body[0] != ANSWER_OK)
        return -EPROTO;
    check_pass(o, s->named ? "version %s, logged in" : "version %s", s->version);
    s->sequence = 0;
    (void) send_packet(s, "\1", 1); /* "quit" */
    return 0;
}

void check_mysql(const char *argument, const struct check_context *context, usec_t deadline,
                 struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    auto_free char *secret = NULL;

    if (check_argument_parse(argument, mysql_options, &a) < 0)
        return;
    if (a.values[MYSQL_PASSWORD] && !(secret = read_secret(a.values[MYSQL_PASSWORD], o)))
        return;
    auto_close int fd = connect_any(a.main, 3306, deadline, CHECK_DEPENDENCY, o);
    if (fd < 0)
        return;
    struct session s = { .fd = fd,
                         .deadline = deadline,
                         .user = strempty(a.values[MYSQL_USER]),
                         .database = strempty(a.values[MYSQL_DATABASE]),
                         .secret = strempty(secret),
                         .named = a.values[MYSQL_USER] };
    int r = converse(&s, o);

    if (r < 0)
        check_fail(o, CHECK_DEPENDENCY, true, NULL,
                   r == -ETIMEDOUT    ? "connected, but it does not %s"
                   : r == -EPROTO     ? "what answers does not speak MySQL's protocol"
                   : r == -ECONNRESET ? "closed the connection without an answer"
                                      : "%s",
                   r != -ETIMEDOUT ? strerror(-r)
                   : *s.version    ? "answer"
                                   : "greet");
}
