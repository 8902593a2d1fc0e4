#include "manager/socket_port.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/users.h"
#include "manager/unit.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* ---- addresses ---- */

struct address {
    int type, protocol;
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
        struct sockaddr_nl netlink;
        struct sockaddr_vm vsock;
    };
};

/* Whether the kernel has IPv6; a bare port listens on it. */
static bool has_ipv6(void)
{
    return access("/proc/net/if_inet6", F_OK) == 0;
}

static int parse_unix(const char *text, struct address *a)
{
    size_t n = strlen(text);

    if (n >= sizeof a->un.sun_path)
        return -EINVAL;
    a->un.sun_family = AF_UNIX;
    memcpy(a->un.sun_path, text, n + 1);
    /* An abstract name has no end but the address's own. */
    a->size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + (*text == '@' ? 0 : 1));
    if (*text == '@')
        a->un.sun_path[0] = '\0';
    return 0;
}

/* vsock:CID:PORT, the CID being empty for any. */
static int parse_vsock(const char *text, struct address *a)
{
    auto_free char *cid = strdup(text);
    char *colon = cid ? strchr(cid, ':') : NULL;
    unsigned n = VMADDR_CID_ANY;

    if (!cid)
        return -ENOMEM;
    if (!colon)
        return -EINVAL;
    *colon = '\0';
    if (*cid && parse_unsigned(cid, &n) < 0)
        return -EINVAL;
    a->vsock = (struct sockaddr_vm){ .svm_family = AF_VSOCK, .svm_cid = n };
    a->size = sizeof a->vsock;
    return parse_unsigned(colon + 1, &a->vsock.svm_port);
}

static int parse_inet6(const char *text, struct address *a)
{
    const char *end = strchr(text, ']'), *percent;
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE];
    uint16_t port;

    if (!end || end[1] != ':' || (size_t) (end - text) > sizeof host)
        return -EINVAL;
    snprintf(host, sizeof host, "%.*s", (int) (end - text - 1), text + 1);
    a->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    a->size = sizeof a->v6;
    auto_free char *number = strdup(end + 2);
    if (!number)
        return -ENOMEM;
    number[strcspn(number, "%")] = '\0';
    percent = strchr(end, '%');
    if (percent) {
        a->v6.sin6_scope_id = if_nametoindex(percent + 1);
        if (a->v6.sin6_scope_id == 0 && parse_unsigned(percent + 1, &a->v6.sin6_scope_id) < 0)
            return -ENODEV;
    }
    if (parse_port(number, &port) < 0 || inet_pton(AF_INET6, host, &a->v6.sin6_addr) != 1)
        return -EINVAL;
    a->v6.sin6_port = htons(port);
    return 0;
}

static int parse_inet(const char *text, struct address *a)
{
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN];
    uint16_t port;

    if (parse_port(colon ? colon + 1 : text, &port) < 0)
        return -EINVAL;
    if (!colon && has_ipv6()) {
        a->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        a->size = sizeof a->v6;
        return 0;
    }
    a->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    a->size = sizeof a->v4;
    if (!colon)
        return 0;
    snprintf(host, sizeof host, "%.*s", (int) (colon - text), text);
    return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* "FAMILY GROUP", netlink(7). */
static int parse_netlink(const char *text, struct address *a)
{
    static const struct {
        const char *name;
        int family;
    } families[] = {
        { "route", NETLINK_ROUTE },
        { "firewall", NETLINK_FIREWALL },
        { "inet-diag", NETLINK_SOCK_DIAG },
        { "nflog", NETLINK_NFLOG },
        { "xfrm", NETLINK_XFRM },
        { "selinux", NETLINK_SELINUX },
        { "iscsi", NETLINK_ISCSI },
        { "audit", NETLINK_AUDIT },
        { "fib-lookup", NETLINK_FIB_LOOKUP },
        { "connector", NETLINK_CONNECTOR },
        { "netfilter", NETLINK_NETFILTER },
        { "ip6-fw", NETLINK_IP6_FW },
        { "dnrtmsg", NETLINK_DNRTMSG },
        { "kobject-uevent", NETLINK_KOBJECT_UEVENT },
        { "generic", NETLINK_GENERIC },
        { "scsitransport", NETLINK_SCSITRANSPORT },
        { "ecryptfs", NETLINK_ECRYPTFS },
        { "rdma", NETLINK_RDMA },
    };
    size_t n = strcspn(text, " \t");
    const char *group = text + n + strspn(text + n, " \t");

    a->netlink = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
    a->size = sizeof a->netlink;
    a->type = SOCK_RAW;
    if (*group && parse_unsigned(group, &a->netlink.nl_groups) < 0)
        return -EINVAL;
    for (size_t i = 0; i < ELEMENTSOF(families); i++)
        if (strlen(families[i].name) == n && memcmp(families[i].name, text, n) == 0) {
            a->protocol = families[i].family;
            return 0;
        }
    return -EINVAL;
}

