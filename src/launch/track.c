/* launch/track.c -- which processes belong to a unit: one interface over cgroups and holders. */
#include "launch/track.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/str.h"
#include "launch/fork.h"
#include "launch/holder.h"

#define START_TIMEOUT_SEC 5
#define KILL_ROUNDS 64
#define DISPATCH_MAX 64 /* events a call, so that a flood does not starve the rest of the loop */

struct tracked_holder {
    struct tracker *tracker;
    pid_t pid;
    int fd;
    struct tracked_holder *next;
};

struct tracker {
    struct track_host *host;
    char *unit;
    void *userdata;

    char *cgroup; /* as ControlGroup= shows it; NULL with holders */
    int cgroup_fd;
    int watch; /* inotify's; -1 */

    struct tracked_holder *holders;
};

const char *track_kind_name(enum track_kind kind)
{
    static const char *const names[] = { [TRACK_CGROUP] = "cgroup", [TRACK_HOLDER] = "holder" };
    static_assert(ELEMENTSOF(names) == TRACK_KIND_MAX, "every kind has a name");

    return names[kind];
}

/* ---- the host ---- */

static int init_cgroup(struct track_host *h, char **why_not)
{
    int r = cgroup_root_open(&h->cgroup);

    if (r < 0) {
        if (why_not)
            *why_not = r == -ENOMEDIUM
                           ? strdup("no cgroup2 file system is mounted")
                           : format("the cgroup tree cannot be written: %s", strerror(-r));
        return r;
    }
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
    h->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (h->inotify_fd < 0 || epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->inotify_fd, &e) < 0) {
        r = -errno;
        if (why_not)
            *why_not = format("inotify is not to be had: %s", strerror(-r));
        h->inotify_fd = close_fd(h->inotify_fd);
        cgroup_root_done(&h->cgroup);
        return r;
    }
    h->kind = TRACK_CGROUP;
    return 0;
}

static int init_holders(struct track_host *h, const char *runtime_dir)
{
    h->kind = TRACK_HOLDER;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    if (!runtime_dir)
        return 0;
    h->holder_dir = path_join(runtime_dir, "holders", NULL);
    if (!h->holder_dir)
        return -ENOMEM;
    /* Without the folder holders work, and cannot be found again after a crash. */
    if (mkdir_all(h->holder_dir, 0700) < 0) {
        free(h->holder_dir);
        h->holder_dir = NULL;
    }
    return 0;
}

int track_host_init(struct track_host *h, const char *runtime_dir, bool allow_cgroup,
                    const struct track_events *events, void *userdata, char **why_not)
{
    *h = (struct track_host){
        .inotify_fd = -1, .cgroup.fd = -1, .events = *events, .userdata = userdata
    };
    h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (h->epoll_fd < 0)
        return -errno;
    h->by_watch = new0(struct map, 1);
    if (!h->by_watch) {
        track_host_done(h);
        return -ENOMEM;
    }
    if (why_not)
        *why_not = NULL;

    if (allow_cgroup && init_cgroup(h, why_not) >= 0)
        return 0;
    if (!allow_cgroup && why_not)
        *why_not = strdup("cgroups are switched off");
    int r = init_holders(h, runtime_dir);
    if (r < 0)
        track_host_done(h);
    return r;
}

void track_host_done(struct track_host *h)
{
    if (h->by_watch) {
        map_done(h->by_watch);
        free(h->by_watch);
        h->by_watch = NULL;
    }
    h->inotify_fd = close_fd(h->inotify_fd);
    h->epoll_fd = close_fd(h->epoll_fd);
    if (h->kind == TRACK_CGROUP)
        cgroup_root_done(&h->cgroup);
    free(h->holder_dir);
    h->holder_dir = NULL;
}

static void dispatch_inotify(struct track_host *h)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(h->inotify_fd, buffer, sizeof buffer);

    for (char *p = buffer; n > 0 && p < buffer + n;) {
        const struct inotify_event *e = (const struct inotify_event *) p;

        p += sizeof *e + e->len;
        /* Each is looked up anew: the callback may have freed any tracker. */
        struct tracker *t = e->wd >= 0 ? map_get_u64(h->by_watch, (uint64_t) e->wd) : NULL;
        if (t && tracker_is_empty(t))
            h->events.empty(t, h->userdata);
    }
}

