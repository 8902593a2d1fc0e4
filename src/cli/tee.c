/* reeve tee (systemd-cat): connects a program, or what is piped in, to the journal.
 * Source: systemd-cat(1); the header of a stream: sd_journal_stream_fd(3). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "journal/parse.h"

static const char *const socket_folders[] = { "/run/systemd/journal", "/run/reeve/journal" };

struct tee_options {
    const char *program, *identifier;
    int priority, stderr_priority; /* -1: as priority */
    int level_prefix;
    enum log_parse parse;
};

static int parse_level(const char *text)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    unsigned number;

    for (int i = 0; i < 8; i++) {
        if (streq(names[i], text))
            return i;
    }
    return parse_unsigned(text, &number) >= 0 && number < 8 ? (int) number : -EINVAL;
}

/* The socket "stdout" or "socket" of the journal that there is. */
static int connect_journal(const char *name, int type)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    const char *own = getenv("REEVE_JOURNAL_DIR");
    auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    int r = -ENOENT;

    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(socket_folders) + 1 && r < 0; i++) {
        if (i == 0 && !own)
            continue;
        snprintf(addr.sun_path, sizeof addr.sun_path, "%s/%s", i == 0 ? own : socket_folders[i - 1],
                 name);
        r = connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0 ? -errno : 0;
    }
    return r < 0 ? r : take_fd(&fd);
}

static int connect_stream(const struct tee_options *o, int priority)
{
    auto_close int fd = connect_journal("stdout", SOCK_STREAM);
    char header[512];

    if (fd < 0)
        return fd;
    (void) shutdown(fd, SHUT_RD);
    int n = snprintf(header, sizeof header, "%s\n\n%d\n%d\n0\n0\n0\n", strempty(o->identifier),
                     priority, o->level_prefix);
    if (n < 0 || (size_t) n >= sizeof header)
        return -ENAMETOOLONG;
    int r = fd_write_all(fd, header, (size_t) n);
    return r < 0 ? r : take_fd(&fd);
}

/* The program in our place. */
static int run_program(const struct tee_options *o, char **command)
{
    struct stat st;
    char stream[64];
    auto_close int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    auto_close int out = connect_stream(o, o->priority);
    auto_close int err = o->stderr_priority >= 0 && o->stderr_priority != o->priority && out >= 0
                             ? connect_stream(o, o->stderr_priority)
                             : -1;

    if (out < 0) {
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program, strerror(-out));
        return 1;
    }
    int use = err >= 0 ? err : out;
    if (fstat(use, &st) >= 0) {
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
    }
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(use, STDERR_FILENO) < 0)
        return 1;
    execvp(command[0], command);
    /* Whoever called us is to see why, not the journal. */
    dprintf(saved, "%s: %s cannot be run: %s\n", o->program, command[0], strerror(errno));
    return 1;
}

static int copy_input(const struct tee_options *o)
{
    static char buffer[65536];
    auto_close int out = connect_stream(o, o->priority);

    if (out < 0) {
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program, strerror(-out));
        return 1;
    }
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return 0;
        int r = n < 0 ? -errno : fd_write_all(out, buffer, (size_t) n);
        if (r < 0) {
            fprintf(stderr, "%s: copying to the journal failed: %s\n", o->program, strerror(-r));
            return 1;
        }
    }
}

/* ---- --parse: lines become entries of our own ---- */

#define TRACE_PATIENCE_MSEC 2000

struct parser {
    const struct tee_options *o;
    int journal;
    pid_t pid; /* of the program, 0: not ours */
    struct strbuf pending;
    size_t held; /* whole lines of a trace at the beginning of `pending` */
    struct trace_state trace;
    struct parsed parsed;
};

/* A field of the native protocol: with its length where it has lines. */
static void add_field(struct strbuf *b, const char *name, const char *value, size_t n)
{
    uint64_t length = n;

    strbuf_add(b, name);
    if (memchr(value, '\n', n)) {
        unsigned char bytes[8];

        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char) (length >> 8 * i);
        strbuf_add_char(b, '\n');
        strbuf_add_n(b, bytes, sizeof bytes);
    } else
        strbuf_add_char(b, '=');
    strbuf_add_n(b, value, n);
    strbuf_add_char(b, '\n');
}

