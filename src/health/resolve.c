#include "health/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

enum { TYPE_A = 1, TYPE_AAAA = 28 };

static const char *test_root;
static unsigned server_port = 53;

void resolve_set_root(const char *root, unsigned port)
{
    test_root = root;
    server_port = port ? port : 53;
}

static bool literal(const char *name, union socket_address *ret)
{
    char text[INET6_ADDRSTRLEN + 2];
    union socket_address a = {};
    size_t n = strlen(name);

    if (n >= sizeof text)
        return false;
    strcpy(text, name);
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.any.sa_family = AF_INET;
        *ret = a;
        return true;
    }
    char *begin = text;
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text[n - 1] = 0;
        begin++;
    }
    if (inet_pton(AF_INET6, begin, &a.v6.sin6_addr) != 1)
        return false;
    a.any.sa_family = AF_INET6;
    *ret = a;
    return true;
}

static char *config_path(const char *name)
{
    return format("%s/etc/%s", strempty(test_root), name);
}

/* ---- /etc/hosts
 * --------------------------------------------------------------------------------------- */

static int from_hosts(const char *name, union socket_address *ret)
{
    auto_free char *path = config_path("hosts"), *text = NULL;
    int n = 0;

    if (!path)
        return -ENOMEM;
    if (file_read(path, 4 << 20, &text, NULL) < 0)
        return 0;
    for (char *line = text, *end; line && n < RESOLVE_MAX; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        line[strcspn(line, "#")] = 0;

        auto_strv char **words = strv_split(line, WHITESPACE);
        if (!words)
            return -ENOMEM;
        for (size_t i = 1; words[0] && words[i]; i++)
            if (strcasecmp(words[i], name) == 0 && literal(words[0], &ret[n])) {
                n++;
                break;
            }
    }
    return n;
}

/* ---- DNS (RFC 1035)
 * ----------------------------------------------------------------------------------- */

int dns_build_query(const char *name, unsigned id, unsigned type, unsigned char buffer[static 512])
{
    unsigned char *p = buffer;
    size_t length = strlen(name);

    if (length == 0 || length > 253)
        return -EINVAL;
    memset(buffer, 0, 12);
    p[0] = (unsigned char) (id >> 8);
    p[1] = (unsigned char) id;
    p[2] = 1; /* recursion desired */
    p[5] = 1; /* one question */
    p += 12;
    while (*name) {
        size_t n = strcspn(name, ".");

        if (n == 0 || n > 63)
            return -EINVAL;
        *p++ = (unsigned char) n;
        memcpy(p, name, n);
        p += n;
        name += n;
        if (*name == '.')
            name++;
    }
    *p++ = 0;
    *p++ = 0;
    *p++ = (unsigned char) type;
    *p++ = 0;
    *p++ = 1; /* IN */
    return (int) (p - buffer);
}

/* Moves past a possibly compressed name. Returns false at the end of the data. */
static bool skip_name(const unsigned char *data, size_t n, size_t *at)
{
    while (*at < n) {
        unsigned char c = data[*at];

        if (c == 0) {
            (*at)++;
            return true;
        }
        if ((c & 0xc0) == 0xc0) {
            *at += 2;
            return *at <= n;
        }
        if (c & 0xc0)
            return false;
        *at += c + 1U;
    }
    return false;
}

static unsigned get16(const unsigned char *p)
{
    return (unsigned) p[0] << 8 | p[1];
}

int dns_read_answer(const unsigned char *data, size_t n, unsigned id, unsigned type,
                    union socket_address *ret, size_t most)
{
    size_t found = 0, at = 12;