static void holder_unlink(struct tracked_holder *holder)
{
    struct tracker *t = holder->tracker;

    for (struct tracked_holder **p = &t->holders; *p; p = &(*p)->next)
        if (*p == holder) {
            *p = holder->next;
            break;
        }
    t->host->serial++;
    /* Closing is not enough: a child before its execve(), or the state that is kept for the next
     * manager, can hold the same socket, and epoll would report it for ever. */
    (void) epoll_ctl(t->host->epoll_fd, EPOLL_CTL_DEL, holder->fd, NULL);
    close_fd(holder->fd);
    free(holder);
}

static void dispatch_holder(struct track_host *h, struct tracked_holder *holder)
{
    struct tracker *t = holder->tracker;
    struct holder_message m;
    ssize_t n = recv(holder->fd, &m, sizeof m, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == (ssize_t) sizeof m) {
        if (m.verb == HOLDER_EXITED) {
            struct track_exit e = { m.pid, m.code, m.status };

            h->events.exited(t, &e, h->userdata);
        }
        return;
    }
    /* Its end: nothing is left below it. */
    holder_unlink(holder);
    if (!t->holders)
        h->events.empty(t, h->userdata);
}

void track_dispatch(struct track_host *h)
{
    for (int i = 0; i < DISPATCH_MAX; i++) {
        struct epoll_event e;

        /* One at a time: the callback may free the holder of the next. */
        if (epoll_wait(h->epoll_fd, &e, 1, 0) != 1)
            return;
        if (e.data.ptr)
            dispatch_holder(h, e.data.ptr);
        else
            dispatch_inotify(h);
    }
}

/* ---- one unit ---- */

int tracker_new(struct track_host *h, const char *unit, const char *slice, void *unit_userdata,
                struct tracker **ret)
{
    struct tracker *t = new0(struct tracker, 1);

