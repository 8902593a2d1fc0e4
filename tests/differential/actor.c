/* actor -- the program that the units of the scenarios run when a shell is not enough.
 *
 * Its arguments are acts, done one after the other; at their end it exits with 0:
 *
 *   notify=TEXT     send TEXT to $NOTIFY_SOCKET, in one datagram
 *   store=NAME      send a descriptor: FDSTORE=1, FDNAME=NAME
 *   barrier         send BARRIER=1 and wait until the manager closed its end
 *   log=FILE=TEXT   append a line to FILE
 *   fds=FILE        append the names of the descriptors that were passed to FILE
 *   connect=FILE=TEXT   connect to a stream socket, send TEXT and wait until the other end closes;
 *                   with no TEXT close at once
 *   await=FILE      wait until FILE exists
 *   sleep=MSEC      wait that long
 *   ignore=SIGNAL   ignore it from now on
 *   on=SIGNAL=FILE=TEXT   append a line to FILE at the signal, and go on
 *   on=SIGNAL=notify=TEXT the same, with a message
 *   end=SIGNAL=STATUS     exit with STATUS at the signal
 *   fork            the acts that follow are done by a child; the parent exits with 0
 *   spawn           the acts up to the next "join" are done by a child; the parent goes on after it
 *   join            ends the acts of a spawned child (who exits with 0)
 *   reap            wait for the last spawned child
 *   setsid          lead a new session
 *   pidfile=FILE    write the own process id
 *   see=FILE=FIELD,...   append fields of /proc/self/status
 *   path=FILE=PATH,...   append what is at each path: kind, mode, owner, flags of its mount
 *   try=FILE=PROBE,...   append what the kernel says to each attempt (see `probes`): ok, the name
 *                        of the error, or of the signal that it ended by
 *   calls=FILE=ERROR     append the numbers of all calls, of x86-64 and of i386, that end in ERROR
 *   keys=FILE       append what the session keyring is, and what is in it
 *   pty=PATH=FILE   make a terminal, raw, of 10 rows and 20 columns, that PATH is a link to; what
 * is written to it goes to FILE, for ever raise=SIGNAL    die by it exit=STATUS     exit pause wait
 * for ever
 *
 * A FILE "-" is standard output, for processes that may be unable to open another.
 * In TEXT, \n is a line end, @p the own process id, @P the parent's, @c that of the last spawned
 * child, @m the monotonic clock in microseconds. Any act that fails ends it with status 99. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <netinet/in.h>

enum { FAILED = 99, TEXT_MAX = 4096, SIGNALS = 65 };

static struct reaction {
    const char *file, *text; /* append, and go on ... */
    int status;              /* ... or exit, where file is NULL */
} reactions[SIGNALS];

static pid_t last_child;

static void fail(const char *what)
{
    fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
    _exit(FAILED);
}

static const char *expand(const char *text, char *out);
static void notify(const char *text, int pass_fd);

static void append(const char *file, const char *text)
{
    char line[TEXT_MAX + 1];
    bool out = strcmp(file, "-") == 0;
    int fd = out ? 1 : open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    size_t size = strlen(text);

    if (fd < 0 || size >= TEXT_MAX)
        fail(file);
    memcpy(line, text, size);
    line[size++] = '\n';
    if (write(fd, line, size) != (ssize_t) size)
        fail(file);
    if (!out)
        close(fd);
}

static void react(int signal)
{
    const struct reaction *r = &reactions[signal];
    char text[TEXT_MAX];

    if (!r->file)
        _exit(r->status);
    if (strcmp(r->file, "notify") == 0)
        notify(expand(r->text, text), -1);
    else
        append(r->file, r->text);
}

static int signal_number(const char *name)
{
    for (int i = 1; i < SIGNALS; i++) {
        const char *abbreviation = sigabbrev_np(i);

        if (abbreviation && strcmp(abbreviation, name) == 0)
            return i;
    }
    errno = EINVAL;
    fail(name);
    return -1;
}

