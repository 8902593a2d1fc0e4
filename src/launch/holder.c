/* launch/holder.c -- the subreaper of a command: reports and reaps, and waits for its manager. */
#include "launch/holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"

/* The command, a main process that it left behind, and what else the manager asked for. */
#define WATCHED_MAX 16
#define REAP_AFTER (2 * USEC_PER_SEC)

struct watched {
    pid_t pid; /* 0: free */
    bool ended, reported;
    struct holder_message exit;
    usec_t reported_at;
};

struct holder {
    const char *unit;
    pid_t command;
    int manager_fd; /* -1: lost */
    int listen_fd;  /* -1: cannot be found again */
    int signal_fd;
    struct watched watched[WATCHED_MAX];
    bool childless;
};

static struct watched *find(struct holder *h, pid_t pid)
{
    for (size_t i = 0; i < WATCHED_MAX; i++)
        if (h->watched[i].pid == pid)
            return &h->watched[i];
    return NULL;
}

static void watch(struct holder *h, pid_t pid)
{
    struct watched *w;

    if (pid <= 0 || find(h, pid))
        return;
    w = find(h, 0);
    if (w)
        *w = (struct watched){ .pid = pid };
}

static void lose_manager(struct holder *h)
{
    h->manager_fd = close_fd(h->manager_fd);
    for (size_t i = 0; i < WATCHED_MAX; i++)
        h->watched[i].reported = false; /* the next one has to be told again */
}

static bool tell(struct holder *h, const struct holder_message *m)
{
    if (h->manager_fd < 0)
        return false;
    if (send(h->manager_fd, m, sizeof *m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t) sizeof *m)
        return true;
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        lose_manager(h);
    return false; /* tried again on the next round */
}

static void report_exits(struct holder *h)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        struct watched *w = &h->watched[i];

        if (w->pid > 0 && w->ended && !w->reported && tell(h, &w->exit)) {
            w->reported = true;
            w->reported_at = now_usec(CLOCK_MONOTONIC);
        }
    }
}

static void reap(struct holder *h, pid_t pid)
{
    struct watched *w = pid > 0 ? find(h, pid) : NULL;

    if (!w || !w->ended)
        return;
    (void) waitid(P_PID, (id_t) pid, &(siginfo_t){ 0 }, WEXITED | WNOHANG);
    w->pid = 0;
}

/* Zombies that nobody watches go at once; those watched wait for the manager. WNOWAIT always shows
 * the same one, so each watched child that may be first in line is asked for by its pid. */
static void reap_children(struct holder *h)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        struct watched *w = &h->watched[i];
        siginfo_t si = { 0 };

        if (w->pid <= 0 || w->ended)
            continue;
        if (waitid(P_PID, (id_t) w->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0) {
            /* A grandchild may still become a child, when its parent ends. */
            if (errno == ECHILD && holder_is_descendant(getpid(), w->pid) <= 0)
                w->pid = 0;
            continue;
        }
        if (si.si_pid != w->pid)
            continue;
        w->ended = true;
        w->exit = (struct holder_message){ HOLDER_EXITED, w->pid, si.si_code, si.si_status };
    }

    /* The others. A child of /proc/self/task/.../children that is a zombie is rare enough to be
     * looked for one by one only while a watched zombie stands in the way of P_ALL. */
    for (;;) {
        siginfo_t si = { 0 };

        if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0) {
            if (errno == EINTR)
                continue;
            h->childless = errno == ECHILD;
            return;
        }
        if (si.si_pid == 0)
            return;
        if (!find(h, si.si_pid)) {
            (void) waitid(P_PID, (id_t) si.si_pid, &si, WEXITED | WNOHANG);
            continue;
        }

        pid_t *pids = NULL;
        size_t n = 0;
        if (holder_descendants(getpid(), &pids, &n) < 0)
            return;
        for (size_t i = 0; i < n; i++)
            if (!find(h, pids[i]))
                (void) waitid(P_PID, (id_t) pids[i], &si, WEXITED | WNOHANG);
        free(pids);
        return;
    }
}

static bool socket_path(struct sockaddr_un *a, const char *dir, pid_t holder)
{
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return !isempty(dir) && snprintf(a->sun_path, sizeof a->sun_path, "%s/%d", dir, holder) <
                                (int) sizeof a->sun_path;
}

int holder_listen(const char *dir)
{
    struct sockaddr_un a;

    if (!socket_path(&a, dir, getpid()))
        return -1;
    auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void) unlink(a.sun_path); /* of an earlier process of this number */
    mode_t mask = umask(0177);
    int r = bind(fd, (struct sockaddr *) &a, sizeof a);
    if (r >= 0)
        r = listen(fd, 4);
    umask(mask);
    return r < 0 ? -1 : take_fd(&fd);
}

static void accept_manager(struct holder *h)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = accept4(h->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        (peer.uid != 0 && peer.uid != geteuid())) {
        close(fd);
        return;
    }
    lose_manager(h);
    h->manager_fd = fd;

    struct {
        struct holder_message m;
        char unit[256];
    } hello = { .m = { HOLDER_UNIT, h->command, 0, 0 } };
    strncpy(hello.unit, h->unit, sizeof hello.unit - 1);
    if (send(fd, &hello, sizeof hello.m + strlen(hello.unit), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        lose_manager(h);
}

static void hear(struct holder *h)
{
    struct holder_message m;
    ssize_t n = recv(h->manager_fd, &m, sizeof m, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != (ssize_t) sizeof m) {
        lose_manager(h);
        return;
    }
    if (m.verb == HOLDER_WATCH)
        watch(h, m.pid);
    else if (m.verb == HOLDER_REAP)
        reap(h, m.pid);
}

/* In a moment, if the manager forgets a zombie or its socket is full; else when something comes. */
static int next_timeout(struct holder *h)
{
    usec_t now = now_usec(CLOCK_MONOTONIC), next = USEC_INFINITY;

    if (h->manager_fd < 0)
        return -1;
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        struct watched *w = &h->watched[i];

        if (w->pid <= 0 || !w->ended)
            continue;
        if (!w->reported)
            next = MIN(next, 20 * USEC_PER_MSEC);
        else if (w->reported_at + REAP_AFTER <= now)
            reap(h, w->pid);
        else
            next = MIN(next, w->reported_at + REAP_AFTER - now);
    }
    return next == USEC_INFINITY ? -1 : (int) (next / USEC_PER_MSEC) + 1;
}