    if (!t)
        return -ENOMEM;
    t->host = h;
    t->userdata = unit_userdata;
    t->cgroup_fd = t->watch = -1;
    t->unit = strdup(unit ? unit : slice);
    if (h->kind == TRACK_CGROUP)
        t->cgroup = cgroup_path_of(slice, unit);
    if (!t->unit || (h->kind == TRACK_CGROUP && !t->cgroup)) {
        tracker_free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

int tracker_place(struct tracker *t, const char *cgroup)
{
    return t->host->kind == TRACK_CGROUP && t->cgroup_fd < 0 ? str_replace(&t->cgroup, cgroup) : 0;
}

static void unwatch(struct tracker *t)
{
    if (t->watch >= 0) {
        map_remove_u64(t->host->by_watch, (uint64_t) t->watch);
        (void) inotify_rm_watch(t->host->inotify_fd, t->watch);
        t->watch = -1;
    }
    t->cgroup_fd = close_fd(t->cgroup_fd);
}

void tracker_free(struct tracker *t)
{
    if (!t)
        return;
    unwatch(t);
    while (t->holders)
        holder_unlink(t->holders);
    t->host->serial++;
    free(t->cgroup);
    free(t->unit);
    free(t);
}

void *tracker_unit(const struct tracker *t)
{
    return t->userdata;
}

enum track_kind tracker_kind(const struct tracker *t)
{
    return t->host->kind;
}

const char *tracker_cgroup(const struct tracker *t)
{
    return t->cgroup_fd >= 0 ? t->cgroup : "";
}

int tracker_cgroup_fd(const struct tracker *t)
{
    return t->cgroup_fd;
}

int tracker_realize(struct tracker *t)
{
    struct track_host *h = t->host;

    if (h->kind != TRACK_CGROUP)
        return 0;
    if (t->cgroup_fd >= 0) {
        /* Removed behind our back, it has to be made anew. */
        if (cgroup_exists(t->cgroup_fd))
            return 0;
        unwatch(t);
    }
    auto_close int fd = -1;
    int made = cgroup_create(&h->cgroup, t->cgroup, &fd), r;
    if (made < 0)
        return made;

    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/cgroup.events", fd);
    int watch = inotify_add_watch(h->inotify_fd, path, IN_MODIFY);
    if (watch < 0)
        return -errno;
    r = map_put_u64(h->by_watch, (uint64_t) watch, t);
    if (r < 0) {
        (void) inotify_rm_watch(h->inotify_fd, watch);
        return r;
    }
    t->watch = watch;
    t->cgroup_fd = take_fd(&fd);
    return made;
}

int tracker_remove(struct tracker *t)
{
    if (t->host->kind != TRACK_CGROUP)
        return tracker_is_empty(t) ? 0 : -EBUSY;
    int r = cgroup_remove(&t->host->cgroup, t->cgroup);
    if (r >= 0)
        unwatch(t);
    return r;
}

int tracker_contains(const struct tracker *t, pid_t pid)
{
    if (t->host->kind == TRACK_CGROUP) {
        auto_free char *path = NULL;

        if (t->cgroup_fd < 0)
            return 0;
        int r = cgroup_of_pid(&t->host->cgroup, pid, &path);
        if (r < 0)
            return r == -ENXIO ? 0 : r;
        const char *rest = startswith(path, t->cgroup);
        return rest && (!*rest || *rest == '/');
    }
    int result = 0;
    for (struct tracked_holder *x = t->holders; x; x = x->next) {
        result = holder_is_descendant(x->pid, pid);
        if (result != 0)
            return result;
    }
    return result;
}

static int add_descendants(const struct tracked_holder *x, pid_t **pids, size_t *n)
{
    auto_free pid_t *more = NULL;
    size_t n_more = 0;
    int r = holder_descendants(x->pid, &more, &n_more);

    if (r < 0 || n_more == 0)
        return r;
    pid_t *all = reallocarray(*pids, *n + n_more, sizeof *all);
    if (!all)
        return -ENOMEM;
    memcpy(all + *n, more, n_more * sizeof *all);
    *pids = all;
    *n += n_more;
    return 0;
}

int tracker_pids(const struct tracker *t, pid_t **ret_pids, size_t *ret_n)
{
    pid_t *pids = NULL;
    size_t n = 0;
    int r = 0;

    if (t->host->kind == TRACK_CGROUP) {
        if (t->cgroup_fd >= 0)
            r = cgroup_pids(t->cgroup_fd, &pids, &n);
    } else {
        for (struct tracked_holder *x = t->holders; x && r >= 0; x = x->next)
            r = add_descendants(x, &pids, &n);
    }
    if (r < 0) {
        free(pids);
        return r;
    }
    *ret_pids = pids;
    *ret_n = n;
    return 0;
}

bool tracker_is_empty(const struct tracker *t)
{
    if (t->host->kind == TRACK_CGROUP)
        return t->cgroup_fd < 0 || cgroup_populated(t->cgroup_fd) == 0;
    return !t->holders;
}

static bool contains_pid(const pid_t *pids, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

int tracker_kill(const struct tracker *t, int signal, const pid_t *except, size_t n_except)
{
    auto_free pid_t *done = NULL;
    size_t n_done = 0, allocated = 0;
    int failed = 0, rounds = KILL_ROUNDS;
    bool found = true;

    /* Again until no new process appears: those just forked have to be found, too. */
    for (; found && rounds > 0; rounds--) {
        auto_free pid_t *pids = NULL;
        size_t n = 0;
        int r = tracker_pids(t, &pids, &n);

        if (r < 0)
            return r;
        found = false;
        for (size_t i = 0; i < n; i++) {
            if (contains_pid(except, n_except, pids[i]) || contains_pid(done, n_done, pids[i]))
                continue;
            if (kill(pids[i], signal) < 0 && errno != ESRCH)
                failed = -errno;
            if (!grow(&done, &allocated, n_done + 1))
                return -ENOMEM;
            done[n_done++] = pids[i];
            found = true;
        }
    }
    /* Last, against what forks faster than it is found: from then on some kernels (seen with 6.18)
     * kill whatever is started in that cgroup by clone3(2), an ExecStopPost= for one
     * (test_survival, test_commands_run_after_a_kill). */
    if (found && signal == SIGKILL && n_except == 0 && t->host->kind == TRACK_CGROUP &&
        t->host->cgroup.can_kill)
        (void) cgroup_kill_all(t->cgroup_fd);
    return n_done == 0 && failed < 0 ? failed : (int) n_done;
}

int tracker_freeze(struct tracker *t, bool freeze)
{
    if (t->host->kind != TRACK_CGROUP || t->cgroup_fd < 0)
        return -EOPNOTSUPP;
    return cgroup_freeze(t->cgroup_fd, freeze);
}

/* ---- holders ---- */

static struct tracked_holder *holder_of(const struct tracker *t, pid_t pid)
{
    for (struct tracked_holder *x = t->holders; x; x = x->next) {
        char path[64];
        auto_free char *text = NULL;
        int parent = 0;

        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (file_read(path, 4096, &text, NULL) < 0)
            return NULL;
        const char *end = strrchr(text, ')');
        if (end && sscanf(end + 1, " %*c %d", &parent) == 1 && parent == x->pid)
            return x;
    }
    return NULL;
}

static int holder_send(const struct tracked_holder *x, enum holder_verb verb, pid_t pid)
{
    struct holder_message m = { .verb = (int) verb, .pid = pid };

    return send(x->fd, &m, sizeof m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int tracker_watch(struct tracker *t, pid_t pid)
{
    if (t->host->kind == TRACK_CGROUP)
        return 0;
    struct tracked_holder *x = holder_of(t, pid);
    /* A grandchild becomes the holder's child when its parent ends: then it is reported. */
    for (struct tracked_holder *p = t->holders; p && !x; p = p->next)
        if (holder_is_descendant(p->pid, pid) > 0)
            x = p;
    return x ? holder_send(x, HOLDER_WATCH, pid) : -ESRCH;
}

void tracker_reap(struct tracker *t, pid_t pid)
{
    /* To all of them: a holder that does not know the pid does nothing. */
    for (struct tracked_holder *x = t->holders; x; x = x->next)
        (void) holder_send(x, HOLDER_REAP, pid);
}

bool tracker_waits_for(const struct tracker *t, pid_t pid)
{
    return t->host->kind == TRACK_HOLDER && holder_of(t, pid);
}

int tracker_holder(const struct tracker *t, size_t i, pid_t *ret_pid, int *ret_fd)
{
    struct tracked_holder *x = t->holders;

    for (; x && i > 0; i--)
        x = x->next;
    if (!x)
        return -ENOENT;
    *ret_pid = x->pid;
    *ret_fd = x->fd;
    return 0;
}

int tracker_adopt(struct tracker *t, pid_t holder, int fd)
{
    auto_close int owned = fd;
    auto_free struct tracked_holder *x = new0(struct tracked_holder, 1);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = x };

    if (!x)
        return -ENOMEM;
    if (epoll_ctl(t->host->epoll_fd, EPOLL_CTL_ADD, owned, &e) < 0)
        return -errno;
    x->tracker = t;
    x->pid = holder;
    x->fd = take_fd(&owned);
    x->next = t->holders;
    t->holders = take_ptr(x);
    return 0;
}

/* Connects to a holder and learns whose it is. */
static int ask_holder(const char *dir, const char *name, char unit[static 256], pid_t *ret_pid)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct {
        struct holder_message m;
        char unit[256];
    } hello = { 0 };
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name) >=
        (int) sizeof address.sun_path)
        return -ENAMETOOLONG;
    auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct timeval patience = { .tv_sec = START_TIMEOUT_SEC };
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0) {
        if (errno == ECONNREFUSED)
            (void) unlink(address.sun_path); /* it ended without its last words */
        return -errno;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    if (peer.uid != geteuid())
        return -EPERM;
    ssize_t n = recv(fd, &hello, sizeof hello - 1, 0);
    if (n <= (ssize_t) sizeof hello.m || hello.m.verb != HOLDER_UNIT)
        return -EBADMSG;
    memcpy(unit, hello.unit, 256);
    *ret_pid = peer.pid;
    return take_fd(&fd);
}

int track_host_find(struct track_host *h,
                    struct tracker *(*found)(const char *unit, pid_t holder, void *userdata),
                    void *userdata)
{
    int adopted = 0;

    if (!h->holder_dir)
        return 0;
    DIR *dir = opendir(h->holder_dir);
    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char unit[256];
        pid_t pid = 0;

        if (e->d_name[0] == '.')
            continue;
        int fd = ask_holder(h->holder_dir, e->d_name, unit, &pid);
        if (fd < 0)
            continue;
        struct tracker *t = found(unit, pid, userdata);
        if (!t)
            close(fd);
        else if (tracker_adopt(t, pid, fd) >= 0)
            adopted++;
    }
    closedir(dir);
    return adopted;
}

