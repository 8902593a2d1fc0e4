#include "diagnose/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/run.h"
#include "launch/cgroup.h"
#include "launch/mount_call.h"

#define CGROUP_PREFIX "reeve-copy-"
#define BOOT_LIMIT (20 * USEC_PER_SEC)
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

struct copy {
    pid_t pid; /* its PID 1 */
    int pidfd;
    struct cgroup_root cgroups;
    char *cgroup; /* NULL: it has none of its own */
};

/* ---- inside, before its PID 1 runs
 * -------------------------------------------------------------------- */

/* One mount of the machine, opened before anything is mounted over it. */
struct source {
    char *path;
    int fd;
};

struct building {
    const char *root; /* where the copy's root is being built */
    const char *base; /* the memory that it is built on */
    struct source *sources;
    size_t n, allocated;
    int report; /* what could not be done is written there */
};

/* To the parent: "-" and a note, or "!" and why it cannot be done. */
static void tell(const struct building *b, char kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    auto_free char *line = format("%c%s\n", kind, strempty(text));
    if (line)
        (void) fd_write_all(b->report, line, strlen(line));
}

/* Of the kernel: made anew or left out. */
static const char *const kernel_types[] = {
    "proc",        "sysfs",   "cgroup",     "cgroup2",   "devpts",     "mqueue",   "bpf",
    "tracefs",     "debugfs", "securityfs", "pstore",    "efivarfs",   "configfs", "fusectl",
    "binfmt_misc", "autofs",  "hugetlbfs",  "selinuxfs", "rpc_pipefs", "nsfs",     NULL
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct source *) a)->path, ((const struct source *) b)->path);
}

static int read_sources(struct building *b)
{
    auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
    auto_free char *line = NULL;
    size_t allocated = 0;

    if (!f)
        return -errno;
    while (getline(&line, &allocated, f) > 0) {
        auto_strv char **fields = strv_split(line, " \n");
        auto_free char *path = NULL;
        size_t at = 6, seen;

        while (fields && at < strv_length(fields) && !streq(fields[at], "-"))
            at++;
        if (!fields || !fields[at] || !fields[at + 1] || c_unescape(fields[4], true, &path) < 0)
            continue;
        if (strv_contains((char **) kernel_types, fields[at + 1]) ||
            path_startswith(path, "/proc") || path_startswith(path, "/sys"))
            continue;
        for (seen = 0; seen < b->n && !streq(b->sources[seen].path, path);)
            seen++; /* of several on one folder the last is what is seen */
        if (seen < b->n)
            continue;
        int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        if (!grow(&b->sources, &b->allocated, b->n + 1))
            return -ENOMEM;
        b->sources[b->n++] = (struct source){ .path = take_ptr(path), .fd = fd };
    }
    qsort(b->sources, b->n, sizeof *b->sources, by_path);
    return b->n > 0 && streq(b->sources[0].path, "/") ? 0 : -ENXIO;
}

static unsigned long flags_of(int fd)
{
    static const struct {
        unsigned long have, set;
    } flags[] = { { ST_RDONLY, MS_RDONLY },
                  { ST_NOSUID, MS_NOSUID },
                  { ST_NODEV, MS_NODEV },
                  { ST_NOEXEC, MS_NOEXEC } };
    struct statvfs sb;
    unsigned long set = 0;

    for (size_t i = 0; fstatvfs(fd, &sb) == 0 && i < ELEMENTSOF(flags); i++)
        if (sb.f_flag & flags[i].have)
            set |= flags[i].set;
    return set;
}

/* The same files, of which none can be written. */
static int show_read_only(const char *from, const char *to, unsigned long flags)
{
    if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
        return -errno;
    return 0;
}

