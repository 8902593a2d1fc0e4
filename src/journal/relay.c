#include "journal/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define PATIENCE_MS 2000 /* with a socket that is full; once, then it is only tried */
#define RETRY_EVERY (2 * USEC_PER_SEC)

struct relay {
    char *path;
    int fd;
    usec_t retry_at; /* 0: it works */
    struct strbuf packet;
};

struct relay *relay_new(const char *path)
{
    struct relay *r = new0(struct relay, 1);

    if (!r || !(r->path = strdup(path))) {
        free(r);
        return NULL;
    }
    r->fd = -1;
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    close_fd(r->fd);
    strbuf_done(&r->packet);
    free(r->path);
    free(r);
}

/* ---- what is said of the sender ---- */

/* "OBJECT" goes in front of these; what is not named is left out. */
static const char *const of_object[] = {
    "_UID",
    "_GID",
    "_COMM",
    "_EXE",
    "_CMDLINE",
    "_SYSTEMD_CGROUP",
    "_SYSTEMD_UNIT",
    "_SYSTEMD_SLICE",
    "_SYSTEMD_USER_UNIT",
    "_SYSTEMD_USER_SLICE",
    "_SYSTEMD_OWNER_UID",
    "_SYSTEMD_INVOCATION_ID",
};

static bool is_field(const char *field, size_t n, const char *name)
{
    size_t length = strlen(name);

    return n > length && field[length] == '=' && memcmp(field, name, length) == 0;
}

static bool is_of_object(const char *field, size_t n)
{
    for (size_t i = 0; i < ELEMENTSOF(of_object); i++) {
        if (is_field(field, n, of_object[i]))
            return true;
    }
    return false;
}

/* As the native protocol has it: values of several lines with their length. */
static void put(struct strbuf *b, const char *prefix, const char *field, size_t n)
{
    const char *equal = memchr(field, '=', n);

    if (!equal)
        return;
    strbuf_add(b, prefix);
    if (!memchr(field, '\n', n)) {
        strbuf_add_n(b, field, n);
    } else {
        size_t name = (size_t) (equal - field);
        uint64_t length = n - name - 1; /* little-endian, as file-format.h asserts */

        strbuf_add_n(b, field, name);
        strbuf_add_n(b, "\n", 1);
        strbuf_add_n(b, &length, sizeof length);
        strbuf_add_n(b, equal + 1, length);
    }
    strbuf_add_n(b, "\n", 1);
}

static void put_field(struct strbuf *b, const char *field, size_t n, bool of_manager)
{
    if (is_field(field, n, "_PID"))
        put(b, "SYSLOG", field, n);
    else if (*field == '_' && !of_manager && is_of_object(field, n))
        put(b, "OBJECT", field, n);
    else if (*field != '_' && (n < 7 || memcmp(field, "OBJECT_", 7) != 0))
        put(b, "", field, n);
    /* The manager speaks of its units. */
    if (of_manager && (is_field(field, n, "UNIT") || is_field(field, n, "USER_UNIT")))
        put(b, "OBJECT_SYSTEMD_", field, n);
}

static bool is_of_manager(const struct entry *e)
{
    size_t n;

    for (size_t i = 0; i < e->n_groups; i++) {
        if (field_get(e->groups[i], "_REEVE_MANAGER", &n))
            return true;
    }
    return false;
}

static void build(struct strbuf *b, const struct entry *e)
{
    bool of_manager = is_of_manager(e);

    strbuf_clear(b);
    for (size_t i = 0; i < e->n_groups; i++) {
        const struct field_group *g = e->groups[i];

        for (size_t k = 0; k < g->n; k++)
            put_field(b, g->text + g->fields[k].at, g->fields[k].length, of_manager);
    }
    for (size_t i = 0; i < e->n_fields; i++)
        put_field(b, e->fields[i].iov_base, e->fields[i].iov_len, of_manager);
}

/* ---- sending ---- */

static int try_send(struct relay *r, int pass)
{
    struct iovec part = { r->packet.text, r->packet.length };
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = pass < 0 };

    if (pass >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control.space;
        control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.head), &pass, sizeof pass);
    }
    while (sendmsg(r->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        struct pollfd full = { .fd = r->fd, .events = POLLOUT };

        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS)
            return -errno;
        if (r->retry_at > 0 || poll(&full, 1, PATIENCE_MS) <= 0)
            return -ETIMEDOUT;
    }
    return 0;
}

/* What is too long for a datagram goes in a sealed memory file. */
static int send_long(struct relay *r)
{
    auto_close int fd = memfd_create("reeve-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -errno;
    int k = fd_write_all(fd, r->packet.text, r->packet.length);
    if (k < 0)
        return k;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    return try_send(r, fd);
}

static int open_socket(struct relay *r)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    if (r->fd >= 0)
        return 0;
    if (strlen(r->path) >= sizeof addr.sun_path)
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, r->path);
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0)
        return -errno;
    r->fd = take_fd(&fd);
    return 0;
}

int relay_send(struct relay *r, const struct entry *e)
{
    if (r->retry_at > 0 && e->time.monotonic < r->retry_at)
        return -ENOTCONN;
    build(&r->packet, e);
    if (r->packet.failed)
        return -ENOMEM;
    int k = open_socket(r);
    if (k >= 0) {
        k = try_send(r, -1);
        if (k == -EMSGSIZE)
            k = send_long(r);
    }
    if (k < 0) {
        if (r->retry_at == 0)
            log_warning("%s does not answer (%s): the journal is kept in files of our own until it "
                        "does",
                        r->path, strerror(-k));
        close_fd(r->fd);
        r->fd = -1;
        r->retry_at = usec_add(e->time.monotonic, RETRY_EVERY);
        return k;
    }
    r->retry_at = 0;
    return 0;
}