static void on_signal(int signal, void (*handler)(int))
{
    struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };

    if (signal == SIGUSR1)
        sigaddset(&act.sa_mask, SIGUSR2); /* comes after it where both are there */
    if (sigaction(signal, &act, NULL) < 0)
        fail("sigaction");
}

/* Fill in the process ids, the clock and line ends of a text. */
static const char *expand(const char *text, char *out)
{
    size_t n = 0;

    for (const char *p = text; *p && n + 32 < TEXT_MAX; p++) {
        struct timespec now;

        if (p[0] == '\\' && p[1] == 'n')
            out[n++] = '\n';
        else if (p[0] == '@' && p[1] == 'p')
            n += (size_t) sprintf(out + n, "%d", (int) getpid());
        else if (p[0] == '@' && p[1] == 'P')
            n += (size_t) sprintf(out + n, "%d", (int) getppid());
        else if (p[0] == '@' && p[1] == 'c')
            n += (size_t) sprintf(out + n, "%d", (int) last_child);
        else if (p[0] == '@' && p[1] == 'm') {
            clock_gettime(CLOCK_MONOTONIC, &now);
            n += (size_t) sprintf(out + n, "%lld",
                                  (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000);
        } else {
            out[n++] = *p;
            continue;
        }
        p++;
    }
    out[n] = '\0';
    return out;
}

static void notify(const char *text, int pass_fd)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec data = { .iov_base = (void *) (size_t) text, .iov_len = strlen(text) };
    struct msghdr message = { .msg_name = &addr, .msg_iov = &data, .msg_iovlen = 1 };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    errno = EINVAL;
    if (fd < 0 || !path || strlen(path) >= sizeof addr.sun_path)
        fail("NOTIFY_SOCKET");
    strcpy(addr.sun_path, path);
    if (path[0] == '@')
        addr.sun_path[0] = '\0';
    message.msg_namelen = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path) +
                                       (path[0] != '@'));
    if (pass_fd >= 0) {
        control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                           .cmsg_type = SCM_RIGHTS,
                                           .cmsg_len = CMSG_LEN(sizeof(int)) };
        memcpy(CMSG_DATA(&control.header), &pass_fd, sizeof pass_fd);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
        fail("notify");
    close(fd);
}

static void store(const char *name)
{
    char text[TEXT_MAX];
    int fds[2];

    /* The read end of a pipe whose writer stays open here: it stays quiet while this lives. */
    if (pipe2(fds, O_CLOEXEC) < 0)
        fail("pipe");
    snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    notify(text, fds[0]);
}

static void barrier(void)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        fail("pipe");
    notify("BARRIER=1", fds[1]);
    close(fds[1]);
    struct pollfd p = { .fd = fds[0] };
    if (poll(&p, 1, 20000) != 1)
        fail("barrier");
    close(fds[0]);
}

static void list_fds(const char *file)
{
    char text[TEXT_MAX];
    const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    const char *pid = getenv("LISTEN_PID");

    snprintf(text, sizeof text, "fds=%s names=%s pid=%s", count ? count : "none",
             names ? names : "none", pid && atoi(pid) == (int) getpid() ? "own" : "none");
    append(file, text);
}

static void await(const char *file)
{
    struct stat st;

    while (stat(file, &st) < 0)
        usleep(20000);
}

/* Split "A=B=C" at the first `=`; dies where there is none. */
static const char *split(char *text)
{
    char *at = strchr(text, '=');

    errno = EINVAL;
    if (!at)
        fail(text);
    *at = '\0';
    return at + 1;
}

static void act_on_signal(char *rest)
{
    char *file = (char *) (size_t) split(rest);
    const char *text = split(file);
    int signal = signal_number(rest);

    reactions[signal] = (struct reaction){ .file = file, .text = text };
    on_signal(signal, react);
}

/* ---- what the process sees ---- */

