/* cli/notify.c -- reeve notify: systemd-notify(1). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/time.h"
#include "base/users.h"
#include "cli/notify.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "manager/notify.h"

#define BARRIER_TIMEOUT_MSEC 5000

struct notify_options {
    char **fields;  /* of the message */
    char **command; /* --exec: what is behind ";", part of argv; NULL */
    const char *status;
    int fds[NOTIFY_FDS_MAX];
    size_t n_fds;
    const char *fd_name;
    pid_t pid; /* to send as; 0: as ourselves */
    uid_t uid;
    gid_t gid;
    bool ready, reloading, stopping, main_pid;
    bool as_user, booted, no_block, exec;
};

static const char options_help[] =
    "  -h --help             Show this help\n"
    "     --version          Show the version\n"
    "     --ready            The service has started, or its reload is over\n"
    "     --reloading        The service reloads its configuration\n"
    "     --stopping         The service is about to stop\n"
    "     --pid[=PID]        Set the main process (auto, self, parent or a number)\n"
    "     --uid=USER         Send as this user\n"
    "     --status=TEXT      Set the status text\n"
    "     --booted           Exit with 0 if the system was booted with systemd, and do no more\n"
    "     --no-block         Do not wait until the manager has taken it in\n"
    "     --exec             Execute the command behind \";\" afterwards; its options after "
    "\"--\"\n"
    "     --fd=FD            Send a descriptor along\n"
    "     --fdname=NAME      The name of the descriptors\n";

enum {
    OPT_READY = 256,
    OPT_RELOADING,
    OPT_STOPPING,
    OPT_PID,
    OPT_UID,
    OPT_STATUS,
    OPT_BOOTED,
    OPT_NO_BLOCK,
    OPT_EXEC,
    OPT_FD,
    OPT_FDNAME,
    OPT_VERSION
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { "ready", no_argument, NULL, OPT_READY },
    { "reloading", no_argument, NULL, OPT_RELOADING },
    { "stopping", no_argument, NULL, OPT_STOPPING },
    { "pid", optional_argument, NULL, OPT_PID },
    { "uid", required_argument, NULL, OPT_UID },
    { "status", required_argument, NULL, OPT_STATUS },
    { "booted", no_argument, NULL, OPT_BOOTED },
    { "no-block", no_argument, NULL, OPT_NO_BLOCK },
    { "exec", no_argument, NULL, OPT_EXEC },
    { "fd", required_argument, NULL, OPT_FD },
    { "fdname", required_argument, NULL, OPT_FDNAME },
    { 0 },
};

static int say(int r, const char *fmt, const char *argument)
{
    fprintf(stderr, fmt, argument);
    if (r < 0)
        fprintf(stderr, ": %s", strerror(-r));
    fputc('\n', stderr);
    return r < 0 ? r : -EINVAL;
}

/* The parent, unless that is the manager: then this process itself. */
static pid_t automatic_pid(void)
{
    pid_t parent = getppid(), manager = 1;
    const char *text = getenv("MANAGERPID");

    if (text)
        (void) parse_pid(text, &manager);
    return parent <= 1 || parent == manager ? getpid() : parent;
}

static int choose_pid(const char *text, pid_t *ret)
{
    if (!text || *text == 0 || streq(text, "auto"))
        *ret = automatic_pid();
    else if (streq(text, "self"))
        *ret = getpid();
    else if (streq(text, "parent"))
        *ret = getppid();
    else {
        pid_t pid;
        int r = parse_pid(text, &pid);

        if (r >= 0 && !process_is_alive(pid))
            r = -ESRCH;
        if (r < 0)
            return say(r, "Failed to refer to --pid='%s'", text);
        *ret = pid;
    }
    return 0;
}