static void add_whole_field(struct strbuf *b, const struct iovec *field)
{
    const char *text = field->iov_base, *equals = memchr(text, '=', field->iov_len);
    auto_free char *name = equals ? memdup0(text, (size_t) (equals - text)) : NULL;

    if (name)
        add_field(b, name, equals + 1, field->iov_len - (size_t) (equals + 1 - text));
}

/* Where the message is too large for a datagram it is cut: better than not at all. */
static int send_entry(struct parser *p, const char *text, size_t n)
{
    auto_strbuf struct strbuf b = {};
    int priority = p->o->priority;
    char number[32];

    while (n > 0 && text[n - 1] == '\n')
        n--;
    if (p->o->level_prefix && n > 2 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' &&
        text[2] == '>') {
        priority = text[1] - '0';
        text += 3;
        n -= 3;
    }
    if (n == 0)
        return 0;
    trace_fields(text, n, &p->parsed);
    if (p->parsed.n == 0)
        log_parse_line(p->o->parse, text, n, &p->parsed);
    if (p->parsed.priority >= 0)
        priority = p->parsed.priority;
    add_field(&b, "MESSAGE", text, MIN(n, (size_t) 128 << 10));
    snprintf(number, sizeof number, "%d", priority);
    add_field(&b, "PRIORITY", number, strlen(number));
    if (!isempty(p->o->identifier))
        add_field(&b, "SYSLOG_IDENTIFIER", p->o->identifier, strlen(p->o->identifier));
    if (p->pid > 0) {
        snprintf(number, sizeof number, "%d", p->pid);
        add_field(&b, "SYSLOG_PID", number, strlen(number));
    }
    for (size_t i = 0; i < p->parsed.n; i++)
        add_whole_field(&b, &p->parsed.fields[i]);
    if (b.failed)
        return -ENOMEM;
    return send(p->journal, b.text, b.length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Takes n bytes and the newline behind them off the beginning. */
static void drop(struct parser *p, size_t n)
{
    size_t rest = p->pending.length > n ? p->pending.length - n - 1 : 0;

    if (rest > 0)
        memmove(p->pending.text, p->pending.text + n + 1, rest);
    p->pending.length = rest;
}

static int send_held(struct parser *p)
{
    size_t n = p->held;

    p->held = 0;
    if (n == 0)
        return 0;
    int r = send_entry(p, p->pending.text, n);
    drop(p, n);
    return r;
}

static int parse_pending(struct parser *p)
{
    for (;;) {
        size_t begin = p->held > 0 ? p->held + 1 : 0;
        char *line = p->pending.text + begin;
        char *end = p->pending.length > begin ? memchr(line, '\n', p->pending.length - begin)
                                              : NULL;
        int r = 0;

        if (!end)
            return 0;
        size_t n = (size_t) (end - line);
        enum trace_step step = trace_next(&p->trace, line, n);
        if (step == TRACE_GOES_ON) {
            p->held = begin + n;
            continue;
        }
        r = send_held(p);
        if (step == TRACE_BEGINS)
            p->held = n;
        else if (r >= 0) {
            r = send_entry(p, p->pending.text, n);
            drop(p, n);
        }
        if (r < 0)
            return r;
    }
}

/* Until the end of the input. */
static int parse_input(struct parser *p, int fd)
{
    static char buffer[65536];
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    int r = 0;

    while (r >= 0) {
        /* A trace is written in pieces; after a while it is taken as whole. */
        int ready = poll(&wait, 1, p->held > 0 ? TRACE_PATIENCE_MSEC : -1);
        if (ready == 0) {
            r = send_held(p);
            p->trace = (struct trace_state){};
            continue;
        }
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        strbuf_add_n(&p->pending, buffer, (size_t) n);
        r = p->pending.failed ? -ENOMEM : parse_pending(p);
    }
    /* What has no newline at its end. */
    if (r >= 0)
        r = send_held(p);
    if (r >= 0 && p->pending.length > 0)
        r = send_entry(p, p->pending.text, p->pending.length);
    strbuf_done(&p->pending);
    parsed_done(&p->parsed);
    return r;
}

static int parse_to_journal(const struct tee_options *o, int fd, pid_t pid)
{
    auto_close int journal = connect_journal("socket", SOCK_DGRAM);
    struct parser p = { .o = o, .journal = journal, .pid = pid };
    int r = journal < 0 ? journal : parse_input(&p, fd);

    if (r < 0)
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program, strerror(-r));
    return r < 0;
}

/* The program keeps our place, so that its status and signals are its own; a child of it reads what
 * it prints. */
static int run_parsed(const struct tee_options *o, char **command)
{
    int fds[2];
    auto_close int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    auto_close int probe = connect_journal("socket", SOCK_DGRAM);
    pid_t main_pid = getpid();

    if (probe < 0 || pipe2(fds, O_CLOEXEC) < 0) {
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program,
                strerror(probe < 0 ? -probe : errno));
        return 1;
    }
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        close(fds[1]);
        /* It ends when the last writer has. */
        (void) setsid();
        _exit(parse_to_journal(o, fds[0], main_pid));
    }
    if (dup2(fds[1], STDOUT_FILENO) < 0 || dup2(fds[1], STDERR_FILENO) < 0)
        return 1;
    execvp(command[0], command);
    dprintf(saved, "%s: %s cannot be run: %s\n", o->program, command[0], strerror(errno));
    return 1;
}

