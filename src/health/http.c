#include "health/http.h"

#include <errno.h>
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "health/connect.h"

#define BODY_MAX ((size_t) 256 * 1024)

void url_done(struct url *u)
{
    free(u->host);
    free(u->path);
    *u = (struct url){};
}

void http_response_done(struct http_response *r)
{
    free(r->body);
    *r = (struct http_response){};
}

int url_parse(const char *text, struct url *ret)
{
    struct http_parser_url p;
    _cleanup_(url_done) struct url u = {};

    http_parser_url_init(&p);
    if (http_parser_parse_url(text, strlen(text), 0, &p) != 0 || !(p.field_set & 1 << UF_HOST) ||
        (p.field_set & 1 << UF_USERINFO))
        return -EINVAL;

    u.tls = startswith(text, "https:");
    if (!u.tls && !startswith(text, "http:"))
        return -EINVAL;
    u.port = p.port ? p.port : u.tls ? 443 : 80;
    u.host = memdup0(text + p.field_data[UF_HOST].off, p.field_data[UF_HOST].len);
    auto_free char *path = p.field_set & 1 << UF_PATH ? memdup0(text + p.field_data[UF_PATH].off,
                                                                p.field_data[UF_PATH].len)
                                                      : strdup("/");
    u.path = path && p.field_set & 1 << UF_QUERY
                 ? format("%s?%.*s", path, p.field_data[UF_QUERY].len,
                          text + p.field_data[UF_QUERY].off)
                 : take_ptr(path);
    if (!u.host || !u.path)
        return -ENOMEM;
    *ret = u;
    u = (struct url){};
    return 0;
}

/* Bytes over the plain socket or over TLS. */
struct channel {
    int fd;
    struct tls *tls;
};

static void channel_done(struct channel *c)
{
    tls_free(c->tls);
    c->fd = close_fd(c->fd);
}

static int channel_open(struct channel *c, const struct url *url, const char *unix_path,
                        const struct tls_options *tls, usec_t deadline, struct check_outcome *o)
{
    auto_free char *error = NULL;

    c->fd = unix_path ? connect_unix(unix_path, deadline, CHECK_DEPENDENCY, o)
                      : connect_host(url->host, url->port, deadline, CHECK_DEPENDENCY, o);
    if (c->fd < 0 || !url->tls)
        return MIN(c->fd, 0);
    int r = tls_connect(c->fd, tls, deadline, &c->tls, &error);
    if (r < 0)
        check_fail(o, CHECK_DEPENDENCY, r != -EKEYREJECTED, NULL, "%s",
                   error ? error : strerror(-r));
    return r;
}

static int on_body(http_parser *parser, const char *data, size_t n)
{
    struct strbuf *body = parser->data;

    size_t room = body->length < BODY_MAX ? BODY_MAX - body->length : 0;

    strbuf_add_n(body, data, MIN(n, room));
    return 0;
}

static int on_complete(http_parser *parser)
{
    http_parser_pause(parser, 1);
    return 0;
}

static int read_response(struct channel *c, usec_t deadline, struct http_response *ret,
                         struct check_outcome *o)
{
    static const http_parser_settings settings = { .on_body = on_body,
                                                   .on_message_complete = on_complete };
    auto_strbuf struct strbuf body = {};
    http_parser parser;
    char buffer[8192];

    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = &body;
    for (;;) {
        ssize_t n = c->tls ? tls_receive(c->tls, buffer, sizeof buffer, deadline)
                           : receive_some(c->fd, buffer, sizeof buffer, deadline);

        if (n < 0) {
            check_fail(o, CHECK_DEPENDENCY, true, NULL,
                       n == -ETIMEDOUT ? "connected, but no answer came" : "%s",
                       strerror((int) -n));
            return (int) n;
        }
        size_t parsed = http_parser_execute(&parser, &settings, buffer, (size_t) n);
        enum http_errno error = HTTP_PARSER_ERRNO(&parser);

        if (error == HPE_PAUSED)
            break;
        if (error != HPE_OK || (n == 0 && parsed == 0 && parser.status_code == 0)) {
            check_fail(o, CHECK_DEPENDENCY, true, NULL,
                       n == 0 ? "closed the connection without an answer"
                              : "what answers does not speak HTTP");
            return -EPROTO;
        }
        if (n == 0)
            break;
    }
    ret->status = parser.status_code;
    ret->body_size = body.length;
    ret->body = strbuf_take(&body);
    return ret->body ? 0 : -ENOMEM;
}

int http_get(const struct url *url, const char *unix_path, const struct tls_options *tls,
             usec_t deadline, struct http_response *ret, struct check_outcome *o)
{
    _cleanup_(channel_done) struct channel c = { .fd = -1 };
    bool v6 = strchr(url->host, ':');
    auto_free char *request = format(
        "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: reeve/" REEVE_VERSION
        "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        url->path, v6 ? "[" : "", url->host, v6 ? "]" : "", url->port);
    int r = request ? channel_open(&c, url, unix_path, tls, deadline, o) : -ENOMEM;

    if (r < 0)
        return r;
    r = c.tls ? tls_send(c.tls, request, strlen(request), deadline)
              : send_all(c.fd, request, strlen(request), deadline);
    if (r < 0) {
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "%s", strerror(-r));
        return r;
    }
    return read_response(&c, deadline, ret, o);
}
