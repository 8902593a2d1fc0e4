/* actor -- the program that the units of the scenarios run when a shell is not enough.
 *
 * Its arguments are acts, done one after the other; at their end it exits with 0:
 *
 *   notify=TEXT     send TEXT to $NOTIFY_SOCKET, in one datagram
 *   store=NAME      send a descriptor: FDSTORE=1, FDNAME=NAME
 *   barrier         send BARRIER=1 and wait until the manager closed its end
 *   log=FILE=TEXT   append a line to FILE
 *   fds=FILE        append the names of the descriptors that were passed to FILE
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
 *   raise=SIGNAL    die by it
 *   exit=STATUS     exit
 *   pause           wait for ever
 *
 * In TEXT, \n is a line end, @p the own process id, @P the parent's, @c that of the last spawned
 * child, @m the monotonic clock in microseconds. Any act that fails ends it with status 99. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    size_t size = strlen(text);

    if (fd < 0 || size >= TEXT_MAX)
        fail(file);
    memcpy(line, text, size);
    line[size++] = '\n';
    if (write(fd, line, size) != (ssize_t) size)
        fail(file);
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
    } else if (strcmp(act, "fds") == 0)
        list_fds(rest);
    else if (strcmp(act, "await") == 0)
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
