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

const char *refuse_address(const char *argument)
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

/* Whether the mode of the socket, or of a folder above it, keeps the user from connecting. */
static bool is_barred(const char *path, const struct check_context *context,
                      struct check_outcome *o)
{
    struct access_result a = {};
    bool barred = *path == '/' &&
                  access_evaluate(NULL, path, &context->identity, ACCESS_WRITE, &a) >= 0 &&
                  a.verdict != ACCESS_OK && a.verdict != ACCESS_MISSING;

    if (barred)
        check_fail(o, CHECK_IDENTITY, false, "SupplementaryGroups= with the socket's group",
                   "%s may not connect: %s lacks %s", context->user, a.object,
                   access_bits_text(a.missing_bits));
    access_result_done(&a);
    return barred;
}

void check_unix(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    if (context->evaluated && is_barred(argument, context, o))
        return;
    auto_close int fd = connect_unix(argument, deadline, CHECK_DEPENDENCY, o);
    if (fd >= 0)
        check_pass(o, "accepts connections");
    else if (o->class == CHECK_IDENTITY)
        (void) is_barred(argument, context, o);
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

char *read_secret(const char *path, struct check_outcome *o)
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