static void see(const char *file, char *fields)
{
    for (char *save = NULL, *name = strtok_r(fields, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        char line[TEXT_MAX];
        size_t length = strlen(name);
        FILE *status = fopen("/proc/self/status", "re");

        if (!status)
            fail("/proc/self/status");
        while (fgets(line, sizeof line, status))
            if (strncmp(line, name, length) == 0 && line[length] == ':') {
                line[strcspn(line, "\n")] = 0;
                for (char *p = line; *p; p++)
                    if (*p == '\t')
                        *p = ' ';
                append(file, line);
            }
        fclose(status);
    }
}

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "folder"
           : S_ISREG(mode)  ? "file"
           : S_ISCHR(mode)  ? "character device"
           : S_ISBLK(mode)  ? "block device"
           : S_ISSOCK(mode) ? "socket"
           : S_ISFIFO(mode) ? "fifo"
           : S_ISLNK(mode)  ? "link"
                            : "other";
}

static void describe_path(const char *path, char *out)
{
    struct statx sx;
    struct statvfs vfs;
    struct statfs fs;

    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) < 0) {
        sprintf(out, "%s: %s", path, strerrorname_np(errno));
        return;
    }
    int n = sprintf(out, "%s: %s %o %u:%u", path, kind_of_file(sx.stx_mode), sx.stx_mode & 07777,
                    sx.stx_uid, sx.stx_gid);
    if (S_ISCHR(sx.stx_mode))
        n += sprintf(out + n, " %u,%u", sx.stx_rdev_major, sx.stx_rdev_minor);
    if (statvfs(path, &vfs) == 0)
        n += sprintf(out + n, "%s%s%s%s", vfs.f_flag & ST_RDONLY ? " ro" : "",
                     vfs.f_flag & ST_NOSUID ? " nosuid" : "", vfs.f_flag & ST_NODEV ? " nodev" : "",
                     vfs.f_flag & ST_NOEXEC ? " noexec" : "");
    if (statfs(path, &fs) == 0)
        n += sprintf(out + n, "%s",
                     fs.f_type == 0x01021994   ? " tmpfs"
                     : fs.f_type == 0x858458f6 ? " ramfs"
                     : fs.f_type == 0x9fa0     ? " proc"
                     : fs.f_type == 0x62656572 ? " sysfs"
                     : fs.f_type == 0x63677270 ? " cgroup2"
                     : fs.f_type == 0x19800202 ? " mqueue"
                                               : "");
    if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        sprintf(out + n, " mount");
}

static void list_paths(const char *file, char *paths)
{
    for (char *save = NULL, *path = strtok_r(paths, ",", &save); path;
         path = strtok_r(NULL, ",", &save)) {
        char line[TEXT_MAX];

        describe_path(path, line);
        append(file, line);
    }
}

/* ---- what the process may do ---- */

/* Each is run in a process of its own; returns a negative value with errno, or another. */
static long probe_open(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0600);
}

static long probe_read(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? -1 : read(fd, &byte, 1);
}

static long probe_write(const char *path)
{
    return probe_open(path, O_WRONLY);
}

static long probe_create(const char *path)
{
    return probe_open(path, O_WRONLY | O_CREAT | O_EXCL) < 0 ? -1 : unlink(path);
}

static long probe_mkdir(const char *path)
{
    return mkdir(path, 0700) < 0 ? -1 : rmdir(path);
}

static long probe_exec(const char *path)
{
    return execl(path, path, (char *) NULL);
}

static long probe_suid(const char *path)
{
    return chmod(path, 04755);
}

static long probe_suid_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04755);

    return fd < 0 ? -1 : unlink(path);
}

static long probe_mknod(const char *path)
{
    return mknod(path, S_IFCHR | 0600, makedev(1, 3)) < 0 ? -1 : unlink(path);
}

static long probe_mount(const char *path)
{
    return mount("tmpfs", path, "tmpfs", 0, NULL) < 0 ? -1 : umount(path);
}

static long probe_umount(const char *path)
{
    return umount(path);
}

static long probe_detach(const char *path)
{
    return umount2(path, MNT_DETACH);
}

