/* Checks of what this machine talks to: addresses, HTTP, and the greetings of databases. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "health/connect.h"
#include "health/http.h"
#include "health/kinds.h"
#include "health/resolve.h"

static const char *refuse_address(const char *argument)
{
    auto_free char *host = NULL;
    unsigned port;

    if (*argument == '/' || *argument == '@')
        return NULL;
    return host_port_parse(argument, &host, &port) < 0
               ? "takes HOST:PORT (an IPv6 HOST in brackets)"
               : NULL;
}

const char *refuse_tcp(const char *argument)
{
    return *argument == '/' ? "takes HOST:PORT; for a socket file there is --unix"
                            : refuse_address(argument);
}

void check_tcp(const char *argument, const struct check_context *context, usec_t deadline,
               struct check_outcome *o)
{
    usec_t begin = now_usec(CLOCK_MONOTONIC);
    auto_close int fd = connect_any(argument, 0, deadline, CHECK_DEPENDENCY, o);

    if (fd >= 0)
        check_pass(o, "accepts connections (%.1f ms)",
                   (double) (now_usec(CLOCK_MONOTONIC) - begin) / 1000);
}

const char *refuse_unix(const char *argument)
{
    return *argument == '/' || *argument == '@' ? NULL : "takes an absolute path, or @NAME";
}

void check_unix(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    struct access_result a = {};

    if (*argument == '/' && context->evaluated &&
        access_evaluate(NULL, argument, &context->identity, ACCESS_WRITE, &a) >= 0 &&
        a.verdict != ACCESS_OK && a.verdict != ACCESS_MISSING) {
        check_fail(o, CHECK_IDENTITY, false, "SupplementaryGroups= with the socket's group",
                   "%s may not connect: %s lacks %s", context->user, a.object,
                   access_bits_text(a.missing_bits));
        access_result_done(&a);
        return;
    }
    access_result_done(&a);
    auto_close int fd = connect_unix(argument, deadline, CHECK_DEPENDENCY, o);
    if (fd >= 0)
        check_pass(o, "accepts connections");
}

const char *refuse_dns(const char *name)
{
    return strchr(name, '/') || strchr(name, ':') ? "takes a host name" : NULL;
}

void check_dns(const char *name, const struct check_context *context, usec_t deadline,
               struct check_outcome *o)
{
    union socket_address found[RESOLVE_MAX];
    char text[SOCKET_ADDRESS_TEXT_MAX];
    const char *source;
    int n = resolve_name(name, deadline, found, &source);

    if (n > 0) {
        socket_address_format(&found[0], text);
        *strrchr(text, ':') = 0;
        check_pass(o, "%s%s (%s)", text, n > 1 ? " and others" : "", source);
    } else if (n == -ENOENT) {
        check_fail(o, CHECK_DEPENDENCY, true, "correct the name, or add it to DNS or /etc/hosts",
                   "there is no such name");
    } else {
        check_fail(o, CHECK_DEPENDENCY, true, "see /etc/resolv.conf", "%s",
                   n == -ETIMEDOUT      ? "no name server answered"
                   : n == -ECONNREFUSED ? "the name server refused the connection"
                   : n == -EAGAIN       ? "the name server failed"
                                        : strerror(-n));
    }
}

/* ---- HTTP
 * --------------------------------------------------------------------------------------------- */

enum { HTTP_BODY, HTTP_INSECURE, HTTP_CA, HTTP_CERT, HTTP_KEY, HTTP_UNIX, HTTP_STATUS };
static const char *const http_options[] = { "body", "insecure", "ca",     "cert",
                                            "key",  "unix",     "status", NULL };

/* "URL=204": a status behind the last "=", unless the URL has a query of its own. */
static unsigned cut_status(char *url)
{
    char *equals = strrchr(url, '=');

    if (!equals || strchr(url, '?') || strlen(equals + 1) != 3 ||
        strspn(equals + 1, "0123456789") != 3)
        return 0;
    *equals = 0;
    return (unsigned) atoi(equals + 1);
}

const char *refuse_http(const char *argument)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    _cleanup_(url_done) struct url url = {};

    if (check_argument_parse(argument, http_options, &a) < 0)
        return "out of memory";
    (void) cut_status(a.main);
    if (url_parse(a.main, &url) < 0)
        return "takes http://HOST[:PORT]/PATH or https://..., and =STATUS behind it";
    if (!a.values[HTTP_CERT] != !a.values[HTTP_KEY])
        return "needs cert= and key= together";
    return NULL;
}

