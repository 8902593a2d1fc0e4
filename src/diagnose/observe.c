#include "diagnose/observe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"

#define LOOK_EVERY_MSEC 100
#define STOP_PATIENCE (3 * USEC_PER_SEC)
#define PROCESSES_MAX 512

struct watch {
    pid_t main;
    uid_t uid;
    int notify;
    struct observation seen;
    pid_t pids[PROCESSES_MAX];
    size_t n;
};

void observation_done(struct observation *o)
{
    free(o->ports);
    strv_free(o->writes);
    free(o->pid_file);
    *o = (struct observation){};
}

/* ---- the program ---- */

/* Becomes the user, with the one capability that the unit would be given for a low port. */
static int become(uid_t uid, gid_t gid)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const uint32_t low_ports = 1u << CAP_NET_BIND_SERVICE;
    struct __user_cap_data_struct data[2] = { { low_ports, low_ports, low_ports } };

    (void) prctl(PR_SET_KEEPCAPS, 1);
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return errno;
    if (syscall(SYS_capset, &header, data) == 0)
        (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
    return 0;
}

_noreturn_ static void run_child(char *const *argv, uid_t uid, gid_t gid, const char *directory,
                                 const char *notify, int report)
{
    int error = 0;

    (void) setsid();
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) setenv("NOTIFY_SOCKET", notify, 1);
    (void) dup2(STDERR_FILENO, STDOUT_FILENO);
    if (uid != geteuid())
        error = become(uid, gid);
    if (!error && directory && chdir(directory) < 0)
        error = errno;
    if (!error) {
        execvp(argv[0], argv);
        error = errno;
    }
    (void) !write(report, &error, sizeof error);
    _exit(127);
}

/* 0 once the program runs, or the errno of what kept it from it. */
static int start(struct watch *w, char *const *argv, gid_t gid, const char *directory,
                 const char *notify)
{
    int fds[2], error;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    w->main = fork();
    if (w->main == 0)
        run_child(argv, w->uid, gid, directory, notify, fds[1]);
    close(fds[1]);
    auto_close int report = fds[0];
    if (w->main < 0)
        return -errno;
    ssize_t n = read(report, &error, sizeof error);
    if (n == (ssize_t) sizeof error) {
        (void) waitpid(w->main, NULL, 0);
        return -error;
    }
    return 0;
}

/* ---- looking ---- */

/* Our descendants: every orphan of theirs becomes our child. */
static void find_processes(struct watch *w)
{
    auto_closedir DIR *proc = opendir("/proc");
    struct {
        pid_t pid, parent;
    } all[4096];
    size_t n = 0;
    bool more = true;

    for (struct dirent *d; proc && n < ELEMENTSOF(all) && (d = readdir(proc));) {
        struct process_stat st;
        pid_t pid = isdigit((unsigned char) *d->d_name) ? (pid_t) atoi(d->d_name) : 0;

        if (pid > 0 && process_stat(pid, &st) >= 0 && st.state != 'Z') {
            all[n].pid = pid;
            all[n++].parent = st.ppid;
        }
    }
    w->n = 0;
    while (more) {
        more = false;
        for (size_t i = 0; i < n; i++) {
            bool ours = all[i].parent == getpid();

            for (size_t k = 0; k < w->n && !ours; k++)
                ours = w->pids[k] == all[i].parent;
            if (!ours || all[i].pid == 0 || w->n == PROCESSES_MAX)
                continue;
            w->pids[w->n++] = all[i].pid;
            all[i].pid = 0;
            all[i].parent = -1;
            more = true;
        }
    }
}

static bool is_ours(const struct watch *w, pid_t pid)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->pids[i] == pid)
            return true;
    return false;
}

static int add_port(struct observation *o, unsigned port)
{
    size_t n = 0;

    while (o->ports && o->ports[n] && o->ports[n] != port)
        n++;
    if (o->ports && o->ports[n])
        return 0;
    unsigned *more = realloc(o->ports, (n + 2) * sizeof *more);
    if (!more)
        return -ENOMEM;
    more[n] = port;
    more[n + 1] = 0;
    o->ports = more;
    return 0;
}

static int look_at_ports(struct watch *w)
{
    auto_free struct socket_entry *list = NULL;
    size_t n = 0;
    int r = sockets_listening(SOCKET_TCP, 0, &list, &n);

    for (size_t i = 0; r >= 0 && i < n; i++)
        for (size_t k = 0; k < w->n; k++)
            if (socket_is_held(list[i].inode, w->pids[k]) > 0) {
                r = add_port(&w->seen, socket_address_port(&list[i].local));
                break;
            }
    return r;
}