static long probe_remount(const char *path)
{
    return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long probe_chroot(const char *path)
{
    return chroot(path);
}

static const struct {
    const char *name;
    int value;
} flags[] = {
    { "net", CLONE_NEWNET },       { "mnt", CLONE_NEWNS },    { "user", CLONE_NEWUSER },
    { "uts", CLONE_NEWUTS },       { "ipc", CLONE_NEWIPC },   { "pid", CLONE_NEWPID },
    { "cgroup", CLONE_NEWCGROUP }, { "unix", AF_UNIX },       { "inet", AF_INET },
    { "inet6", AF_INET6 },         { "netlink", AF_NETLINK }, { "packet", AF_PACKET },
    { "fifo", SCHED_FIFO },        { "batch", SCHED_BATCH },  { "chown", 0 },
};

static int flag(const char *name)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(flags[i].name, name) == 0)
            return flags[i].value;
    return atoi(name);
}

static long probe_unshare(const char *name)
{
    return unshare(flag(name));
}

static long probe_clone(const char *name)
{
    return syscall(SYS_clone, flag(name) | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long probe_setns(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : setns(fd, flag(name));
}

static long probe_socket(const char *name)
{
    return socket(flag(name), SOCK_DGRAM, 0);
}

static long probe_bind(const char *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((unsigned short) atoi(port)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    /* Another scenario, which runs at the same time, may have it for a moment. */
    for (int i = 0; i < 1000; i++) {
        if (bind(fd, (struct sockaddr *) &a, sizeof a) >= 0)
            return 0;
        if (errno != EADDRINUSE)
            break;
        (void) usleep(10000);
    }
    return -1;
}

/* A datagram to ourselves: whether it arrives. */
static long probe_udp(const char *address)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof a;
    int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned ip[4];

    if (sscanf(address, "%u.%u.%u.%u", &ip[0], &ip[1], &ip[2], &ip[3]) != 4)
        fail(address);
    a.sin_addr.s_addr = htonl(ip[0] << 24 | ip[1] << 16 | ip[2] << 8 | ip[3]);
    if (in < 0 || out < 0 || bind(in, (struct sockaddr *) &a, sizeof a) < 0 ||
        getsockname(in, (struct sockaddr *) &a, &size) < 0 ||
        sendto(out, "x", 1, 0, (struct sockaddr *) &a, size) < 0)
        return -1;
    struct pollfd p = { .fd = in, .events = POLLIN };
    if (poll(&p, 1, 500) == 1)
        return 0;
    errno = ETIMEDOUT;
    return -1;
}

static long probe_scheduler(const char *name)
{
    struct sched_param param = { .sched_priority = flag(name) == SCHED_FIFO ? 1 : 0 };

    return sched_setscheduler(0, flag(name), &param);
}

static long probe_nice(const char *value)
{
    return setpriority(PRIO_PROCESS, 0, atoi(value));
}

/* Only whether it is denied: what else comes of it is a matter of the kernel. */
static long unless_denied(long r)
{
    return r < 0 && errno == EPERM ? -1 : 0;
}

static long map(int protection)
{
    return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long probe_map(const char *mode)
{
    if (strcmp(mode, "wx") == 0)
        return map(PROT_READ | PROT_WRITE | PROT_EXEC);
    if (strcmp(mode, "x") == 0)
        return map(PROT_READ | PROT_EXEC);
    if (strcmp(mode, "shm") == 0) {
        int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
        void *at = id < 0 ? (void *) -1 : shmat(id, NULL, SHM_EXEC);
        int error = errno;

        if (id >= 0)
            shmctl(id, IPC_RMID, NULL);
        errno = error;
        return unless_denied(at == (void *) -1 ? -1 : 0);
    }
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long probe_personality(const char *value)
{
    return personality(strtoul(value, NULL, 16));
}

static long probe_hostname(const char *name)
{
    char now[128];

    (void) name;
    if (gethostname(now, sizeof now) < 0)
        fail("gethostname");
    return sethostname(now, strlen(now));
}

/* Not a time that could be set. */
static long probe_clock(const char *name)
{
    const struct timespec never = { .tv_sec = 0, .tv_nsec = -1 };

    (void) name;
    return unless_denied(syscall(SYS_clock_settime, CLOCK_REALTIME, &never));
}

static long probe_module(const char *name)
{
    (void) name;
    return unless_denied(syscall(SYS_init_module, NULL, 0UL, ""));
}

static long probe_klog(const char *name)
{
    (void) name;
    return unless_denied(klogctl(10 /* size */, NULL, 0));
}

static long probe_ptrace(const char *pid)
{
    return ptrace(PTRACE_SEIZE, strcmp(pid, "parent") == 0 ? getppid() : atoi(pid), NULL, NULL);
}

static long probe_kill(const char *pid)
{
    return kill(strcmp(pid, "parent") == 0 ? getppid() : atoi(pid), 0);
}

static long probe_setuid(const char *id)
{
    uid_t uid = (uid_t) atoi(id);

    return syscall(SYS_setresuid, uid, uid, uid);
}

static long probe_chown(const char *path)
{
    return chown(path, 1, 1);
}

static long probe_iopl(const char *level)
{
    (void) level;
#ifdef SYS_iopl
    return unless_denied(syscall(SYS_iopl, 3));
#else
    return 0;
#endif
}

static long probe_queue(const char *name)
{
    (void) name;
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

    return id < 0 ? -1 : msgctl(id, IPC_RMID, NULL);
}

/* A call by its number, with arguments that are nothing. */
static long probe_call(const char *number)
{
    return syscall(atol(number), -1L, 0L, 0L, 0L, 0L, 0L);
}

/* The same with the numbers of i386. */
static long probe_call32(const char *number)
{
#ifdef __x86_64__
    long r;

    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "0"(atol(number)), "b"(-1L), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    r = (int) r;
    if (r >= 0 || r < -4095)
        return 0;
    errno = (int) -r;
#else
    (void) number;
    errno = ENOSYS;
#endif
    return -1;
}

static const struct {
    const char *name;
    long (*function)(const char *argument);
} probes[] = {
    { "read", probe_read },
    { "write", probe_write },
    { "create", probe_create },
    { "mkdir", probe_mkdir },
    { "exec", probe_exec },
    { "suid", probe_suid },
    { "suid-create", probe_suid_create },
    { "mknod", probe_mknod },
    { "mount", probe_mount },
    { "umount", probe_umount },
    { "detach", probe_detach },
    { "remount", probe_remount },
    { "chroot", probe_chroot },
    { "unshare", probe_unshare },
    { "clone", probe_clone },
    { "setns", probe_setns },
    { "socket", probe_socket },
    { "bind", probe_bind },
    { "udp", probe_udp },
    { "scheduler", probe_scheduler },
    { "nice", probe_nice },
    { "map", probe_map },
    { "personality", probe_personality },
    { "hostname", probe_hostname },
    { "clock", probe_clock },
    { "module", probe_module },
    { "klog", probe_klog },
    { "ptrace", probe_ptrace },
    { "kill", probe_kill },
    { "setuid", probe_setuid },
    { "chown", probe_chown },
    { "iopl", probe_iopl },
    { "queue", probe_queue },
    { "call", probe_call },
    { "call32", probe_call32 },
};

/* In the child; the answer goes to the pipe, since it may be nobody's child by then. */
static void run_probe(size_t i, const char *argument, int answer)
{
    errno = 0;
    int error = probes[i].function(argument) < 0 ? errno : 0;

    if (write(answer, &error, sizeof error) != (ssize_t) sizeof error)
        _exit(FAILED);
    _exit(0);
}

static void attempt(const char *file, char *probe)
{
    char line[TEXT_MAX], *colon = strchr(probe, ':');
    const char *argument = colon ? colon + 1 : "";
    size_t i = 0, length = colon ? (size_t) (colon - probe) : strlen(probe);
    int answer[2], status, error;

    while (i < sizeof probes / sizeof *probes &&
           !(strncmp(probes[i].name, probe, length) == 0 && probes[i].name[length] == 0))
        i++;
    errno = EINVAL;
    if (i == sizeof probes / sizeof *probes || pipe2(answer, O_CLOEXEC) < 0)
        fail(probe);
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0)
        run_probe(i, argument, answer[1]);
    close(answer[1]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(line, sizeof line, "%s: killed by %s", probe, sigabbrev_np(WTERMSIG(status)));
    else if (read(answer[0], &error, sizeof error) != (ssize_t) sizeof error)
        snprintf(line, sizeof line, "%s: exit %d", probe, WEXITSTATUS(status)); /* of an exec */
    else
        snprintf(line, sizeof line, "%s: %s", probe, error ? strerrorname_np(error) : "ok");
    close(answer[0]);
    append(file, line);
}

static void attempt_all(const char *file, char *list)
{
    for (char *save = NULL, *probe = strtok_r(list, ",", &save); probe;
         probe = strtok_r(NULL, ",", &save))
        attempt(file, probe);
}

/* Those that do not return, return twice, or wait. */
static bool is_left_out(bool i386, int number)
{
    static const int native[] = { SYS_rt_sigreturn,
                                  SYS_clone,
                                  SYS_exit,
                                  SYS_exit_group,
#ifdef SYS_pause
                                  SYS_pause,
                                  SYS_fork,
                                  SYS_vfork,
#endif
                                  -1 };
    static const int others[] = { 1, 2, 29, 72, 119, 120, 173, 190, 252, -1 };

    for (const int *n = i386 ? others : native; *n >= 0; n++)
        if (*n == number)
            return true;
    return false;
}

static bool call_ends_in(bool i386, int number, const char *error)
{
    char text[16];
    int status;
    pid_t child = fork();

    if (child < 0)
        fail("fork");
    if (child == 0) {
        snprintf(text, sizeof text, "%d", number);
        ualarm(200000, 0); /* for one that waits all the same */
        errno = 0;
        long r = i386 ? probe_call32(text) : probe_call(text);
        const char *name = r < 0 ? strerrorname_np(errno) : NULL;
        _exit(name && strcmp(name, error) == 0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void list_calls(const char *file, const char *error)
{
    enum { CALLS = 480 };

    for (int i386 = 0; i386 < 2; i386++) {
        char line[TEXT_MAX];
        int n = sprintf(line, "%s:", i386 ? "i386" : "native");

        for (int number = 0; number < CALLS; number++)
            if (!is_left_out(i386, number) && call_ends_in(i386, number, error))
                n += sprintf(line + n, " %d", number);
        append(file, line);
    }
}

/* As the kernel describes a key: "keyring;UID;GID;PERMISSIONS;NAME". */
static void list_key(const char *file, const char *before, long key)
{
    char text[TEXT_MAX / 2], line[TEXT_MAX];
    long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof text - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    snprintf(line, sizeof line, "%s%s", before, n < 0 ? strerrorname_np(errno) : text);
    append(file, line);
}

static void list_keys(const char *file)
{
    int keys[64];
    long n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys, 0);

    list_key(file, "", KEY_SPEC_SESSION_KEYRING);
    for (long i = 0; i < n / (long) sizeof keys[0]; i++)
        list_key(file, "- ", keys[i]);
}

static void hold_terminal(const char *path, const char *file)
{
    const struct winsize size = { .ws_row = 10, .ws_col = 20 };
    int out = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;
    struct termios t;
    char buffer[4096];

    if (out >= 0 && fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0)
        slave = open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &t) < 0)
        fail(path);
    cfmakeraw(&t);
    if (tcsetattr(slave, TCSANOW, &t) < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 ||
        symlink(ptsname(fd), path) < 0)
        fail(path);
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);

        if (n < 0)
            usleep(20000); /* EIO: nobody has it open, after it was hung up */
        else if (write(out, buffer, (size_t) n) != n)
            fail(file);
    }
}

static void connect_to(char *rest)
{
    char *at = strchr(rest, '='), text[TEXT_MAX], buffer[256];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (at)
        *at++ = '\0';
    snprintf(address.sun_path, sizeof address.sun_path, "%s", rest);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
        fail(rest);
    if (at) {
        const char *line = expand(at, text);

        if (write(fd, line, strlen(line)) < 0)
            fail(rest);
        while (read(fd, buffer, sizeof buffer) > 0)
            ;
    }
    close(fd);
}

static void act_with_argument(const char *act, char *rest)
{
    char text[TEXT_MAX];

    if (strcmp(act, "notify") == 0)
        notify(expand(rest, text), -1);
    else if (strcmp(act, "store") == 0)
        store(rest);
    else if (strcmp(act, "log") == 0) {
        const char *line = split(rest);
        append(rest, expand(line, text));
    } else if (strcmp(act, "see") == 0 || strcmp(act, "path") == 0 || strcmp(act, "try") == 0) {
        char *list = (char *) (size_t) split(rest);
        void (*look)(const char *, char *) = *act == 's'   ? see
                                             : *act == 'p' ? list_paths
                                                           : attempt_all;
        look(rest, list);
    } else if (strcmp(act, "calls") == 0) {
        const char *error = split(rest);
        list_calls(rest, error);
    } else if (strcmp(act, "fds") == 0)
        list_fds(rest);
    else if (strcmp(act, "connect") == 0)
        connect_to(rest);
    else if (strcmp(act, "keys") == 0)
        list_keys(rest);
    else if (strcmp(act, "pty") == 0) {
        const char *file = split(rest);
        hold_terminal(rest, file);
    } else if (strcmp(act, "await") == 0)
        await(rest);
    else if (strcmp(act, "sleep") == 0)
        usleep((useconds_t) atoi(rest) * 1000);
    else if (strcmp(act, "ignore") == 0)
        on_signal(signal_number(rest), SIG_IGN);
    else if (strcmp(act, "on") == 0)
        act_on_signal(rest);
    else if (strcmp(act, "end") == 0) {
        int status = atoi(split(rest)), signal = signal_number(rest);
        reactions[signal] = (struct reaction){ .status = status };
        on_signal(signal, react);
    } else if (strcmp(act, "pidfile") == 0) {
        unlink(rest);
        append(rest, expand("@p", text));
    } else if (strcmp(act, "raise") == 0) {
        signal(signal_number(rest), SIG_DFL); /* fails for SIGKILL, which needs it not */
        raise(signal_number(rest));
    } else if (strcmp(act, "exit") == 0)
        _exit(atoi(rest));
    else {
        errno = EINVAL;
        fail(act);
    }
}

/* Returns the index of the act that comes next. */
static int spawn(int at, int argc, char **argv)
{
    last_child = fork();
    if (last_child < 0)
        fail("fork");
    if (last_child == 0)
        return at + 1;
    while (at < argc && strcmp(argv[at], "join") != 0)
        at++;
    return at + 1;
}

static int do_act(int at, int argc, char **argv)
{
    char *rest, *act = argv[at];

    if (strcmp(act, "spawn") == 0)
        return spawn(at, argc, argv);
    if (strcmp(act, "join") == 0)
        _exit(0);
    if (strcmp(act, "reap") == 0) {
        while (waitpid(last_child, NULL, 0) < 0 && errno == EINTR)
            ;
    } else if (strcmp(act, "fork") == 0) {
        if (fork() != 0)
            _exit(0);
    } else if (strcmp(act, "setsid") == 0)
        setsid();
    else if (strcmp(act, "barrier") == 0)
        barrier();
    else if (strcmp(act, "pause") == 0) {
        for (;;)
            pause();
    } else {
        rest = (char *) (size_t) split(act);
        act_with_argument(act, rest);
    }
    return at + 1;
}

int main(int argc, char **argv)
{
    /* A signal that another program of the scenario ignored must not be so here. */
    on_signal(SIGTERM, SIG_DFL);
    for (int at = 1; at < argc;)
        at = do_act(at, argc, argv);
    return 0;
}
