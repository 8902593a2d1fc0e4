/* Where else entries go as they come: journald.conf(5), ForwardTo...=. None of these is waited for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"
#include "journal/collect.h"
#include "journal/wall.h"

void forward_to_kernel_log(const struct entry *e)
{
    static int fd = -2;
    char line[1024];

    if (fd == -2)
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || !e->message)
        return;
    int n = snprintf(line, sizeof line, "<%d>%s[%d]: %.*s\n", LOG_DAEMON | e->priority,
                     e->identifier ? e->identifier : "reeve", e->pid,
                     (int) MIN(e->message_length, (size_t) 800), e->message);
    (void) !write(fd, line, (size_t) n);
}

/* To a syslog daemon that listens beside us, as syslog(3) would write it (journald.conf(5),
 * ForwardToSyslog=). It may be slow or absent: what it does not take is not sent again. */
static void to_syslog(struct collector *c, const struct entry *e)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char head[320], stamp[32];
    time_t seconds = (time_t) (e->time.realtime / USEC_PER_SEC);
    struct tm tm;

    if (!e->message || !c->options->socket_dir)
        return;
    if (c->forward_fd < 0)
        c->forward_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->forward_fd < 0 || (size_t) snprintf(addr.sun_path, sizeof addr.sun_path, "%s/syslog",
                                               c->options->socket_dir) >= sizeof addr.sun_path)
        return;
    localtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &tm);
    int n = snprintf(head, sizeof head, "<%d>%s %.200s[%d]: ", LOG_DAEMON | e->priority, stamp,
                     e->identifier ? e->identifier : "unknown", e->pid);
    struct iovec parts[] = { { head, (size_t) n }, { (void *) e->message, e->message_length } };
    const struct msghdr message = {
        .msg_name = &addr, .msg_namelen = sizeof addr, .msg_iov = parts, .msg_iovlen = 2
    };
    (void) sendmsg(c->forward_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Opened each time: it may be another terminal by then, and is not to be held. */
static void to_console(const struct collector *c, const struct entry *e)
{
    const char *path = c->config.tty_path ? c->config.tty_path : "/dev/console";
    char head[320] = "";

    if (!e->message)
        return;
    auto_close int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || !isatty(fd))
        return;
    if (e->identifier && e->pid > 0)
        snprintf(head, sizeof head, "%.200s[%d]: ", e->identifier, e->pid);
    else if (e->identifier)
        snprintf(head, sizeof head, "%.200s: ", e->identifier);
    const struct iovec parts[] = {
        { head, strlen(head) },
        { (void *) e->message, e->message_length },
        { (char *) "\n", 1 },
    };
    (void) !writev(fd, parts, ELEMENTSOF(parts));
}

void forward(struct collector *c, const struct entry *e)
{
    const struct journald_config *o = &c->config;

    if (o->forward_syslog && e->priority <= o->max_level_syslog)
        to_syslog(c, e);
    if (o->forward_kmsg && e->priority <= o->max_level_kmsg)
        forward_to_kernel_log(e);
    if (o->forward_console && e->priority <= o->max_level_console)
        to_console(c, e);
    if (o->forward_wall && e->priority <= o->max_level_wall)
        wall(e);
}