/* Whether the body matches. An invalid pattern is a failed check. */
static bool body_matches(const char *pattern, const struct http_response *response,
                         struct check_outcome *o)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE,
                                     &error, &offset, NULL);

    if (!code) {
        char text[128];

        pcre2_get_error_message(error, (PCRE2_UCHAR *) text, sizeof text);
        check_fail(o, CHECK_FILE, false, NULL, "body=%s: %s", pattern, text);
        return false;
    }
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int n = data ? pcre2_match(code, (PCRE2_SPTR) response->body, response->body_size, 0, 0, data,
                               NULL)
                 : -1;
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    if (n < 0)
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "status %u, but the body does not match \"%s\"",
                   response->status, pattern);
    return n >= 0;
}

void check_http(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    _cleanup_(url_done) struct url url = {};
    _cleanup_(http_response_done) struct http_response response = {};
    usec_t begin = now_usec(CLOCK_MONOTONIC);
    unsigned want = 0;

    if (check_argument_parse(argument, http_options, &a) < 0)
        return;
    want = cut_status(a.main);
    if (a.values[HTTP_STATUS] && parse_unsigned(a.values[HTTP_STATUS], &want) < 0)
        want = 0;
    if (url_parse(a.main, &url) < 0)
        return;
    const struct tls_options tls = {
        .host = url.host,
        .insecure = a.values[HTTP_INSECURE],
        .ca = a.values[HTTP_CA],
        .certificate = a.values[HTTP_CERT],
        .key = a.values[HTTP_KEY],
    };
    if (http_get(&url, a.values[HTTP_UNIX], &tls, deadline, &response, o) < 0)
        return;
    if (want ? response.status != want : response.status < 200 || response.status > 399) {
        if (want)
            check_fail(o, CHECK_DEPENDENCY, true, NULL, "answered status %u, not %u",
                       response.status, want);
        else
            check_fail(o, CHECK_DEPENDENCY, true, NULL, "answered status %u", response.status);
        return;
    }
    if (a.values[HTTP_BODY] && !body_matches(a.values[HTTP_BODY], &response, o))
        return;
    check_pass(o, "status %u (%.1f ms)", response.status,
               (double) (now_usec(CLOCK_MONOTONIC) - begin) / 1000);
}

/* ---- databases
 * ---------------------------------------------------------------------------------------- */

/* The first line of a file that holds a password. */
static char *read_secret(const char *path, struct check_outcome *o)
{
    char *line = NULL;
    int r = file_read_line(path, &line);

    if (r < 0)
        check_fail(o, r == -EACCES ? CHECK_IDENTITY : CHECK_FILE, false, NULL, "%s: %s", path,
                   strerror(-r));
    return line;
}

static const char *const redis_options[] = { "password", NULL };

const char *refuse_redis(const char *argument)
{
    _cleanup_(check_argument_done) struct check_argument a = {};

    return check_argument_parse(argument, redis_options, &a) < 0 ? "out of memory"
                                                                 : refuse_address(a.main);
}

/* Sends one command and reads one line of the answer. */
static int redis_command(int fd, const char *command, char answer[static 256], usec_t deadline,
                         struct check_outcome *o)
{
    size_t n = 0;
    int r = send_all(fd, command, strlen(command), deadline);

    while (r >= 0 && n < 255) {
        ssize_t k = receive_some(fd, answer + n, 1, deadline);

        if (k <= 0 || answer[n] == '\n') {
            r = k < 0 ? (int) k : k == 0 ? -ECONNRESET : 0;
            break;
        }
        n++;
    }
    answer[n > 0 && answer[n - 1] == '\r' ? n - 1 : n] = 0;
    if (r < 0)
        check_fail(o, CHECK_DEPENDENCY, true, NULL,
                   r == -ETIMEDOUT ? "connected, but it does not answer" : "%s", strerror(-r));
    return r;
}

