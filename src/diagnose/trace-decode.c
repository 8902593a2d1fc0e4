#include "diagnose/trace-decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/process.h"
#include "base/quote.h"
#include "base/str.h"

#define TEXT_MAX 4096

const struct trace_call trace_calls[] = {
#define CALL(name, arguments, keep) { #name, arguments, keep },
#include "diagnose/trace-calls.def"
#undef CALL
    {},
};

int trace_read_memory(pid_t tid, uint64_t address, void *to, size_t size)
{
    struct iovec local = { to, size }, remote = { (void *) (uintptr_t) address, size };
    ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

    if (n < 0)
        return -errno;
    return (size_t) n == size ? 0 : -EFAULT;
}

ssize_t trace_read_string(pid_t tid, uint64_t address, char *text, size_t size)
{
    size_t n = 0;

    while (n + 1 < size) {
        /* Never over the end of a page, behind which nothing may be mapped. */
        size_t chunk = MIN(size - 1 - n, (size_t) (256 - (address + n) % 256));
        int r = trace_read_memory(tid, address + n, text + n, chunk);

        if (r < 0)
            return r;
        char *end = memchr(text + n, 0, chunk);
        if (end)
            return end - text;
        n += chunk;
    }
    text[n] = 0;
    return (ssize_t) n;
}

struct flag {
    const char *name;
    unsigned long bits, mask;
};

#define FLAG(x) \
    { \
#x, x, x \
    }

static void add_flags(struct strbuf *b, unsigned long value, const struct flag *flags, size_t n)
{
    bool first = true;

    for (size_t i = 0; i < n; i++)
        if ((value & flags[i].mask) == flags[i].bits) {
            strbuf_addf(b, "%s%s", first ? "" : "|", flags[i].name);
            value &= ~flags[i].mask;
            first = false;
        }
    if (value || first)
        strbuf_addf(b, "%s0x%lx", first ? "" : "|", value);
}

static void add_open_flags(struct strbuf *b, unsigned long value)
{
    static const struct flag flags[] = {
        { "O_RDONLY", O_RDONLY, O_ACCMODE },
        { "O_WRONLY", O_WRONLY, O_ACCMODE },
        { "O_RDWR", O_RDWR, O_ACCMODE },
        FLAG(O_CREAT),
        FLAG(O_EXCL),
        FLAG(O_TRUNC),
        FLAG(O_APPEND),
        FLAG(O_NONBLOCK),
        FLAG(O_DIRECTORY),
        FLAG(O_NOFOLLOW),
        FLAG(O_PATH),
        FLAG(O_CLOEXEC),
        FLAG(O_NOCTTY),
        { "O_SYNC", O_SYNC, O_SYNC },
        { "O_LARGEFILE", 0100000, 0100000 },
    };

    add_flags(b, value, flags, ELEMENTSOF(flags));
}

static const char *family_name(int family)
{
    static const struct {
        int family;
        const char *name;
    } names[] = {
        { AF_UNIX, "AF_UNIX" },       { AF_INET, "AF_INET" },           { AF_INET6, "AF_INET6" },
        { AF_NETLINK, "AF_NETLINK" }, { AF_PACKET, "AF_PACKET" },       { AF_ALG, "AF_ALG" },
        { AF_VSOCK, "AF_VSOCK" },     { AF_BLUETOOTH, "AF_BLUETOOTH" },
    };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (names[i].family == family)
            return names[i].name;
    return NULL;
}

static void add_socket_type(struct strbuf *b, unsigned long value)
{
    static const struct flag flags[] = {
        { "SOCK_STREAM", SOCK_STREAM, 15 },
        { "SOCK_DGRAM", SOCK_DGRAM, 15 },
        { "SOCK_RAW", SOCK_RAW, 15 },
        { "SOCK_SEQPACKET", SOCK_SEQPACKET, 15 },
        FLAG(SOCK_CLOEXEC),
        FLAG(SOCK_NONBLOCK),
    };

    add_flags(b, value, flags, ELEMENTSOF(flags));
}

static char *address_text(const struct sockaddr_storage *a, size_t size, unsigned *ret_port)
{
    char text[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const void *) a;
    const struct sockaddr_in6 *v6 = (const void *) a;
    const struct sockaddr_un *un = (const void *) a;

    switch (a->ss_family) {
    case AF_INET:
        (void) inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        *ret_port = ntohs(v4->sin_port);
        return format("%s:%u", text, *ret_port);
    case AF_INET6:
        (void) inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        *ret_port = ntohs(v6->sin6_port);
        return format("[%s]:%u", text, *ret_port);
    case AF_UNIX: {
        size_t n = size > offsetof(struct sockaddr_un, sun_path)
                       ? size - offsetof(struct sockaddr_un, sun_path)
                       : 0;

        n = MIN(n, sizeof un->sun_path);
        if (n > 0 && un->sun_path[0] == 0)
            return format("@%.*s", (int) strnlen(un->sun_path + 1, n - 1), un->sun_path + 1);
        return format("%.*s", (int) strnlen(un->sun_path, n), un->sun_path);
    }
    case AF_NETLINK:
        return strdup("netlink");
    default:
        return format("family %d", a->ss_family);
    }
}

/* The absolute form of a path: relative ones are below the folder descriptor or the current folder.
 */