static const char help[] =
    "  -t --identifier=NAME        SYSLOG_IDENTIFIER= of the lines\n"
    "  -p --priority=LEVEL         their level; info by default\n"
    "     --stderr-priority=LEVEL  that of standard error\n"
    "     --level-prefix=BOOL      whether \"<3>\" at the beginning of a line sets its level; yes\n"
    "     --parse=json|logfmt|go   take level, place in the code, trace id and fields from each\n"
    "                              line, which is kept as it was; traces of runtimes become one "
    "entry\n"
    "Without COMMAND, standard input is copied. --namespace= is refused: there are none.\n";

int verb_tee(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },
        { "identifier", required_argument, NULL, 't' },
        { "priority", required_argument, NULL, 'p' },
        { "stderr-priority", required_argument, NULL, 'e' },
        { "level-prefix", required_argument, NULL, 'l' },
        { "namespace", required_argument, NULL, 'n' },
        { "parse", required_argument, NULL, 'P' },
        { 0 },
    };
    bool compat = streq(argv[0], "systemd-cat");
    struct tee_options o = {
        .program = compat ? "systemd-cat" : "reeve tee",
        .priority = LOG_INFO,
        .stderr_priority = -1,
        .level_prefix = 1,
    };

    optind = 0;
    for (int k; (k = verb_getopt(argc, argv, "+ht:p:", options, NULL)) >= 0;) {
        int *level = k == 'p' ? &o.priority : &o.stderr_priority;

        switch (k) {
        case 'h':
            return verb_print_help(compat ? "systemd-cat" : "tee", help);
        case 'v':
            return print_version(argv[0]);
        case 't':
            o.identifier = optarg;
            break;
        case 'p':
        case 'e':
            *level = parse_level(optarg);
            if (*level < 0) {
                return usage_error(argv[0], "%s is no log level (emerg .. debug, or 0 .. 7)",
                                   optarg);
            }
            break;
        case 'l':
            o.level_prefix = parse_boolean(optarg);
            if (o.level_prefix < 0) {
                return usage_error(argv[0], "--level-prefix=%s is neither yes nor no", optarg);
            }
            break;
        case 'P': {
            int mode = log_parse_from_name(optarg);

            if (mode < 0 || compat) {
                return usage_error(argv[0], "--parse= takes json, logfmt or go, not %s", optarg);
            }
            o.parse = (enum log_parse) mode;
            break;
        }
        case 'n':
            return usage_error(argv[0], "there are no journal namespaces");
        default:
            return usage_status(argv[0]);
        }
    }
    if (o.parse != LOG_PARSE_NONE)
        return optind < argc ? run_parsed(&o, argv + optind)
                             : parse_to_journal(&o, STDIN_FILENO, 0);
    return optind < argc ? run_program(&o, argv + optind) : copy_input(&o);
}