static bool is_socket(int kind)
{
    return kind == LISTEN_STREAM || kind == LISTEN_DATAGRAM || kind == LISTEN_SEQUENTIAL_PACKET ||
           kind == LISTEN_NETLINK;
}

static int parse_address(int kind, const char *text, struct address *a)
{
    const char *vsock;

    *a = (struct address){ .type = kind == LISTEN_DATAGRAM            ? SOCK_DGRAM
                                   : kind == LISTEN_SEQUENTIAL_PACKET ? SOCK_SEQPACKET
                                                                      : SOCK_STREAM };
    if (kind == LISTEN_NETLINK)
        return parse_netlink(text, a);
    if (*text == '/' || *text == '@')
        return parse_unix(text, a);
    if ((vsock = startswith(text, "vsock:")))
        return parse_vsock(vsock, a);
    return *text == '[' ? parse_inet6(text, a) : parse_inet(text, a);
}

static char *format_address(const struct socket_listen *l, const struct address *a)
{
    char host[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
    bool scoped;

    if (!is_socket(l->kind) || (a->any.sa_family != AF_INET && a->any.sa_family != AF_INET6))
        return strdup(l->address);
    if (a->any.sa_family == AF_INET)
        return format("%s:%u", inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host),
                      ntohs(a->v4.sin_port));
    scoped = a->v6.sin6_scope_id != 0 && if_indextoname(a->v6.sin6_scope_id, name);
    return format("[%s]:%u%s%s", inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host),
                  ntohs(a->v6.sin6_port), scoped ? "%" : "", scoped ? name : "");
}

/* ---- the list ---- */