    if (n < 12 || get16(data) != (id & 0xffff) || !(data[2] & 0x80))
        return -EBADMSG;
    switch (data[3] & 15) {
    case 0:
        break;
    case 3:
        return -ENOENT;
    default:
        return -EAGAIN;
    }
    for (unsigned i = get16(data + 4); i > 0; i--) {
        if (!skip_name(data, n, &at))
            return -EBADMSG;
        at += 4;
    }
    for (unsigned i = get16(data + 6); i > 0 && found < most; i--) {
        if (!skip_name(data, n, &at) || at + 10 > n)
            return -EBADMSG;
        unsigned got = get16(data + at), size = get16(data + at + 8);
        union socket_address a = {};

        at += 10;
        if (at + size > n)
            return -EBADMSG;
        if (got == type && type == TYPE_A && size == 4) {
            a.any.sa_family = AF_INET;
            memcpy(&a.v4.sin_addr, data + at, 4);
            ret[found++] = a;
        } else if (got == type && type == TYPE_AAAA && size == 16) {
            a.any.sa_family = AF_INET6;
            memcpy(&a.v6.sin6_addr, data + at, 16);
            ret[found++] = a;
        }
        at += size;
    }
    return found > 0 ? (int) found : -ENODATA;
}

struct resolv_conf {
    union socket_address servers[3];
    size_t n_servers;
    char **search;
    unsigned ndots;
};

static void resolv_conf_done(struct resolv_conf *c)
{
    strv_free(c->search);
}

static int resolv_conf_read(struct resolv_conf *c)
{
    auto_free char *path = config_path("resolv.conf"), *text = NULL;

    if (!path)
        return -ENOMEM;
    c->ndots = 1;
    if (file_read(path, 1 << 20, &text, NULL) >= 0) {
        auto_strv char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
            auto_strv char **words = strv_split(*line, WHITESPACE);

            if (!words || !words[0] || !words[1])
                continue;
            if (streq(words[0], "nameserver") && c->n_servers < ELEMENTSOF(c->servers) &&
                literal(words[1], &c->servers[c->n_servers]))
                c->n_servers++;
            else if (streq(words[0], "search") || streq(words[0], "domain")) {
                strv_free(c->search);
                c->search = strv_copy(words + 1);
            }
            for (size_t i = 1; streq(words[0], "options") && words[i]; i++)
                if (startswith(words[i], "ndots:"))
                    c->ndots = (unsigned) strtoul(words[i] + strlen("ndots:"), NULL, 10);
        }
    }
    if (c->n_servers == 0) /* resolv.conf(5): the default is this machine's own */
        (void) literal("127.0.0.1", &c->servers[c->n_servers++]);
    return 0;
}

/* One question to one server. -ETIMEDOUT, -ECONNREFUSED or what dns_read_answer() says. */
static int ask(const union socket_address *server, const char *name, unsigned type, usec_t until,
               union socket_address *ret, size_t most)
{
    unsigned char query[512], answer[4096];
    union socket_address to = *server;
    unsigned short id = 0;

    (void) getrandom(&id, sizeof id, GRND_NONBLOCK);
    int size = dns_build_query(name, id, type, query);
    if (size < 0)
        return size;
    to.v4.sin_port = htons((uint16_t) server_port); /* at the same place in both families */
    auto_close int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, &to.any, socket_address_size(&to)) < 0 ||
        send(fd, query, (size_t) size, MSG_NOSIGNAL) < 0)
        return -errno;
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        usec_t left = usec_sub(until, now_usec(CLOCK_MONOTONIC));

        if (left == 0 || poll(&p, 1, (int) (left / USEC_PER_MSEC + 1)) == 0)
            return -ETIMEDOUT;
        ssize_t n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = n < 0 ? -EBADMSG : dns_read_answer(answer, (size_t) n, id, type, ret, most);
        if (r != -EBADMSG) /* what is not ours, or broken, is not the answer: wait on */
            return r;
    }
}

static int ask_servers(const struct resolv_conf *c, const char *name, usec_t deadline,
                       union socket_address *ret)
{
    int result = -ETIMEDOUT;

    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < c->n_servers; i++) {
            usec_t now = now_usec(CLOCK_MONOTONIC);

            if (now >= deadline)
                return result;
            usec_t until = MIN(deadline, now + (round + 1) * USEC_PER_SEC);
            int a = ask(&c->servers[i], name, TYPE_A, until, ret, RESOLVE_MAX);
            int b = a == -ENOENT || a == -ETIMEDOUT
                        ? a
                        : ask(&c->servers[i], name, TYPE_AAAA, until, ret + MAX(a, 0),
                              RESOLVE_MAX - (size_t) MAX(a, 0));

            if (a > 0 || b > 0)
                return MAX(a, 0) + MAX(b, 0);
            if (a == -ENOENT || a == -ENODATA)
                return -ENOENT;
            result = a;
        }
    return result;
}