static int holder_run(struct holder *h)
{
    for (;;) {
        reap_children(h);
        report_exits(h);
        int timeout = next_timeout(h);
        if (h->childless)
            return 0;
        /* A zombie reaped just now may have been the last child. */
        if (waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
            return 0;

        struct pollfd fds[] = {
            { h->signal_fd, POLLIN, 0 },
            { h->manager_fd, POLLIN, 0 },
            { h->listen_fd, POLLIN, 0 },
        };
        if (poll(fds, ELEMENTSOF(fds), timeout) < 0)
            continue;
        if (fds[0].revents) {
            struct signalfd_siginfo si;

            while (read(h->signal_fd, &si, sizeof si) > 0)
                ;
        }
        if (fds[1].revents)
            hear(h);
        if (fds[2].revents)
            accept_manager(h);
    }
}

int holder_main(int argc, char *argv[])
{
    struct holder h = { .listen_fd = -1 };
    sigset_t all, child;

    if (argc != 6)
        return 2;
    h.unit = argv[1];
    h.command = atoi(argv[2]);
    h.manager_fd = atoi(argv[3]);
    h.listen_fd = atoi(argv[4]);
    (void) fd_cloexec(h.manager_fd, true);
    if (h.listen_fd >= 0)
        (void) fd_cloexec(h.listen_fd, true);

    /* Only its end, or SIGKILL, ends it: what it holds would go to whoever is above. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    h.signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (h.signal_fd < 0)
        return 1;
    watch(&h, h.command);
    int r = holder_run(&h);
    struct sockaddr_un a;
    if (socket_path(&a, argv[5], getpid()))
        (void) unlink(a.sun_path);
    return r;
}

/* ---- descendants ---- */

struct pid_list {
    pid_t *pids;
    size_t n, allocated;
};

static int add_pid(struct pid_list *l, pid_t pid)
{
    if (!grow(&l->pids, &l->allocated, l->n + 1))
        return -ENOMEM;
    l->pids[l->n++] = pid;
    return 0;
}

/* Returns -ENOENT where the kernel has no such file, or the process is gone. */
static int add_children(struct pid_list *l, pid_t pid)
{
    char path[64];
    int result = 0;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    for (struct dirent *e = readdir(dir); e && result >= 0; e = readdir(dir)) {
        auto_free char *text = NULL;
        char file[300], *save = NULL;

        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/children", e->d_name);
        int r = file_read_at(dirfd(dir), file, 64 * 1024 * 1024, &text, NULL);
        if (r < 0) {
            if (r == -ENOENT && faccessat(dirfd(dir), e->d_name, F_OK, 0) == 0)
                result = -EOPNOTSUPP;
            continue;
        }
        for (char *p = strtok_r(text, " \n", &save); p && result >= 0;
             p = strtok_r(NULL, " \n", &save))
            result = add_pid(l, atoi(p));
    }
    closedir(dir);
    return result;
}

static int parent_of(pid_t pid, pid_t *ret)
{
    char path[64];
    auto_free char *text = NULL;
    int parent;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int r = file_read(path, 4096, &text, NULL);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    const char *end = strrchr(text, ')'); /* a program's name may hold anything */
    if (!end || sscanf(end + 1, " %*c %d", &parent) != 1)
        return -EBADMSG;
    *ret = parent;
    return 0;
}

int holder_is_descendant(pid_t of, pid_t pid)
{
    /* The chain can change below us, never into a cycle that lasts: bounded by the depth. */
    for (int depth = 0; pid > 1 && depth < 4096; depth++) {
        int r = parent_of(pid, &pid);

        if (r < 0)
            return depth > 0 && r == -ESRCH ? 0 : r;
        if (pid == of)
            return 1;
    }
    return 0;
}

static int all_by_parent(pid_t of, struct pid_list *l)
{
    DIR *dir = opendir("/proc");
    int r = 0;

    if (!dir)
        return -errno;
    for (struct dirent *e = readdir(dir); e && r >= 0; e = readdir(dir)) {
        pid_t pid = atoi(e->d_name);

        if (pid > 0 && holder_is_descendant(of, pid) > 0)
            r = add_pid(l, pid);
    }
    closedir(dir);
    return r;
}

int holder_descendants(pid_t of, pid_t **ret_pids, size_t *ret_n)
{
    struct pid_list l = { 0 };
    int r = add_children(&l, of);

    for (size_t i = 0; r >= 0 && i < l.n; i++) {
        r = add_children(&l, l.pids[i]);
        if (r == -ENOENT || r == -ESRCH)
            r = 0;
    }
    if (r == -EOPNOTSUPP) {
        l.n = 0;
        r = all_by_parent(of, &l);
    }
    if (r < 0 && r != -ENOENT) {
        free(l.pids);
        return r;
    }
    if (l.n == 0) {
        free(l.pids);
        l.pids = NULL;
    }
    *ret_pids = l.pids;
    *ret_n = l.n;
    return 0;
}
