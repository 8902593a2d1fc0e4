/* The descriptor store (systemd.service(5), FileDescriptorStoreMax=; sd_notify(3), FDSTORE=1). */
#include <errno.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "event/event.h"
#include "manager/service.h"
#include "manager/socket.h"

/* Whether both are the same open file. kcmp(2) can be missing; the inode then has to do, for all
 * but sockets and the like every open has another position. */
static bool same_file(int a, int b)
{
    pid_t self = getpid();
    struct stat x, y;
    long r = syscall(SYS_kcmp, self, self, KCMP_FILE, a, b);

    if (r >= 0)
        return r == 0;
    return fstat(a, &x) >= 0 && fstat(b, &y) >= 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
           (S_ISSOCK(x.st_mode) || S_ISFIFO(x.st_mode));
}

static void stored_fd_free(struct stored_fd *f)
{
    event_source_free(f->source);
    close_fd(f->fd);
    free(f->name);
    free(f);
}

static void remove_one(struct service *s, struct stored_fd *f)
{
    for (struct stored_fd **p = &s->fds; *p; p = &(*p)->next)
        if (*p == f) {
            *p = f->next;
            s->n_fds--;
            stored_fd_free(f);
            break;
        }
    unit_changed(UNIT(s));
}

static void unpin(struct service *s)
{
    if (s->n_fds == 0)
        (void) service_handle(s, EV_UNPINNED, RESULT_SUCCESS);
}

static void hung_up(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct stored_fd *f = userdata;
    struct service *s = f->service;

    unit_log_text(UNIT(s), LOG_DEBUG, "Received %s on stored fd %d (%s), closing.",
                  revents & EPOLLERR ? "EPOLLERR" : "EPOLLHUP", fd, f->name);
    remove_one(s, f);
    unpin(s);
}

int service_store_fd(struct service *s, int fd, const char *name, bool poll)
{
    auto_close int owned = fd;
    unsigned max = service_config(s)->file_descriptor_store_max;

    for (struct stored_fd *f = s->fds; f; f = f->next)
        if (same_file(f->fd, fd))
            return 0;
    if (s->n_fds >= max)
        return -EXFULL;

    struct stored_fd *f = new0(struct stored_fd, 1);
    if (!f)
        return -ENOMEM;
    f->fd = take_fd(&owned);
    f->service = s;
    f->name = strdup(name ? name : "stored");
    if (!f->name) {
        stored_fd_free(f);
        return -ENOMEM;
    }
    /* -EPERM: of a kind that does not hang up (memfds, files). */
    int r = poll ? event_add_io(manager_loop(s->unit.manager), f->fd, 0, hung_up, f, &f->source)
                 : 0;
    if (r < 0 && r != -EPERM) {
        stored_fd_free(f);
        return r;
    }
    /* Newest first, as systemd hands them out. */
    f->next = s->fds;
    s->fds = f;
    s->n_fds++;
    unit_changed(UNIT(s));
    return 1;
}

void service_remove_fds(struct service *s, const char *name)
{
    for (struct stored_fd *f = s->fds, *next; f; f = next) {
        next = f->next;
        if (streq(f->name, name))
            remove_one(s, f);
    }
    unpin(s);
}

void service_release_fds(struct service *s)
{
    if (!s->fds)
        return;
    while (s->fds) {
        struct stored_fd *f = s->fds;

        s->fds = f->next;
        stored_fd_free(f);
    }
    s->n_fds = 0;
    unit_changed(UNIT(s));
}

int passed_fd_add(int **fds, char ***names, size_t *n, int fd, char *name)
{
    int *more_fds = realloc(*fds, (*n + 2) * sizeof **fds);
    char **more_names;

    if (!more_fds)
        return -ENOMEM;
    *fds = more_fds;
    more_names = realloc(*names, (*n + 2) * sizeof **names);
    if (!more_names)
        return -ENOMEM;
    *names = more_names;
    more_fds[*n] = fd;
    more_names[*n] = name;
    more_names[++*n] = NULL;
    return 0;
}

int service_list_fds(const struct service *s, int **ret_fds, char ***ret_names, size_t *ret_n,
                     size_t *ret_n_sockets)
{
    auto_free int *fds = NULL;
    auto_free char **names = NULL;
    size_t n = 0;
    int r = socket_list_fds(&s->unit, &fds, &names, &n);

    *ret_n_sockets = n;
    for (struct stored_fd *f = s->fds; r >= 0 && f; f = f->next)
        r = passed_fd_add(&fds, &names, &n, f->fd, f->name);
    if (r < 0)
        return r;
    *ret_fds = take_ptr(fds);
    *ret_names = take_ptr(names);
    *ret_n = n;
    return 0;
}