static int choose_user(struct notify_options *o, const char *text)
{
    struct users_lookup lookup = { 0 };
    struct user user = { 0 };
    uid_t uid;

    int r = user_find(&lookup, text, &user);
    if (r >= 0) {
        o->uid = user.uid;
        o->gid = user.gid;
        user_done(&user);
    } else if (parse_uid(text, &uid) >= 0) {
        o->uid = uid;
        o->gid = getgid();
    } else
        return say(-EINVAL, "Can't resolve user %s", text);
    o->as_user = true;
    return 0;
}

static int add_fd(struct notify_options *o, const char *text)
{
    int fd;

    int r = parse_int(text, &fd);
    if (r < 0 || fd < 0) {
        (void) say(0, "Failed to parse file descriptor: %s", text);
        return r < 0 ? r : -EBADF;
    }
    for (size_t i = 0; i < o->n_fds; i++)
        if (o->fds[i] == fd)
            return say(-ENOENT,
                       "Specified file descriptor '%s' not passed or specified more than once",
                       text);
    if (fcntl(fd, F_GETFD) < 0)
        return say(-ENOENT, "Specified file descriptor '%s' not passed or specified more than once",
                   text);
    if (o->n_fds >= NOTIFY_FDS_MAX)
        return say(-E2BIG, "Cannot send file descriptor %s", text);
    o->fds[o->n_fds++] = fd;
    return 0;
}

/* The main process, and the inode of its pidfd, which tells whether the number was reused. */
static int add_main_pid(char ***fields, pid_t pid)
{
    struct stat st;
    int r = strv_addf(fields, "MAINPID=%d", (int) pid);

    auto_close int fd = pidfd_from_pid(pid);
    if (r >= 0 && fd >= 0 && fstat(fd, &st) >= 0)
        r = strv_addf(fields, "MAINPIDFDID=%ju", (uintmax_t) st.st_ino);
    return r;
}

/* ---- sending ---- */

int notify_connect(const char *address, int *ret)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    size_t n = strlen(address);

    if (startswith(address, "vsock"))
        return -EINVAL; /* of virtual machines */
    if ((address[0] != '/' && address[0] != '@') || n < 2)
        return -EPROTO;
    if (n >= sizeof sun.sun_path)
        return -ENAMETOOLONG;
    memcpy(sun.sun_path, address, n);
    if (address[0] == '@')
        sun.sun_path[0] = 0;

    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *) &sun,
                (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + (address[0] == '/'))) < 0)
        return -errno;
    *ret = take_fd(&fd);
    return 0;
}