static int lay_over(const struct building *b, const struct source *s, const char *to)
{
    struct stat st;
    auto_free char *from = format("/proc/self/fd/%d", s->fd);
    auto_free char *upper = format("%s/upper%d", b->base, s->fd);
    auto_free char *work = format("%s/work%d", b->base, s->fd);
    auto_free char *options = format("lowerdir=%s,upperdir=%s,workdir=%s", from, upper, work);

    if (!from || !upper || !work || !options)
        return -ENOMEM;
    if (fstat(s->fd, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return show_read_only(from, to, flags_of(s->fd));
    /* The folder itself is the upper one's. */
    if (mkdir(upper, 0755) < 0 || mkdir(work, 0700) < 0 || chown(upper, st.st_uid, st.st_gid) < 0 ||
        chmod(upper, st.st_mode & 07777) < 0)
        return -errno;
    if (mount("overlay", to, "overlay", flags_of(s->fd), options) == 0)
        return 0;
    if (s == b->sources)
        return -errno;
    int r = show_read_only(from, to, flags_of(s->fd));
    if (r >= 0)
        tell(b, '-', "%s can only be read: nothing can be laid over it", s->path);
    return r;
}

/* Mounts a file system of the kernel, if the folder is there. */
static void mount_fresh(const struct building *b, const char *type, const char *path,
                        unsigned long flags, const char *options)
{
    auto_free char *to = path_join(b->root, path, NULL);

    if (to && access(to, F_OK) == 0)
        (void) mount(type, to, type, flags, options);
}

static void hide(const struct building *b)
{
    static const char *const folders[] = {
        "/run/reeve",       "/run/dbus", "/run/log/journal",
        "/var/log/journal", "/run/user", "/run/systemd/journal"
    };
    static const char *const sockets[] = { "/run/systemd/private",
                                           "/run/systemd/notify",
                                           "/run/docker.sock",
                                           "/run/containerd/containerd.sock",
                                           "/run/podman/podman.sock",
                                           "/run/crio/crio.sock",
                                           "/run/snapd.socket",
                                           "/run/libvirt/libvirt-sock",
                                           "/run/systemd/io.systemd.Manager" };
    /* What the machine has done at boot is not done again. */
    static const char *const booted[] = { "sysinit", "basic",   "local-fs",   "local-fs-pre",
                                          "swap",    "sockets", "timers",     "paths",
                                          "slices",  "network", "network-pre" };
    static const char *const places[] = {
        "/etc/systemd/system",           "/run/systemd/system", "/usr/lib/systemd/system",
        "/usr/local/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator"
    };

    for (size_t i = 0; i < ELEMENTSOF(folders); i++)
        mount_fresh(b, "tmpfs", folders[i], MS_NOSUID | MS_NODEV, "mode=755");
    for (size_t i = 0; i < ELEMENTSOF(sockets); i++) {
        auto_free char *path = path_join(b->root, sockets[i], NULL);

        if (path)
            (void) unlink(path);
    }
    for (size_t i = 0; i < ELEMENTSOF(booted) * ELEMENTSOF(places); i++) {
        auto_free char *path = format("%s%s/%s.target.wants", b->root,
                                      places[i / ELEMENTSOF(booted)],
                                      booted[i % ELEMENTSOF(booted)]);

        if (path)
            (void) remove_all(path);
    }
}

/* A disk is no file system that an overlay could protect, and neither is what these drive. */
static void remove_devices(const struct building *b)
{
    static const char *const drivers[] = { "watchdog",     "rtc",           "sg",
                                           "nvme",         "mem",           "port",
                                           "loop-control", "btrfs-control", "uinput" };
    auto_free char *path = path_join(b->root, "dev", NULL);
    auto_closedir DIR *d = path ? opendir(path) : NULL;
    struct dirent *e;
    struct stat st;

    while (d && (e = readdir(d))) {
        bool remove = fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISBLK(st.st_mode);

        for (size_t i = 0; i < ELEMENTSOF(drivers); i++)
            remove |= startswith(e->d_name, drivers[i]) != NULL;
        if (remove)
            (void) unlinkat(dirfd(d), e->d_name, 0);
    }
}

/* What all containers share of the kernel. */
static void close_kernel(const struct building *b)
{
    static const char *const shared[] = { "proc/sys", "proc/sysrq-trigger", "proc/irq",
                                          "proc/bus" };
    static const int capabilities[] = { CAP_SYS_TIME, CAP_SYS_MODULE, CAP_SYS_RAWIO,
                                        CAP_WAKE_ALARM };

    for (size_t i = 0; i < ELEMENTSOF(shared); i++) {
        auto_free char *path = path_join(b->root, shared[i], NULL);

        if (path)
            (void) show_read_only(path, path, 0);
    }
    for (size_t i = 0; i < ELEMENTSOF(capabilities); i++)
        (void) prctl(PR_CAPBSET_DROP, capabilities[i], 0, 0, 0);
}

static int build(struct building *b)
{
    static const char *const bases[] = { "/tmp", "/mnt", "/run", "/var" };
    int r = read_sources(b);

    if (r < 0)
        return r;
    r = mount_set_propagation(MS_PRIVATE);
    if (r < 0) {
        tell(b, '!', "nothing can be mounted in private: %s", strerror(-r));
        return r;
    }
    for (size_t i = 0; !b->base && i < ELEMENTSOF(bases); i++)
        if (mount("tmpfs", bases[i], "tmpfs", 0, "mode=755") == 0)
            b->base = bases[i];
    if (!b->base)
        return -errno;
    auto_free char *root = path_join(b->base, "root", NULL);
    if (!root || mkdir(root, 0755) < 0)
        return -errno;
    b->root = root;
    for (size_t i = 0; i < b->n; i++) {
        auto_free char *to = path_join(root, b->sources[i].path, NULL);

        r = to ? lay_over(b, &b->sources[i], path_simplify(to)) : -ENOMEM;
        if (r < 0 && i == 0) {
            tell(b, '!', "no overlay can be laid over /: %s", strerror(-r));
            return r;
        }
        if (r < 0)
            tell(b, '-', "%s is not there: %s", b->sources[i].path, strerror(-r));
    }
    mount_fresh(b, "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_fresh(b, "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
    mount_fresh(b, "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_fresh(b, "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=620,gid=5");
    hide(b);
    remove_devices(b);
    close_kernel(b);
    b->root = NULL;
    r = mount_become_root(root);
    return r < 0 ? r : chdir("/") < 0 ? -errno : 0;
}

/* As on the machine: which ports are privileged. Before /proc/sys is closed. */
static void set_up_network(const char *first_port)
{
    struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void) ioctl(fd, SIOCSIFFLAGS, &loopback);
    if (first_port)
        (void) file_write("/proc/sys/net/ipv4/ip_unprivileged_port_start", first_port);
}

/* `container`: of the machine's own PID 1, so that conditions see the same; NULL: it is none. */
_noreturn_ static void be_copy(int report, int cgroup_fd, const char *first_port,
                               const char *container)
{
    static const char *const argv[] = {
        "reeve", "init", "--console=none", "--log-level=err", "reeve-copy.target", NULL
    };
    static const char target[] = "[Unit]\nDescription=A copy of the machine\n"
                                 "DefaultDependencies=no\n";
    struct building b = { .report = report };

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) setsid();
    if (cgroup_fd >= 0 && cgroup_attach(cgroup_fd, 0) >= 0)
        (void) unshare(CLONE_NEWCGROUP);
    set_up_network(first_port);
    int r = build(&b);
    if (r >= 0)
        r = mkdir_all("/run/systemd/system", 0755);
    if (r >= 0)
        r = file_replace("/run/systemd/system/reeve-copy.target", target, strlen(target), 0644);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        (void) dup2(null, fd);
    if (r >= 0) {
        (void) clearenv();
        (void) setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
        if (container)
            (void) setenv("container", container, 1);
        (void) execv("/proc/self/exe", (char **) argv);
        r = -errno;
    }
    tell(&b, '!', "it cannot be set up: %s", strerror(-r));
    _exit(1);
}

/* ---- outside
 * ------------------------------------------------------------------------------------------ */

void copy_free(struct copy *c)
{
    if (!c)
        return;
    if (c->pid > 0) {
        (void) kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close_fd(c->pidfd);
    /* The last process may leave its group a moment after it was reaped. */
    for (int i = 0; c->cgroup && i < 200 && cgroup_remove(&c->cgroups, c->cgroup) == -EBUSY; i++)
        (void) usleep(10 * USEC_PER_MSEC);
    free(c->cgroup);
    cgroup_root_done(&c->cgroups);
    free(c);
}

/* What the child told until it executed its manager. */
static int hear(int fd, char ***notes, char **ret_why)
{
    auto_free char *text = NULL;
    int r = fd_read_whole(fd, (size_t) 64 * 1024, &text, NULL);

    if (r < 0)
        return r;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (line, lines) {
        if (**line == '!' && !*ret_why)
            *ret_why = strdup(*line + 1);
        else if (**line == '-' && strv_add(notes, *line + 1) < 0)
            return -ENOMEM;
    }
    return *ret_why ? -EOPNOTSUPP : 0;
}

/* Control groups of copies whose maker was killed: those that are in use cannot be removed. */
static void remove_stale(const struct cgroup_root *root)
{
    auto_closedir DIR *d = fdopendir(openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *e;

    while (d && (e = readdir(d))) {
        auto_free char *path = startswith(e->d_name, CGROUP_PREFIX) ? format("/%s", e->d_name)
                                                                    : NULL;

        if (path)
            (void) cgroup_remove(root, path);
    }
}

/* Until the manager answers and has read its files. Runs inside. */
static json_t *wait_for_manager(void *userdata)
{
    static const char *const argv[] = { "/proc/self/exe", "is-system-running", NULL };

    (void) userdata;
    for (;;) { /* the asker has a deadline */
        auto_free char *state = NULL;

        if (run_program(argv, 64, BOOT_LIMIT, &state, NULL) >= 0 &&
            (startswith(state, "running") || startswith(state, "degraded")))
            return json_pack("{}");
        (void) usleep(20 * USEC_PER_MSEC);
    }
}

int copy_new(struct copy **ret, char ***ret_notes, char **ret_why)
{
    json_t *answer = NULL;
    struct copy *c = new0(struct copy, 1);
    auto_free char *first_port = NULL, *container = NULL;
    auto_close int cgroup_fd = -1;
    int report[2];

    if (!c)
        return -ENOMEM;
    c->pidfd = -1;
    c->cgroups.fd = -1;
    (void) file_read_line("/proc/sys/net/ipv4/ip_unprivileged_port_start", &first_port);
    (void) process_getenv(1, "container", &container);
    if (cgroup_root_open(&c->cgroups) >= 0) {
        remove_stale(&c->cgroups);
        c->cgroup = format("/" CGROUP_PREFIX "%d", getpid());
        if (!c->cgroup || cgroup_create(&c->cgroups, c->cgroup, &cgroup_fd) < 0)
            cgroup_fd = -1;
    }
    if (pipe2(report, O_CLOEXEC) < 0) {
        copy_free(c);
        return -errno;
    }
    auto_close int in = report[0];
    c->pid = (pid_t) syscall(SYS_clone, NAMESPACES | SIGCHLD, 0, 0, 0, 0);
    int r = c->pid < 0 ? -errno : 0;
    if (c->pid == 0)
        be_copy(report[1], cgroup_fd, first_port, container);
    close_fd(report[1]);
    if (r < 0)
        *ret_why = format("namespaces cannot be made here: %s", strerror(-r));
    if (r >= 0)
        r = hear(in, ret_notes, ret_why);
    if (r >= 0) {
        c->pidfd = pidfd_from_pid(c->pid);
        r = c->pidfd < 0 ? c->pidfd : copy_ask(c, wait_for_manager, NULL, BOOT_LIMIT, &answer);
        json_decref(answer);
        if (r < 0)
            *ret_why = strdup("its manager does not answer");
    }
    if (r < 0) {
        copy_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

/* Enters the copy; in its PID namespace are only the children of who does. */
_noreturn_ static void ask_inside(const struct copy *c, json_t *(*f)(void *userdata),
                                  void *userdata, int out)
{
    char path[64];
    int status;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(path, sizeof path, "/proc/%d/root", c->pid);
    /* In a chroot the root of the copy is not that of its mount namespace. */
    auto_close int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        _exit(1);
    if (setns(c->pidfd, NAMESPACES | (c->cgroup ? CLONE_NEWCGROUP : 0)) < 0 || fchdir(root) < 0 ||
        chroot(".") < 0)
        _exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) signal(SIGPIPE, SIG_IGN);
        json_t *answer = f(userdata);
        auto_free char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

        _exit(text && fd_write_all(out, text, strlen(text)) >= 0 ? 0 : 1);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}

int copy_ask(struct copy *c, json_t *(*f)(void *userdata), void *userdata, usec_t timeout,
             json_t **ret)
{
    auto_strbuf struct strbuf b = {};
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    auto_close int in = fds[0];
    pid_t pid = fork();
    if (pid == 0)
        ask_inside(c, f, userdata, fds[1]);
    close_fd(fds[1]);
    if (pid < 0)
        return -errno;
    int r = drain_until(in, (size_t) 1 << 20, timeout, &b);
    if (r < 0)
        (void) kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return r;
    *ret = json_loads(strbuf_text(&b), 0, NULL);
    return *ret ? 0 : -EPIPE;
}