/* Files that the process has open for writing. */
static int look_at_files(struct watch *w, pid_t pid)
{
    char folder[64], path[128];
    int r = 0;

    snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
    auto_closedir DIR *dir = opendir(folder);
    for (struct dirent *d; dir && r >= 0 && (d = readdir(dir));) {
        auto_free char *target = NULL, *info = NULL;
        struct stat st;

        if (!isdigit((unsigned char) *d->d_name))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd/%.16s", pid, d->d_name);
        if (readlink_alloc(path, &target) < 0 || *target != '/' || stat(path, &st) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%.16s", pid, d->d_name);
        if (file_read(path, 4096, &info, NULL) < 0)
            continue;
        const char *flags = strstr(info, "flags:");
        bool writes = flags && (strtoul(flags + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
        struct stat own;
        bool output = fstat(STDERR_FILENO, &own) >= 0 && own.st_ino == st.st_ino;
        if (writes && !output && !strv_contains(w->seen.writes, target))
            r = strv_add(&w->seen.writes, target);
    }
    return r;
}

static int look_at_pid_files(struct watch *w)
{
    auto_strv char **found = NULL;
    int r = path_glob("/run/{*pid,*/*pid}", &found);

    STRV_FOREACH (path, found) {
        auto_free char *line = NULL;

        if (file_read_line(*path, &line) >= 0 && is_ours(w, (pid_t) atoi(line))) {
            w->seen.pid_file = strdup(*path);
            break;
        }
    }
    return r < 0 ? r : 0;
}

static void read_notifications(struct watch *w)
{
    char text[4096];
    ssize_t n;

    while ((n = recv(w->notify, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[n] = 0;
        if (strstr(text, "READY=1"))
            w->seen.ready = true;
    }
}

static int look(struct watch *w)
{
    struct process_ids ids;
    int r = 0;

    find_processes(w);
    read_notifications(w);
    for (size_t i = 0; i < w->n && r >= 0; i++) {
        r = look_at_files(w, w->pids[i]);
        if (process_ids(w->pids[i], &ids) >= 0 && ids.euid != w->uid)
            w->seen.other_users = true;
    }
    return r < 0 ? r : look_at_ports(w);
}

/* Waits for what has ended; notes the end of the first process. */
static void reap(struct watch *w)
{
    siginfo_t info = {};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
        if (info.si_pid == w->main) {
            w->seen.exited = true;
            w->seen.code = info.si_code;
            w->seen.status = info.si_status;
        }
        info.si_pid = 0;
    }
}

static void stop_all(struct watch *w)
{
    usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), STOP_PATIENCE);
    struct observation before = w->seen;
    int signo = SIGTERM;

    for (;;) {
        find_processes(w);
        for (size_t i = 0; i < w->n; i++)
            (void) kill(w->pids[i], signo);
        (void) poll(NULL, 0, LOOK_EVERY_MSEC / 4);
        reap(w);
        find_processes(w);
        if (w->n == 0)
            break;
        if (now_usec(CLOCK_MONOTONIC) > deadline)
            signo = SIGKILL;
    }
    w->seen = before;
}

static int notify_socket(char path[static 64])
{
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (fd < 0)
        return -errno;
    /* Abstract, so that nothing is left behind and every user may send. */
    snprintf(path, 64, "@reeve-draft-%d", getpid());
    memcpy(address.sun_path + 1, path + 1, strlen(path) - 1);
    if (bind(fd, (struct sockaddr *) &address,
             (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        return -errno;
    return take_fd(&fd);
}

int observe(char *const *argv, uid_t uid, gid_t gid, const char *directory, usec_t duration,
            struct observation *ret)
{
    struct watch w = { .uid = uid };
    char path[64];
    auto_close int notify = notify_socket(path);

    if (notify < 0)
        return notify;
    w.notify = notify;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    int r = start(&w, argv, gid, directory, path);
    usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), duration);
    while (r >= 0) {
        reap(&w);
        r = look(&w);
        if (w.seen.exited && w.n == 0)
            break;
        w.seen.daemon = w.seen.exited;
        if (now_usec(CLOCK_MONOTONIC) >= deadline)
            break;
        (void) poll(NULL, 0, LOOK_EVERY_MSEC);
    }
    if (r >= 0)
        r = look_at_pid_files(&w);
    if (w.main > 0)
        stop_all(&w);
    (void) prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (r < 0)
        observation_done(&w.seen);
    else
        *ret = w.seen;
    return r;
}
