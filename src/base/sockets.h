/* base/sockets.h -- the machine's listening sockets and who holds them, from /proc. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum socket_protocol { SOCKET_TCP, SOCKET_UDP };

struct socket_entry {
    enum socket_protocol protocol;
    union socket_address local;
    uint64_t inode;
    uid_t uid;
};

/* Who has a socket open. Where /proc/PID/fd of the holder is closed to us pid is 0. */
struct socket_holder {
    pid_t pid;
    char comm[64];
    char *unit; /* from the process's cgroup; NULL if it is in none */
};
void socket_holder_done(struct socket_holder *h);

/* All listening TCP sockets, or bound and unconnected UDP sockets, of our network namespace (or of
 * that of `pid`, if not 0), IPv4 and IPv6. *ret is an array of *ret_n, the caller's to free.
 * Returns 0 or a negative errno. */
int sockets_listening(enum socket_protocol protocol, pid_t pid, struct socket_entry **ret,
                      size_t *ret_n);

/* Whether the two would be in each other's way: same port and the same address, or a wildcard on
 * either side (an IPv6 wildcard covers IPv4 as well, ipv6(7) IPV6_V6ONLY being off). */
bool socket_addresses_clash(const union socket_address *a, const union socket_address *b);

/* The first process that has the socket of this inode open, looked for in all of /proc.
 * Returns 0, -ENOENT if none is seen, or a negative errno. */
int socket_holder_find(uint64_t inode, struct socket_holder *ret);

/* Whether the process has it open: 1, 0, or a negative errno where its descriptors cannot be seen.
 */
int socket_is_held(uint64_t inode, pid_t pid);

/* The unit in a cgroup path ("/system.slice/nginx.service" -> "nginx.service"; the innermost
 * service, scope or socket), a new string, or NULL. */
char *cgroup_unit(const char *path);

/* "0.0.0.0:80", "[::]:80": writes to text and returns it. */
#define SOCKET_ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 10)
char *socket_address_format(const union socket_address *a, char text[SOCKET_ADDRESS_TEXT_MAX]);
/* Size for bind(2), connect(2). */
socklen_t socket_address_size(const union socket_address *a);
uint16_t socket_address_port(const union socket_address *a);
/* "[ADDR:]PORT", ADDR an IPv4 address or an IPv6 one in brackets; without ADDR the IPv6 wildcard,
 * or the IPv4 one where the machine has no IPv6. Returns 0 or -EINVAL. */
int socket_address_parse(const char *text, union socket_address *ret);
