#include "base/sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"

void socket_holder_done(struct socket_holder *h)
{
    free(h->unit);
    *h = (struct socket_holder){};
}

/* "0100007F:0050" or 32 digits: words of the machine's byte order, as /proc/net prints them. */
static bool parse_hex_address(const char *text, union socket_address *ret)
{
    const char *colon = strchr(text, ':');
    union socket_address a = {};
    unsigned port;

    if (!colon || sscanf(colon + 1, "%4x", &port) != 1)
        return false;
    if (colon - text == 8) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons((uint16_t) port);
        if (sscanf(text, "%8x", &a.v4.sin_addr.s_addr) != 1)
            return false;
    } else if (colon - text == 32) {
        uint32_t words[4];

        for (size_t i = 0; i < 4; i++)
            if (sscanf(text + 8 * i, "%8x", &words[i]) != 1)
                return false;
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons((uint16_t) port);
        memcpy(&a.v6.sin6_addr, words, sizeof words);
    } else {
        return false;
    }
    *ret = a;
    return true;
}

static bool port_is_zero(const char *hex_address)
{
    const char *colon = strchr(hex_address, ':');

    return colon && strspn(colon + 1, "0") == strlen(colon + 1);
}

static int read_table(const char *path, enum socket_protocol protocol, struct socket_entry **list,
                      size_t *n, size_t *allocated)
{
    auto_fclose FILE *f = fopen(path, "re");
    char line[512];

    if (!f)
        return errno == ENOENT ? 0 : -errno; /* no IPv6 */
    if (!fgets(line, sizeof line, f))
        return 0;
    while (fgets(line, sizeof line, f)) {
        char local[64], remote[64];
        unsigned state, uid;
        unsigned long inode;
        struct socket_entry e = { .protocol = protocol };

        if (sscanf(line, " %*u: %63s %63s %x %*s %*s %*s %u %*u %lu", local, remote, &state, &uid,
                   &inode) != 5)
            continue;
        /* TCP_LISTEN, or a UDP socket that is not connected to a peer. */
        if (protocol == SOCKET_TCP ? state != 10 : !port_is_zero(remote))
            continue;
        if (!parse_hex_address(local, &e.local))
            continue;
        e.uid = uid;
        e.inode = inode;
        if (!grow(list, allocated, *n + 1))
            return -ENOMEM;
        (*list)[(*n)++] = e;
    }
    return 0;
}

int sockets_listening(enum socket_protocol protocol, pid_t pid, struct socket_entry **ret,
                      size_t *ret_n)
{
    static const char *const tables[][2] = {
        [SOCKET_TCP] = { "tcp", "tcp6" },
        [SOCKET_UDP] = { "udp", "udp6" },
    };
    auto_free struct socket_entry *list = NULL;
    size_t n = 0, allocated = 0;

    for (size_t i = 0; i < 2; i++) {
        auto_free char *path = pid > 0 ? format("/proc/%d/net/%s", (int) pid, tables[protocol][i])
                                       : format("/proc/self/net/%s", tables[protocol][i]);
        int r = path ? read_table(path, protocol, &list, &n, &allocated) : -ENOMEM;

        if (r < 0)
            return r;
    }
    *ret = take_ptr(list);
    *ret_n = n;
    return 0;
}

