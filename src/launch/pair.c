/* launch/pair.c -- leaving a descriptor in a socket pair. */
#include "launch/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A lock of the process, not of the open file, which all commands share. */
static int set_lock(const int pair[2], short type)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET };
    int r;

    do
        r = fcntl(pair[0], F_SETLKW, &l);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int pair_lock(const int pair[2])
{
    return set_lock(pair, F_WRLCK);
}

void pair_unlock(const int pair[2])
{
    (void) set_lock(pair, F_UNLCK);
}

union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

int pair_take_data(const int pair[2], void *data, size_t *n)
{
    union control control;
    char nothing;
    struct iovec part = { data ? data : &nothing, data ? *n : 1 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t k = recvmsg(pair[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int fd = -1;

    if (k < 0)
        return -errno;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (!c || c->cmsg_type != SCM_RIGHTS)
        return -EBADMSG;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (n)
        *n = (size_t) k;
    return fd;
}

int pair_put_data(const int pair[2], int fd, const void *data, size_t n)
{
    union control control = { 0 };
    struct iovec part = { data ? (void *) (uintptr_t) data : (void *) "", data ? n : 1 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(pair[1], &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