static char *absolute_path(pid_t tid, int dir_fd, const char *path)
{
    auto_free char *link = dir_fd == AT_FDCWD ? strdup("cwd") : format("fd/%d", dir_fd);
    auto_free char *folder = NULL;

    if (path_is_absolute(path) || !link || process_link(tid, link, &folder) < 0)
        return strdup(path);
    return *path ? path_join(folder, path, NULL) : take_ptr(folder);
}

static void add_path(struct strbuf *b, const char *text)
{
    auto_free char *escaped = c_escape(text, strlen(text), true);

    strbuf_addf(b, "\"%s\"", escaped ? escaped : text);
}

/* The descriptor's target, where it tells more than the number. */
static void add_descriptor(struct strbuf *b, pid_t tid, int fd)
{
    auto_free char *link = format("fd/%d", fd);
    auto_free char *target = NULL;

    strbuf_addf(b, "%d", fd);
    if (link && process_link(tid, link, &target) >= 0 && path_is_absolute(target))
        strbuf_addf(b, "<%s>", target);
}

struct decoding {
    pid_t tid;
    struct trace_event *e;
    struct strbuf text;
    int dir_fd, fd;
};

static void decode_path(struct decoding *d, uint64_t address, bool main)
{
    char path[TEXT_MAX];

    if (trace_read_string(d->tid, address, path, sizeof path) < 0) {
        strbuf_addf(&d->text, "0x%llx", (unsigned long long) address);
        return;
    }
    add_path(&d->text, path);
    if (main && !d->e->path) {
        d->e->path = absolute_path(d->tid, d->dir_fd, path);
        d->e->object = TRACE_PATH;
    }
}

/* Whether the descriptor is a datagram socket: only a duplicate of it can be asked. */
static bool is_datagram_socket(pid_t pid, int fd)
{
    auto_close int process = (int) syscall(SYS_pidfd_open, pid, 0);
    auto_close int copy = process < 0 ? -1 : (int) syscall(SYS_pidfd_getfd, process, fd, 0);
    int type = 0;
    socklen_t size = sizeof type;

    return copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_DGRAM;
}

static void decode_address(struct decoding *d, uint64_t address, uint64_t size)
{
    struct sockaddr_storage a = {};

    if (size < sizeof a.ss_family || size > sizeof a ||
        trace_read_memory(d->tid, address, &a, size) < 0) {
        strbuf_addf(&d->text, "0x%llx", (unsigned long long) address);
        return;
    }
    d->e->family = a.ss_family;
    d->e->address = address_text(&a, size, &d->e->port);
    d->e->object = TRACE_ADDRESS;
    d->e->udp = d->e->port && is_datagram_socket(d->e->pid, d->fd);
    strbuf_addf(&d->text, "%s%s", d->e->udp ? "udp " : "", strempty(d->e->address));
}

/* The address in the message header of sendmsg(); none on a connected socket. */
static void decode_message(struct decoding *d, uint64_t address)
{
    struct msghdr m;

    if (trace_read_memory(d->tid, address, &m, sizeof m) >= 0 && m.msg_name)
        decode_address(d, (uint64_t) (uintptr_t) m.msg_name, m.msg_namelen);
}

static void decode_one(struct decoding *d, char letter, const uint64_t *arg)
{
    struct strbuf *b = &d->text;
    const char *name;

    switch (letter) {
    case 'D':
        d->dir_fd = (int) *arg;
        if (d->dir_fd == AT_FDCWD)
            strbuf_add(b, "AT_FDCWD");
        else
            add_descriptor(b, d->tid, d->dir_fd);
        return;
    case 'P':
        decode_path(d, *arg, true);
        return;
    case 'Q':
        decode_path(d, *arg, false);
        return;
    case 'O':
        d->e->flags = (int) *arg;
        add_open_flags(b, *arg);
        return;
    case 'M':
        strbuf_addf(b, "0%o", (unsigned) *arg & 07777);
        return;
    case 'A':
        decode_address(d, arg[0], arg[1]);
        return;
    case 'G':
        decode_message(d, *arg);
        return;
    case 'F':
        d->fd = (int) *arg;
        add_descriptor(b, d->tid, (int) *arg);
        return;
    case 'N':
        name = family_name((int) *arg);
        d->e->family = (int) *arg;
        if (name)
            strbuf_add(b, name);
        else
            strbuf_addf(b, "%d", (int) *arg);
        return;
    case 'K':
        add_socket_type(b, *arg);
        return;
    case 'S':
        strbuf_addf(b, "SIG%s", signal_name((int) *arg));
        return;
    case 'X':
        strbuf_addf(b, "0x%llx", (unsigned long long) *arg);
        return;
    default:
        strbuf_addf(b, "%lld", (long long) (int32_t) *arg);
    }
}

int trace_decode(pid_t tid, const struct trace_call *call, const uint64_t args[6],
                 struct trace_event *e)
{
    struct decoding d = { .tid = tid, .e = e, .dir_fd = AT_FDCWD };
    bool first = true;

    strbuf_addf(&d.text, "%s(", call->name);
    for (const char *p = call->arguments; *p && p - call->arguments < 6; p++) {
        if (*p == '-')
            continue;
        if (!first)
            strbuf_add(&d.text, ", ");
        first = false;
        decode_one(&d, *p, &args[p - call->arguments]);
    }
    strbuf_add_char(&d.text, ')');
    e->call = call->name;
    e->text = strbuf_take(&d.text);
    strbuf_done(&d.text);
    return e->text ? 0 : -ENOMEM;
}