static unsigned count_dots(const char *name)
{
    unsigned n = 0;

    for (; *name; name++)
        n += *name == '.';
    return n;
}

/* resolv.conf(5), search: names with fewer dots than ndots are tried in the search domains first.
 */
static int from_dns(const char *name, usec_t deadline, union socket_address *ret)
{
    _cleanup_(resolv_conf_done) struct resolv_conf c = {};
    bool absolute = endswith(name, ".");
    int r = resolv_conf_read(&c);

    if (r < 0)
        return r;
    if (absolute || count_dots(name) >= c.ndots)
        r = ask_servers(&c, name, deadline, ret);
    else
        r = -ENOENT;
    for (char **domain = c.search; r == -ENOENT && !absolute && domain && *domain; domain++) {
        auto_free char *full = format("%s.%s", name, *domain);

        if (!full)
            return -ENOMEM;
        r = ask_servers(&c, full, deadline, ret);
    }
    if (r == -ENOENT && !absolute && count_dots(name) < c.ndots)
        r = ask_servers(&c, name, deadline, ret);
    return r;
}

/* ---- getent(1): whatever else nsswitch.conf(5) names
 * -------------------------------------------------- */

static int from_getent(const char *name, usec_t deadline, union socket_address *ret)
{
    auto_strbuf struct strbuf text = {};
    int fds[2], n = 0;

    if (test_root || *name == '-' || pipe2(fds, O_CLOEXEC) < 0)
        return -ENOENT;
    auto_close int out = fds[0];
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[1]);
        return -errno;
    }
    if (pid == 0) {
        (void) dup2(fds[1], STDOUT_FILENO);
        execlp("getent", "getent", "ahosts", name, (char *) NULL);
        _exit(127);
    }
    close(fds[1]);
    for (;;) {
        struct pollfd p = { .fd = out, .events = POLLIN };
        usec_t left = usec_sub(deadline, now_usec(CLOCK_MONOTONIC));
        char buffer[1024];

        if (left == 0 || poll(&p, 1, (int) (left / USEC_PER_MSEC + 1)) <= 0) {
            (void) kill(pid, SIGKILL);
            break;
        }
        ssize_t k = read(out, buffer, sizeof buffer);
        if (k <= 0)
            break;
        strbuf_add_n(&text, buffer, (size_t) k);
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    auto_strv char **lines = strv_split(strbuf_text(&text), "\n");
    STRV_FOREACH (line, lines) {
        (*line)[strcspn(*line, " \t")] = 0;
        bool seen = n > 0 && !literal(*line, &ret[n]);

        for (int i = 0; i < n && literal(*line, &ret[n]) && !seen; i++)
            seen = memcmp(&ret[i], &ret[n], sizeof ret[n]) == 0;
        if (!seen && n < RESOLVE_MAX && literal(*line, &ret[n]))
            n++;
    }
    return n > 0 ? n : -ENOENT;
}

int resolve_name(const char *name, usec_t deadline, union socket_address ret[static RESOLVE_MAX],
                 const char **ret_source)
{
    const char *source = "literal";
    union socket_address found[RESOLVE_MAX] = {};
    int r = literal(name, &found[0]);

    if (r == 0) {
        source = "/etc/hosts";
        r = from_hosts(name, found);
    }
    if (r == 0 && strcasecmp(name, "localhost") == 0) { /* RFC 6761: never asked of a server */
        (void) literal("127.0.0.1", &found[0]);
        (void) literal("::1", &found[1]);
        source = "built in";
        r = 2;
    }
    if (r == 0) {
        source = "DNS";
        r = from_dns(name, deadline, found);
        if (r < 0) {
            int other = from_getent(name, deadline, found);

            if (other > 0) {
                source = "getent";
                r = other;
            }
        }
    }
    if (r > 0) {
        memcpy(ret, found, sizeof found);
        if (ret_source)
            *ret_source = source;
    }
    return r;
}