void check_redis(const char *argument, const struct check_context *context, usec_t deadline,
                 struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    char answer[256] = "";

    if (check_argument_parse(argument, redis_options, &a) < 0)
        return;
    auto_close int fd = connect_any(a.main, 6379, deadline, CHECK_DEPENDENCY, o);
    if (fd < 0)
        return;
    if (a.values[0]) {
        auto_free char *secret = read_secret(a.values[0], o);
        auto_free char *command = secret ? format("*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n",
                                                  strlen(secret), secret)
                                         : NULL;

        if (!command || redis_command(fd, command, answer, deadline, o) < 0)
            return;
        if (!startswith(answer, "+OK")) {
            check_fail(o, CHECK_DEPENDENCY, false, NULL, "the password is refused: %s", answer);
            return;
        }
    }
    if (redis_command(fd, "*1\r\n$4\r\nPING\r\n", answer, deadline, o) < 0)
        return;
    if (startswith(answer, "+PONG"))
        check_pass(o, "PONG");
    else if (startswith(answer, "-NOAUTH"))
        check_fail(o, CHECK_DEPENDENCY, false, "give ,password=FILE", "it wants a password");
    else if (startswith(answer, "-LOADING"))
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "it is loading its data");
    else
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "answered \"%.80s\"", answer);
}

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

void check_postgres(const char *argument, const struct check_context *context, usec_t deadline,
                    struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    char body[2048] = "", type = 0;
    int r;

    if (check_argument_parse(argument, postgres_options, &a) < 0)
        return;
    /* As psql takes a folder for the socket in it. */
    auto_free char *socket = *a.main == '/' && !strstr(a.main, ".s.PGSQL.")
                                 ? path_join(a.main, ".s.PGSQL.5432", NULL)
                                 : strdup(a.main);
    auto_close int fd = socket ? connect_any(socket, 5432, deadline, CHECK_DEPENDENCY, o) : -ENOMEM;
    if (fd < 0)
        return;
    const char *user = a.values[POSTGRES_USER] ? a.values[POSTGRES_USER] : "reeve";
    const char *database = a.values[POSTGRES_DATABASE] ? a.values[POSTGRES_DATABASE] : user;
    bool named = a.values[POSTGRES_USER];

    r = postgres_hello(fd, user, database, deadline);
    while (r >= 0 && (r = postgres_message(fd, &type, body, sizeof body, deadline)) >= 0) {
        if (type == 'E') {
            postgres_refused(body, sizeof body, named, o);
            return;
        }
        if (type == 'Z') {
            check_pass(o, "ready for queries");
            return;
        }
        if (type != 'R' || get32((unsigned char *) body) == 0)
            continue;
        if (get32((unsigned char *) body) == 3 && a.values[POSTGRES_PASSWORD]) {
            auto_free char *secret = read_secret(a.values[POSTGRES_PASSWORD], o);
            unsigned char head[5] = { 'p' };

            if (!secret)
                return;
            put32(head + 1, (uint32_t) strlen(secret) + 5);
            r = send_all(fd, head, sizeof head, deadline);
            if (r >= 0)
                r = send_all(fd, secret, strlen(secret) + 1, deadline);
            continue;
        }
        /* It asks for a proof that this check does not compute: the server is up and takes logins.
         */
        check_pass(o, "accepts connections (wants a password)");
        return;
    }
    check_fail(o, CHECK_DEPENDENCY, true, NULL,
               r == -ETIMEDOUT    ? "connected, but it does not answer"
               : r == -ECONNRESET ? "closed the connection without an answer"
               : r == -EPROTO     ? "what answers does not speak PostgreSQL's protocol"
                                  : "%s",
               strerror(-r));
}

const char *refuse_mysql(const char *argument)
{
    return refuse_address(argument);
}

void check_mysql(const char *argument, const struct check_context *context, usec_t deadline,
                 struct check_outcome *o)
{
    unsigned char head[4];
    char body[1024] = "";
    auto_close int fd = connect_any(argument, 3306, deadline, CHECK_DEPENDENCY, o);

    if (fd < 0)
        return;
    int r = receive_exactly(fd, head, sizeof head, deadline);
    size_t n = r < 0 ? 0 : (size_t) head[0] | (size_t) head[1] << 8 | (size_t) head[2] << 16;
    if (r >= 0 && (n < 3 || head[3] != 0))
        r = -EPROTO;
    if (r >= 0)
        r = receive_exactly(fd, body, MIN(n, sizeof body - 1), deadline);
    if (r < 0)
        check_fail(o, CHECK_DEPENDENCY, true, NULL,
                   r == -ETIMEDOUT ? "connected, but it does not greet"
                   : r == -EPROTO  ? "what answers does not speak MySQL's protocol"
                                   : "%s",
                   strerror(-r));
    else if ((unsigned char) body[0] == 0xff)
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "refused: %.120s", body + 3);
    else if (body[0] == 10)
        check_pass(o, "version %.60s", body + 1);
    else
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "what answers does not speak MySQL's protocol");
}