/* In the process between the manager and the command: becomes the holder. */
_noreturn_ static void become_holder(struct tracker *t, int fd, int listen_fd, pid_t command,
                                     bool shared)
{
    char pid_text[16], fd_text[16], listen_text[16];

    snprintf(pid_text, sizeof pid_text, "%d", command);
    snprintf(fd_text, sizeof fd_text, "%d", fd);
    snprintf(listen_text, sizeof listen_text, "%d", listen_fd);
    char *argv[] = { (char *) HOLDER_NAME,
                     t->unit,
                     pid_text,
                     fd_text,
                     listen_text,
                     (char *) strempty(t->host->holder_dir),
                     NULL };
    (void) fd_cloexec(fd, false);
    if (listen_fd >= 0)
        (void) fd_cloexec(listen_fd, false);
    /* None of the manager's own descriptors: who reads its output must see its end. */
    auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        if (null >= 0)
            (void) dup2(null, i);
    (void) chdir("/");
    execve("/proc/self/exe", argv, (char *[]){ NULL });
    /* No /proc: go on as we are, unless that would be in the manager's memory. */
    _exit(shared ? 1 : holder_main(6, argv));
}

static int send_started(int fd, pid_t command, int pidfd)
{
    struct holder_message m = { .verb = HOLDER_STARTED, .pid = command };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { &m, sizeof m };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &pidfd, sizeof pidfd);
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_started(int fd, pid_t *ret_pid, int *ret_pidfd)
{
    struct holder_message m;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { &m, sizeof m };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct timeval patience = { .tv_sec = START_TIMEOUT_SEC };
    ssize_t n;

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int pidfd = -1;
    if (n == (ssize_t) sizeof m && c && c->cmsg_type == SCM_RIGHTS)
        memcpy(&pidfd, CMSG_DATA(c), sizeof pidfd);
    if (n != (ssize_t) sizeof m || m.verb != HOLDER_STARTED || pidfd < 0) {
        close_fd(pidfd);
        /* The process between could not fork. */
        return n == (ssize_t) sizeof m && m.status < 0 ? m.status : -EAGAIN;
    }
    *ret_pid = m.pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* What the process between the manager and the command is about to do. */
struct below_holder {
    struct tracker *tracker;
    unsigned flags; /* of enum fork_flag */
    fork_function run;
    void *userdata;
    int fd; /* its end of the pair; close-on-exec, so that the command does not keep it */
};

static int hold(void *userdata)
{
    const struct below_holder *b = userdata;
    int pidfd = -1;

    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void) setsid();
    pid_t command = fork_process(-1, b->flags, b->run, b->userdata, &pidfd);
    int listen_fd = holder_listen(b->tracker->host->holder_dir);
    if (command < 0 || send_started(b->fd, command, pidfd) < 0) {
        struct holder_message m = { .status = command < 0 ? (int) command : -EIO };

        (void) send(b->fd, &m, sizeof m, MSG_NOSIGNAL);
        _exit(1);
    }
    become_holder(b->tracker, b->fd, listen_fd, command, b->flags & FORK_SHARE);
}