static int port_new(struct unit *u, const struct socket_listen *l, struct socket_port **ret)
{
    struct address a = { 0 };
    int r = is_socket(l->kind) ? parse_address(l->kind, l->address, &a) : 0;

    if (r < 0)
        return r;
    struct socket_port *p = new0(struct socket_port, 1);
    if (!p)
        return -ENOMEM;
    *p = (struct socket_port){ .unit = u, .kind = l->kind, .fd = -1 };
    p->written = strdup(l->address);
    p->address = format_address(l, &a);
    p->accepting = l->kind == LISTEN_STREAM || l->kind == LISTEN_SEQUENTIAL_PACKET;
    if (*l->address == '/' && l->kind != LISTEN_MESSAGE_QUEUE)
        p->path = strdup(l->address);
    if (!p->written || !p->address ||
        (*l->address == '/' && l->kind != LISTEN_MESSAGE_QUEUE && !p->path)) {
        socket_ports_free(p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

int socket_ports_new(struct unit *u, const struct socket_config *c, struct socket_port **ret)
{
    struct socket_port *ports = NULL, **end = &ports;

    for (const struct socket_listen *l = c->listen; l; l = l->next) {
        int r = port_new(u, l, end);
        if (r < 0) {
            socket_ports_free(ports);
            return r;
        }
        end = &(*end)->next;
    }
    *ret = ports;
    return 0;
}

void socket_ports_free(struct socket_port *p)
{
    while (p) {
        struct socket_port *next = p->next;

        socket_port_close(p, false);
        free(p->written);
        free(p->address);
        free(p->path);
        free(p);
        p = next;
    }
}

/* ---- options ---- */

static void option(struct unit *u, int fd, int level, int name, int value, const char *directive)
{
    if (setsockopt(fd, level, name, &value, sizeof value) < 0)
        unit_log_text(u, LOG_WARNING, "%s= could not be applied and was left out: %s", directive,
                      strerror(errno));
}

static void buffer_size(struct unit *u, int fd, int forced, int name, uint64_t size,
                        const char *directive)
{
    int value = (int) MIN(size, (uint64_t) INT_MAX);

    if (size > 0 && setsockopt(fd, SOL_SOCKET, forced, &value, sizeof value) < 0)
        option(u, fd, SOL_SOCKET, name, value, directive);
}

static int family_of(int fd)
{
    int family = AF_UNSPEC;
    socklen_t n = sizeof family;

    (void) getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n);
    return family;
}

/* Where the kernel has no SMACK there are no labels, and nobody looks at them. */
static void smack_label(struct unit *u, int fd, const char *attribute, const char *label,
                        const char *directive)
{
    if (label && faccessat(AT_FDCWD, "/sys/fs/smackfs", F_OK, 0) == 0 &&
        fsetxattr(fd, attribute, label, strlen(label), 0) < 0)
        unit_log_text(u, LOG_WARNING, "%s= could not be applied and was left out: %s", directive,
                      strerror(errno));
}

void socket_connection_options(struct unit *u, const struct socket_config *c, int fd)
{
    int family = family_of(fd);
    bool ip = family == AF_INET || family == AF_INET6;
    const struct {
        bool wanted;
        int level, name, value;
        const char *directive;
    } options[] = {
        { c->keep_alive, SOL_SOCKET, SO_KEEPALIVE, 1, "KeepAlive" },
        { ip && c->keep_alive_time_sec > 0, SOL_TCP, TCP_KEEPIDLE,
          (int) (c->keep_alive_time_sec / USEC_PER_SEC), "KeepAliveTimeSec" },
        { ip && c->keep_alive_interval_sec > 0, SOL_TCP, TCP_KEEPINTVL,
          (int) (c->keep_alive_interval_sec / USEC_PER_SEC), "KeepAliveIntervalSec" },
        { ip && c->keep_alive_probes > 0, SOL_TCP, TCP_KEEPCNT, (int) c->keep_alive_probes,
          "KeepAliveProbes" },
        { ip && c->defer_accept_sec > 0, SOL_TCP, TCP_DEFER_ACCEPT,
          (int) (c->defer_accept_sec / USEC_PER_SEC), "DeferAcceptSec" },
        { ip && c->no_delay, SOL_TCP, TCP_NODELAY, 1, "NoDelay" },
        { c->broadcast, SOL_SOCKET, SO_BROADCAST, 1, "Broadcast" },
        { c->pass_credentials, SOL_SOCKET, SO_PASSCRED, 1, "PassCredentials" },
        { c->pass_security, SOL_SOCKET, SO_PASSSEC, 1, "PassSecurity" },
        { c->pass_packet_info && family == AF_INET, IPPROTO_IP, IP_PKTINFO, 1, "PassPacketInfo" },
        { c->pass_packet_info && family == AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1,
          "PassPacketInfo" },
        { c->timestamping == TIMESTAMPING_US, SOL_SOCKET, SO_TIMESTAMP, 1, "Timestamping" },
        { c->timestamping == TIMESTAMPING_NS, SOL_SOCKET, SO_TIMESTAMPNS, 1, "Timestamping" },
        { c->priority >= 0, SOL_SOCKET, SO_PRIORITY, c->priority, "Priority" },
        { c->mark >= 0, SOL_SOCKET, SO_MARK, c->mark, "Mark" },
        { c->ip_tos >= 0 && family == AF_INET, IPPROTO_IP, IP_TOS, c->ip_tos, "IPTOS" },
        { c->ip_ttl >= 0 && family == AF_INET, IPPROTO_IP, IP_TTL, c->ip_ttl, "IPTTL" },
        { c->ip_ttl >= 0 && family == AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, c->ip_ttl,
          "IPTTL" },
    };

    for (size_t i = 0; i < ELEMENTSOF(options); i++)
        if (options[i].wanted)
            option(u, fd, options[i].level, options[i].name, options[i].value,
                   options[i].directive);
    buffer_size(u, fd, SO_RCVBUFFORCE, SO_RCVBUF, c->receive_buffer, "ReceiveBuffer");
    buffer_size(u, fd, SO_SNDBUFFORCE, SO_SNDBUF, c->send_buffer, "SendBuffer");
    smack_label(u, fd, "security.SMACK64IPIN", c->smack_label_ip_in, "SmackLabelIPIn");
    smack_label(u, fd, "security.SMACK64IPOUT", c->smack_label_ip_out, "SmackLabelIPOut");
    if (c->tcp_congestion && setsockopt(fd, SOL_TCP, TCP_CONGESTION, c->tcp_congestion,
                                        (socklen_t) strlen(c->tcp_congestion)) < 0)
        unit_log_text(u, LOG_WARNING, "TCPCongestion= could not be applied and was left out: %s",
                      strerror(errno));
}

/* What has to be set before bind(2). Returns 0 or a negative errno. */
static int bind_options(struct unit *u, const struct socket_config *c, int fd, int family)
{
    bool v6_only = c->bind_ipv6_only == BIND_IPV6_ONLY_IPV6_ONLY;

    if (family == AF_INET6 && c->bind_ipv6_only != BIND_IPV6_ONLY_DEFAULT)
        option(u, fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only, "BindIPv6Only");
    if (family == AF_INET || family == AF_INET6 || family == AF_VSOCK)
        option(u, fd, SOL_SOCKET, SO_REUSEADDR, 1, "ListenStream");
    if (c->reuse_port)
        option(u, fd, SOL_SOCKET, SO_REUSEPORT, 1, "ReusePort");
    if (c->free_bind)
        option(u, fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
               family == AF_INET6 ? IPV6_FREEBIND : IP_FREEBIND, 1, "FreeBind");
    if (c->transparent)
        option(u, fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
               family == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1, "Transparent");
    if (c->bind_to_device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->bind_to_device,
                                        (socklen_t) strlen(c->bind_to_device) + 1) < 0)
        return -errno;
    return 0;
}

/* ---- opening ---- */

/* SocketUser=, SocketGroup=: files only, since the manager asks no other process. */
static int give_away(const struct socket_port *p, const struct socket_config *c)
{
    struct users_lookup lookup = { .files_only = true };
    struct user user = { .uid = (uid_t) -1, .gid = (gid_t) -1 };
    struct group group = { .gid = (gid_t) -1 };
    int r = 0;

    if (isempty(c->socket_user) && isempty(c->socket_group))
        return 0;
    if (!isempty(c->socket_user))
        r = user_find(&lookup, c->socket_user, &user);
    if (r >= 0 && !isempty(c->socket_group))
        r = group_find(&lookup, c->socket_group, &group);
    if (r < 0)
        unit_log_text(p->unit, LOG_ERR, "Failed to resolve %s '%s': %s",
                      isempty(c->socket_group) || (c->socket_user && user.uid == (uid_t) -1)
                          ? "user"
                          : "group",
                      user.uid == (uid_t) -1 && c->socket_user ? c->socket_user : c->socket_group,
                      r == -ESRCH ? "no such entry" : strerror(-r));
    gid_t gid = group.gid != (gid_t) -1 ? group.gid : user.gid;
    if (r >= 0 && p->path && chown(p->path, user.uid, gid) < 0)
        r = -errno;
    user_done(&user);
    group_done(&group);
    return r;
}

/* The file's mode comes from the umask, so that nobody is let in between bind(2) and chmod(2). */
static int bind_here(const struct address *a, const char *path, int fd, mode_t mode)
{
    mode_t before = umask(~mode & 0777);
    int r = bind(fd, &a->any, a->size) < 0 ? -errno : 0;

    if (r == -EADDRINUSE && path) {
        struct stat st;

        if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) == 0)
            r = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    }
    umask(before);
    return r;
}