static int send_as(int fd, const char *text, const int *fds, size_t n_fds, const struct ucred *as)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(NOTIFY_FDS_MAX * sizeof(int))];
    } control = { 0 };
    struct iovec iov = { (char *) text, strlen(text) };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    size_t size = (as ? CMSG_SPACE(sizeof *as) : 0) +
                  (n_fds > 0 ? CMSG_SPACE(n_fds * sizeof(int)) : 0);

    if (size > 0) {
        header.msg_control = &control;
        header.msg_controllen = size;
    }
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    if (n_fds > 0) {
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
        c = CMSG_NXTHDR(&header, c);
    }
    if (as) {
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_CREDENTIALS;
        c->cmsg_len = CMSG_LEN(sizeof *as);
        memcpy(CMSG_DATA(c), as, sizeof *as);
    }
    return sendmsg(fd, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* As the process and user wanted; who may not pretend sends under his own name. */
static int send_message(const struct notify_options *o, int fd, const char *text, const int *fds,
                        size_t n_fds)
{
    struct ucred as = { .pid = o->pid > 0 ? o->pid : getpid(),
                        .uid = o->as_user ? o->uid : getuid(),
                        .gid = o->as_user ? o->gid : getgid() };
    int r = send_as(fd, text, fds, n_fds, &as);

    if (r == -EPERM && as.pid != getpid()) {
        as.pid = getpid();
        r = send_as(fd, text, fds, n_fds, &as);
    }
    return r;
}

/* The manager closes the other end when it has taken in all that came before. */
static int wait_for_manager(const struct notify_options *o, int fd)
{
    int pipes[2];

    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -errno;
    auto_close int end = pipes[0];
    int r = send_message(o, fd, "BARRIER=1", &pipes[1], 1);
    close_fd(pipes[1]);
    if (r < 0)
        return r;

    struct pollfd p = { .fd = end };
    do
        r = poll(&p, 1, BARRIER_TIMEOUT_MSEC);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int notify(const struct notify_options *o)
{
    const char *address = getenv("NOTIFY_SOCKET");
    auto_free char *text = strv_join(o->fields, "\n");
    auto_close int fd = -1;

    if (!text)
        return say(-ENOMEM, "Failed to notify %s", "init system");
    if (!address)
        return say(0, "No status data could be sent: $NOTIFY_SOCKET was not set%s", "");
    int r = notify_connect(address, &fd);
    if (r >= 0)
        r = send_message(o, fd, text, o->fds, o->n_fds);
    if (r < 0)
        return say(r, "Failed to notify %s", "init system");
    if (!o->no_block) {
        r = wait_for_manager(o, fd);
        if (r < 0)
            return say(r, "Failed to invoke %s", "barrier");
    }
    return 0;
}

/* ---- the command line ---- */

static int parse_one(struct notify_options *o, int option)
{
    switch (option) {
    case OPT_READY:
        o->ready = true;
        return 0;
    case OPT_RELOADING:
        o->reloading = true;
        return 0;
    case OPT_STOPPING:
        o->stopping = true;
        return 0;
    case OPT_STATUS:
        o->status = optarg;
        return 0;
    case OPT_PID:
        o->main_pid = true;
        return choose_pid(optarg, &o->pid);
    case OPT_UID:
        return choose_user(o, optarg);
    case OPT_FD:
        return add_fd(o, optarg);
    case OPT_FDNAME:
        if (*optarg && !notify_fd_name_is_valid(optarg))
            return say(0, "File descriptor name invalid: %s", optarg);
        o->fd_name = optarg;
        return 0;
    case OPT_BOOTED:
        o->booted = true;
        return 0;
    case OPT_NO_BLOCK:
        o->no_block = true;
        return 0;
    case OPT_EXEC:
        o->exec = true;
        return 0;
    default: /* getopt has said what is wrong */
        return -EINVAL;
    }
}

/* What the options say, whatever their order. */
static int add_fields(struct notify_options *o)
{
    int r = 0;

    if (o->fd_name && o->n_fds == 0)
        return say(0, "No file descriptors passed, but %s set, refusing.", "--fdname=");
    if (o->reloading) {
        r = strv_add(&o->fields, "RELOADING=1");
        if (r >= 0)
            r = strv_addf(&o->fields, "MONOTONIC_USEC=%ju", (uintmax_t) now_usec(CLOCK_MONOTONIC));
    }
    if (r >= 0 && o->ready)
        r = strv_add(&o->fields, "READY=1");
    if (r >= 0 && o->stopping)
        r = strv_add(&o->fields, "STOPPING=1");
    if (r >= 0 && o->status)
        r = strv_addf(&o->fields, "STATUS=%s", o->status);
    if (r >= 0 && o->main_pid)
        r = add_main_pid(&o->fields, o->pid);
    if (r >= 0 && o->n_fds > 0)
        r = strv_add(&o->fields, "FDSTORE=1");
    if (r >= 0 && o->fd_name)
        r = strv_addf(&o->fields, "FDNAME=%s", o->fd_name);
    return r;
}

/* What is no option: assignments, which outrank what the options say; then, with --exec, ";" and a
 * command, whose options have to stand behind "--". */
static int add_arguments(struct notify_options *o, char **args)
{
    int r = 0;

    for (; r >= 0 && *args && !(o->exec && streq(*args, ";")); args++)
        r = strchr(*args, '=')                ? strv_env_set(&o->fields, *args)
            : strv_contains(o->fields, *args) ? 0
                                              : strv_add(&o->fields, *args);
    if (r < 0 || !o->exec)
        return r;
    if (!*args)
        return say(0, "If --exec is used argument list must contain '%s' separator, refusing.",
                   ";");
    if (!args[1])
        return say(0, "Empty command line specified after '%s' separator, refusing.", ";");
    o->command = args + 1;
    return o->fields ? 0 : say(0, "No notify message specified while %s, refusing.", "--exec");
}

/* Descriptors that the caller has left open for us, and not named. */
static void warn_of_others(const struct notify_options *o)
{
    auto_closedir DIR *dir = o->n_fds > 0 ? opendir("/proc/self/fd") : NULL;
    unsigned n = 0;

    for (struct dirent *d; dir && (d = readdir(dir));) {
        int fd, flags;
        bool named = false;

        if (parse_int(d->d_name, &fd) < 0 || fd <= STDERR_FILENO)
            continue;
        flags = fcntl(fd, F_GETFD);
        for (size_t i = 0; i < o->n_fds; i++)
            named = named || o->fds[i] == fd;
        n += flags >= 0 && !(flags & FD_CLOEXEC) && !named;
    }
    if (n > 0)
        fprintf(stderr, "Warning: %u more file descriptors passed than referenced with --fd=.\n",
                n);
}

/* sd_booted(3). */
static bool is_booted(void)
{
    struct stat st;

    return lstat("/run/systemd/system/", &st) >= 0 && S_ISDIR(st.st_mode);
}

/* How it has ended, told as each of systemd's programs tells it; a successful message is enough. */
static int tell_end(int error, int status)
{
    const char *address = getenv("NOTIFY_SOCKET");
    auto_close int fd = -1;
    char text[32];

    if (!address || notify_connect(address, &fd) < 0)
        return status;
    if (error < 0) {
        snprintf(text, sizeof text, "ERRNO=%d", -error);
        (void) send_as(fd, text, NULL, 0, NULL);
    }
    snprintf(text, sizeof text, "EXIT_STATUS=%d", status);
    (void) send_as(fd, text, NULL, 0, NULL);
    return status;
}

static int run(struct notify_options *o)
{
    if (o->booted) {
        if (o->fields)
            fprintf(stderr, "Notify message specified along with --booted, ignoring.\n");
        warn_of_others(o);
        return tell_end(0, is_booted() ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    warn_of_others(o);
    /* Unless told otherwise the shell that called, not this tool, is the sender. */
    if (o->pid == 0)
        o->pid = automatic_pid();
    int r = notify(o);
    if (r >= 0 && o->command) {
        execvp(o->command[0], o->command);
        r = -errno;
        auto_free char *command = strv_join(o->command, " ");
        (void) say(0, "Failed to execute command line: %s", strempty(command));
    }
    return r < 0 ? tell_end(r, EXIT_FAILURE) : EXIT_SUCCESS;
}

/* Returns 0 to go on, 1 where all is done, a negative errno. */
static int parse_line(struct notify_options *o, int argc, char **argv)
{
    int option, r = 0;

    optind = 0;
    while (r >= 0 && (option = verb_getopt(argc, argv, "h", long_options, NULL)) >= 0) {
        if (option == 'h' || option == OPT_VERSION) {
            if (option == 'h')
                verb_print_help(argv[0], options_help);
            else
                print_version(argv[0]);
            return 1;
        }
        r = parse_one(o, option);
    }
    if (r >= 0)
        r = add_fields(o);
    if (r >= 0)
        r = add_arguments(o, argv + optind);
    if (r >= 0 && !o->fields && !o->booted) {
        (void) verb_print_help(argv[0], options_help);
        r = -EINVAL;
    }
    return r;
}

int verb_notify(int argc, char **argv)
{
    struct notify_options o = { 0 };
    int r = parse_line(&o, argc, argv);
    int status = r < 0   ? tell_end(r, usage_status(argv[0]))
                 : r > 0 ? tell_end(0, EXIT_SUCCESS)
                         : run(&o);

    strv_free(o.fields);
    return status;
}
