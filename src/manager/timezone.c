/* The machine's time zone: /etc/localtime, a link that is put in place of another. */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/private.h"

#define FOLDER "/etc"
#define NAME "localtime"

/* The link's own time: where it points to is no file of ours. 0 where there is none. */
static usec_t time_of_link(void)
{
    struct stat st;

    return lstat(FOLDER "/" NAME, &st) < 0
               ? 0
               : (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t) st.st_mtim.tv_nsec / 1000;
}

/* Units come and go while they are told, so that they are looked up by name. */
static void tell(struct manager *m)
{
    auto_strv char **names = NULL;
    struct unit *u;

    MANAGER_FOREACH_UNIT(u, m)
    if (u->ops->timezone_changed && strv_add(&names, u->id) < 0)
        log_error("Out of memory: timers are not told of the new time zone.");
    STRV_FOREACH (name, names)
        if ((u = manager_unit(m, *name)) && u->ops->timezone_changed)
            u->ops->timezone_changed(u);
}

static void on_change(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    _Alignas(struct inotify_event) char buffer[4096];
    struct manager *m = userdata;
    bool looks = false;

    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        for (char *at = buffer; at < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *) at;

            looks = looks || (e->mask & IN_Q_OVERFLOW) || (e->len > 0 && streq(e->name, NAME));
            at += sizeof *e + e->len;
        }
    if (!looks || time_of_link() == m->timezone_time)
        return;
    m->timezone_time = time_of_link();
    tell(m);
}

int manager_watch_timezone(struct manager *m)
{
    if (m->timezone_source)
        return 0;
    auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 ||
        inotify_add_watch(fd, FOLDER,
                          IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB) < 0)
        return -errno;
    int r = event_add_io(m->loop, fd, EPOLLIN, on_change, m, &m->timezone_source);
    if (r < 0)
        return r;
    event_source_set_rate_limit(m->timezone_source, USEC_PER_SEC, 5);
    m->timezone_time = time_of_link();
    m->timezone_fd = take_fd(&fd);
    return 0;
}

void manager_unwatch_timezone(struct manager *m)
{
    m->timezone_source = event_source_free(m->timezone_source);
    m->timezone_fd = close_fd(m->timezone_fd);
}