static int fork_below_holder(struct tracker *t, unsigned flags, fork_function f, void *userdata,
                             pid_t *ret_pid, int *ret_pidfd)
{
    int pair[2], holder_pidfd = -1, pidfd = -1;
    pid_t command = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    auto_close int ours = pair[0], theirs = pair[1];
    if (access("/proc/self/exe", X_OK) < 0)
        flags &= ~(unsigned) FORK_SHARE;
    struct below_holder below = { t, flags, f, userdata, theirs };

    pid_t holder = fork_process(-1, flags & FORK_SHARE, hold, &below, &holder_pidfd);
    if (holder < 0)
        return (int) holder;
    close_fd(holder_pidfd);
    theirs = close_fd(theirs);
    int r = receive_started(ours, &command, &pidfd);
    if (r >= 0)
        r = tracker_adopt(t, holder, take_fd(&ours));
    if (r < 0) {
        close_fd(pidfd);
        (void) kill(holder, SIGKILL);
        return r;
    }
    *ret_pid = command;
    *ret_pidfd = pidfd;
    return 0;
}

/* Asked before each launch: one read, no memory. */
static bool is_known_to_run(int cgroup_fd)
{
    char text[256];
    auto_close int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (n <= 0)
        return false;
    text[n] = 0;
    return strstr(text, "frozen 0");
}

static int fork_into_cgroup(struct tracker *t, const char *subgroup, unsigned flags,
                            fork_function f, void *userdata, pid_t *ret_pid, int *ret_pidfd)
{
    auto_close int sub = -1;
    int pidfd = -1;

    if (t->cgroup_fd < 0)
        return -ENODEV;
    if (!isempty(subgroup)) {
        if (mkdirat(t->cgroup_fd, subgroup, 0755) < 0 && errno != EEXIST)
            return -errno;
        sub = openat(t->cgroup_fd, subgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (sub < 0)
            return -errno;
    }
    /* Born frozen, it would never execute anything, and we would wait for it. */
    if (flags & FORK_SHARE && !is_known_to_run(t->cgroup_fd))
        flags &= ~(unsigned) FORK_SHARE;
    pid_t pid = fork_process(sub >= 0 ? sub : t->cgroup_fd, flags, f, userdata, &pidfd);
    if (pid < 0)
        return (int) pid;
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

int tracker_fork(struct tracker *t, const char *subgroup, unsigned flags, fork_function f,
                 void *userdata, pid_t *ret_pid, int *ret_pidfd)
{
    return t->host->kind == TRACK_CGROUP
               ? fork_into_cgroup(t, subgroup, flags, f, userdata, ret_pid, ret_pidfd)
               : fork_below_holder(t, flags, f, userdata, ret_pid, ret_pidfd);
}