uint16_t socket_address_port(const union socket_address *a)
{
    return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

socklen_t socket_address_size(const union socket_address *a)
{
    return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static bool is_wildcard(const union socket_address *a)
{
    return a->any.sa_family == AF_INET ? a->v4.sin_addr.s_addr == htonl(INADDR_ANY)
                                       : IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

/* The IPv4 address within an IPv6 one of the form ::ffff:a.b.c.d, or the IPv4 address itself. */
static bool as_v4(const union socket_address *a, uint32_t *ret)
{
    if (a->any.sa_family == AF_INET) {
        *ret = a->v4.sin_addr.s_addr;
        return true;
    }
    if (!IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        return false;
    memcpy(ret, &a->v6.sin6_addr.s6_addr[12], 4);
    return true;
}

bool socket_addresses_clash(const union socket_address *a, const union socket_address *b)
{
    uint32_t v4a, v4b;

    if (socket_address_port(a) != socket_address_port(b))
        return false;
    if (a->any.sa_family == b->any.sa_family && (is_wildcard(a) || is_wildcard(b)))
        return true;
    if ((a->any.sa_family == AF_INET6 && is_wildcard(a)) ||
        (b->any.sa_family == AF_INET6 && is_wildcard(b)))
        return true;
    if (as_v4(a, &v4a) && as_v4(b, &v4b))
        return v4a == v4b || is_wildcard(a) || is_wildcard(b);
    return a->any.sa_family == AF_INET6 && b->any.sa_family == AF_INET6 &&
           memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

char *cgroup_unit(const char *path)
{
    static const char *const suffixes[] = { ".service", ".scope", ".socket" };
    const char *found = NULL;
    size_t length = 0;

    while (*path) {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
            size_t k = strlen(suffixes[i]);

            if (n > k && memcmp(path + n - k, suffixes[i], k) == 0)
                found = path, length = n;
        }
        path += n;
    }
    return found ? memdup0(found, length) : NULL;
}

int socket_is_held(uint64_t inode, pid_t pid)
{
    char path[64], target[64], want[64];

    snprintf(want, sizeof want, "socket:[%llu]", (unsigned long long) inode);
    snprintf(path, sizeof path, "/proc/%d/fd", (int) pid);
    auto_closedir DIR *d = opendir(path);
    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);

        if (n <= 0)
            continue;
        target[n] = 0;
        if (streq(target, want))
            return 1;
    }
    return 0;
}

int socket_holder_find(uint64_t inode, struct socket_holder *ret)
{
    auto_closedir DIR *d = opendir("/proc");

    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        struct socket_holder h = {};
        auto_free char *cgroup = NULL, *comm = NULL;

        if (parse_pid(e->d_name, &h.pid) < 0 || socket_is_held(inode, h.pid) <= 0)
            continue;
        if (process_comm(h.pid, &comm) >= 0)
            snprintf(h.comm, sizeof h.comm, "%s", comm);
        if (process_cgroup(h.pid, &cgroup) >= 0)
            h.unit = cgroup_unit(cgroup);
        *ret = h;
        return 0;
    }
    return -ENOENT;
}

char *socket_address_format(const union socket_address *a, char text[SOCKET_ADDRESS_TEXT_MAX])
{
    char address[INET6_ADDRSTRLEN] = "?";

    if (a->any.sa_family == AF_INET)
        (void) inet_ntop(AF_INET, &a->v4.sin_addr, address, sizeof address);
    else
        (void) inet_ntop(AF_INET6, &a->v6.sin6_addr, address, sizeof address);
    snprintf(text, SOCKET_ADDRESS_TEXT_MAX, a->any.sa_family == AF_INET ? "%s:%u" : "[%s]:%u",
             address, socket_address_port(a));
    return text;
}

int socket_address_parse(const char *text, union socket_address *ret)
{
    const char *colon = strrchr(text, ':');
    auto_free char *address = memdup0(text, colon ? (size_t) (colon - text) : 0);
    union socket_address a = {};
    uint16_t port;

    if (!address)
        return -ENOMEM;
    if (parse_port(colon ? colon + 1 : text, &port) < 0)
        return -EINVAL;

    size_t n = strlen(address);
    if (n == 0) {
        bool v6 = access("/proc/self/net/if_inet6", F_OK) == 0;

        a.any.sa_family = v6 ? AF_INET6 : AF_INET;
    } else if (address[0] == '[' && address[n - 1] == ']') {
        address[n - 1] = 0;
        if (inet_pton(AF_INET6, address + 1, &a.v6.sin6_addr) != 1)
            return -EINVAL;
        a.any.sa_family = AF_INET6;
    } else {
        if (inet_pton(AF_INET, address, &a.v4.sin_addr) != 1)
            return -EINVAL;
        a.any.sa_family = AF_INET;
    }
    if (a.any.sa_family == AF_INET)
        a.v4.sin_port = htons(port);
    else
        a.v6.sin6_port = htons(port);
    *ret = a;
    return 0;
}