static int open_socket(struct socket_port *p, const struct socket_config *c)
{
    struct address a;
    int r = parse_address(p->kind, p->written, &a);

    if (r < 0)
        return r;
    if (c->socket_protocol > 0)
        a.protocol = c->socket_protocol;
    auto_close int fd = socket(a.any.sa_family, a.type | SOCK_CLOEXEC | SOCK_NONBLOCK, a.protocol);
    if (fd < 0)
        return -errno;
    r = bind_options(p->unit, c, fd, a.any.sa_family);
    if (r < 0)
        return r;
    if (p->path)
        (void) mkdir_parents(p->path, c->directory_mode);
    r = bind_here(&a, p->path, fd, c->socket_mode);
    if (r < 0)
        return r;
    socket_connection_options(p->unit, c, fd);
    if (p->accepting && listen(fd, (int) MIN(c->backlog, (unsigned) INT_MAX)) < 0)
        return -errno;
    p->fd = take_fd(&fd);
    return 0;
}

static int open_fifo(struct socket_port *p, const struct socket_config *c)
{
    struct stat st;

    (void) mkdir_parents(p->path, c->directory_mode);
    mode_t before = umask(~c->socket_mode & 0777);
    int r = mkfifo(p->path, c->socket_mode) < 0 && errno != EEXIST ? -errno : 0;
    umask(before);
    if (r < 0)
        return r;
    auto_close int fd = open(p->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISFIFO(st.st_mode))
        return -EEXIST;
    if (c->pipe_size > 0 &&
        fcntl(fd, F_SETPIPE_SZ, (int) MIN(c->pipe_size, (uint64_t) INT_MAX)) < 0)
        unit_log_text(p->unit, LOG_WARNING, "PipeSize= could not be applied and was left out: %s",
                      strerror(errno));
    smack_label(p->unit, fd, "security.SMACK64", c->smack_label, "SmackLabel");
    p->fd = take_fd(&fd);
    return 0;
}

static int open_special(struct socket_port *p, const struct socket_config *c)
{
    struct stat st;
    auto_close int fd = open(p->path, (c->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY |
                                          O_NONBLOCK | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return -EEXIST;
    p->fd = take_fd(&fd);
    return 0;
}

static int open_queue(struct socket_port *p, const struct socket_config *c)
{
    struct mq_attr attributes = { .mq_maxmsg = c->message_queue_max_messages,
                                  .mq_msgsize = c->message_queue_message_size };
    bool sized = attributes.mq_maxmsg > 0 && attributes.mq_msgsize > 0;
    mode_t before = umask(~c->socket_mode & 0777);
    mqd_t queue = mq_open(p->written, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_CREAT, c->socket_mode,
                          sized ? &attributes : NULL);
    int r = queue == (mqd_t) -1 ? -errno : 0;

    umask(before);
    if (r >= 0)
        p->fd = (int) queue; /* mq_overview(7): a descriptor, on Linux */
    return r;
}

static int open_kind(struct socket_port *p, const struct socket_config *c)
{
    switch ((enum socket_listen_kind) p->kind) {
    case LISTEN_STREAM:
    case LISTEN_DATAGRAM:
    case LISTEN_SEQUENTIAL_PACKET:
    case LISTEN_NETLINK:
        return open_socket(p, c);
    case LISTEN_FIFO:
        return open_fifo(p, c);
    case LISTEN_SPECIAL:
        return open_special(p, c);
    case LISTEN_MESSAGE_QUEUE:
        return open_queue(p, c);
    case LISTEN_USB_FUNCTION:
    case SOCKET_LISTEN_KIND_MAX:
        break;
    }
    return -EOPNOTSUPP;
}

int socket_port_open(struct socket_port *p)
{
    const struct socket_config *c = p->unit->config->socket;

    if (p->fd >= 0)
        return 0;
    int r = open_kind(p, c);
    if (r >= 0)
        r = give_away(p, c);
    if (r < 0)
        p->fd = close_fd(p->fd);
    return r;
}

void socket_port_close(struct socket_port *p, bool remove)
{
    p->source = event_source_free(p->source);
    p->fd = close_fd(p->fd);
    if (!remove)
        return;
    if (p->path && p->kind != LISTEN_SPECIAL)
        (void) unlink(p->path);
    else if (p->kind == LISTEN_MESSAGE_QUEUE)
        (void) mq_unlink(p->written);
}

void socket_port_flush(struct socket_port *p)
{
    char buffer[4096];

    /* Bounded: who sends faster than this reads is not waited for. */
    for (int i = 0; p->fd >= 0 && i < 4096; i++) {
        struct pollfd ready = { .fd = p->fd, .events = POLLIN };

        if (poll(&ready, 1, 0) <= 0)
            return;
        if (p->accepting)
            close_fd(accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
        else if (read(p->fd, buffer, sizeof buffer) <= 0)
            return;
    }
}
