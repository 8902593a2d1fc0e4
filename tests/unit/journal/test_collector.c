/* The collector as the manager sees it: a process behind client.h, that can be killed. */
#include "journal/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/str.h"
#include "event/event.h"
#include "journal/client.h"
#include "journal/output.h"
#include "journal/query.h"

#define DEADLINE (60 * USEC_PER_SEC)

struct fixture {
    struct event_loop *loop;
    struct collector_client *client;
    struct collector_options options;
    pid_t pid;
    int console; /* reading end */
    int console_write;
    struct strbuf text; /* all that the console showed */
    char directory[32];
    bool done; /* by callbacks */
    int r;
    struct strbuf lines; /* of tail queries */
};

static void start(struct fixture *f)
{
    int child_fd = collector_client_child_fd(f->client);

    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        f->options.control_fd = fcntl(child_fd, F_DUPFD_CLOEXEC, 3);
        dup2(f->console_write, 1);
        /* As after execve(): nothing of the manager's is open. */
        for (int fd = 3; fd < 1000; fd++) {
            if (fd != f->options.control_fd)
                close(fd);
        }
        _exit(collector_run(&f->options) < 0);
    }
    collector_client_started(f->client);
}

static void kill_collector(struct fixture *f, int signo)
{
    kill(f->pid, signo);
    waitpid(f->pid, NULL, 0);
    collector_client_lost(f->client);
}

static int setup(void **state)
{
    struct fixture *f = new0(struct fixture, 1);
    int pair[2];

    assert_non_null(f);
    strcpy(f->directory, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->options = (struct collector_options){
        .console = CONSOLE_PLAIN,
        .socket_dir = f->directory,
    };
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    f->console = pair[0];
    f->console_write = pair[1];
    fd_nonblock(f->console, true);
    fcntl(f->console, F_SETPIPE_SZ, 1 << 20);
    assert_int_equal(event_loop_new(&f->loop), 0);
    assert_int_equal(collector_client_new(f->loop, &f->client), 0);
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    kill_collector(f, SIGKILL);
    collector_client_free(f->client);
    event_loop_free(f->loop);
    close(f->console);
    close(f->console_write);
    strbuf_done(&f->text);
    strbuf_done(&f->lines);
    remove_all(f->directory);
    free(f);
    return 0;
}

static void read_console(struct fixture *f)
{
    char buffer[65536];
    ssize_t n;

    while ((n = read(f->console, buffer, sizeof buffer)) > 0)
        strbuf_add_n(&f->text, buffer, (size_t) n);
}

/* Turns the loop until the condition holds. */
#define WAIT_FOR(f, condition) \
    do { \
        usec_t wait_end = now_usec(CLOCK_MONOTONIC) + DEADLINE; \
        while (!(condition)) { \
            if (now_usec(CLOCK_MONOTONIC) > wait_end) \
                fail_msg("never: %s; console: %s", #condition, strbuf_text(&(f)->text)); \
            event_loop_run_once((f)->loop, 10 * USEC_PER_MSEC); \
            read_console(f); \
        } \
    } while (0)

static bool shows(struct fixture *f, const char *text)
{
    return strstr(strbuf_text(&f->text), text);
}

static int new_stream(struct fixture *f, const char *unit, struct collector_stream **ret)
{
    struct collector_stream_settings s = collector_stream_defaults;
    int fd;

    s.unit = unit;
    s.identifier = "prog";
    s.invocation.bytes[0] = 1;
    s.rate_burst = INT_MAX;
    assert_int_equal(collector_stream_new(f->client, &s, &fd, ret), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void on_barrier(int r, void *userdata)
{
    struct fixture *f = userdata;

    f->done = true;
    f->r = r;
}

static void on_end(struct collector_stream *s, void *userdata)
{
    ((struct fixture *) userdata)->done = true;
}

static void on_line(const struct collector_line *line, int r, void *userdata)
{
    struct fixture *f = userdata;

    if (line) {
        strbuf_addf(&f->lines, "%d %s %s\n", line->priority, line->identifier, line->text);
    } else {
        f->done = true;
        f->r = r;
    }
}

static const char *tail(struct fixture *f, const char *unit, enum collector_tail_part part,
                        unsigned lines)
{
    uint64_t token;

    f->done = false;
    strbuf_clear(&f->lines);
    assert_int_equal(
        collector_query_tail(f->client, unit, (struct id128){ 0 }, part, lines, on_line, f, &token),
        0);
    WAIT_FOR(f, f->done);
    return strbuf_text(&f->lines);
}

static void lines_go_to_console_and_tails(void **state)
{
    struct fixture *f = *state;
    struct collector_stream *s;
    int fd = new_stream(f, "a.service", &s);

    collector_stream_on_end(s, on_end, f);
    put(fd, "first\n<3>an error\n\n   \nno newline");
    WAIT_FOR(f, shows(f, "a: first\na: an error\n"));
    assert_false(shows(f, "no newline"));
    close(fd);
    WAIT_FOR(f, f->done);
    WAIT_FOR(f, shows(f, "a: no newline\n"));
    assert_string_equal(tail(f, "a.service", COLLECTOR_TAIL_LAST, 2),
                        "3 prog an error\n6 prog no newline\n");
    assert_string_equal(tail(f, "a.service", COLLECTOR_TAIL_HEAD, 1), "6 prog first\n");
    tail(f, "none.service", COLLECTOR_TAIL_LAST, 0);
    assert_int_equal(f->r, -ENOENT);
}

static void barrier_comes_after_what_was_written(void **state)
{
    struct fixture *f = *state;
    struct collector_stream *s;
    struct collector_barrier *b;
    auto_close int fd = new_stream(f, "b.service", &s);

    WAIT_FOR(f, collector_client_ready(f->client));
    for (int i = 0; i < 50; i++) {
        char line[64];

        snprintf(line, sizeof line, "last words %d\n", i);
        f->done = false;
        put(fd, line);
        assert_int_equal(collector_barrier_new(f->client, "b.service", on_barrier, f, &b), 0);
        WAIT_FOR(f, f->done);
        assert_int_equal(f->r, 0);
        snprintf(line, sizeof line, "6 prog last words %d\n", i);
        assert_string_equal(tail(f, "b.service", COLLECTOR_TAIL_LAST, 1), line);
    }
}

static void first_failing_invocation_is_kept(void **state)
{
    struct fixture *f = *state;

    for (int i = 1; i <= 12; i++) {
        struct collector_stream_settings set = collector_stream_defaults;
        struct collector_stream *s;
        struct collector_barrier *b;
        char line[64];
        int fd;

        set.unit = "c.service";
        set.identifier = "prog";
        set.invocation.bytes[0] = (uint8_t) i;
        assert_int_equal(collector_stream_new(f->client, &set, &fd, &s), 0);
        snprintf(line, sizeof line, "failure %d\n", i);
        put(fd, line);
        close(fd);
        f->done = false;
        assert_int_equal(collector_barrier_new(f->client, "c.service", on_barrier, f, &b), 0);
        WAIT_FOR(f, f->done);
        collector_invocation_ended(f->client, "c.service", set.invocation, i > 1);
    }
    assert_string_equal(tail(f, "c.service", COLLECTOR_TAIL_LAST, 0), "6 prog failure 12\n");
    assert_string_equal(tail(f, "c.service", COLLECTOR_TAIL_FIRST_FAILING, 0),
                        "6 prog failure 2\n");
}

static void managers_messages_are_shown(void **state)
{
    struct fixture *f = *state;
    char *fields[] = { (char *) "MESSAGE=Started\nsomething.", (char *) "PRIORITY=6",
                       (char *) "UNIT=a.service", NULL };

    assert_int_equal(collector_send_message(f->client, fields), 0);
    WAIT_FOR(f, shows(f, "reeve: Started\nreeve: something.\n"));
}

static void send_datagram(struct fixture *f, const char *name, const void *data, size_t n)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/%s", f->directory, name);
    WAIT_FOR(f, access(addr.sun_path, F_OK) == 0);
    assert_int_equal(sendto(fd, data, n, 0, (struct sockaddr *) &addr, sizeof addr), n);
}

static void datagrams(void **state)
{
    static const char native[] = "MESSAGE\n\x0c\0\0\0\0\0\0\0two\nlines xx\nSYSLOG_IDENTIFIER=me\n";
    struct fixture *f = *state;

    WAIT_FOR(f, collector_client_ready(f->client));
    send_datagram(f, "dev-log", "<11>Jan  1 00:00:00 tool[5]: said so\n", 37);
    WAIT_FOR(f, shows(f, "tool: said so\n"));
    send_datagram(f, "socket", native, sizeof native - 1);
    send_datagram(f, "socket", "MESSAGE=plain\nSYSLOG_IDENTIFIER=me\n", 35);
    WAIT_FOR(f, shows(f, "me: plain\n"));
    assert_true(shows(f, "me: two\nme: lines xx\n"));
}

static void connection_with_header(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/stdout", f->directory);
    WAIT_FOR(f, access(addr.sun_path, F_OK) == 0);
    WAIT_FOR(f, connect(fd, (struct sockaddr *) &addr, sizeof addr) == 0);
    put(fd, "cat\n\n6\n");
    WAIT_FOR(f, collector_client_ready(f->client));
    kill_collector(f, SIGKILL);
    start(f);
    put(fd, "1\n0\n0\n0\n<4>piped\nand a");
    WAIT_FOR(f, shows(f, "cat: piped\n"));
    kill_collector(f, SIGKILL);
    start(f);
    put(fd, " half\n");
    WAIT_FOR(f, shows(f, "cat: and a half\n"));
}

/* A connection is never known to the collector alone, nor its header taken for output. */
static void connections_survive_kills(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct stat st;
    char said[64];

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/stdout", f->directory);
    WAIT_FOR(f, stat(addr.sun_path, &st) == 0);
    srand(3);
    for (int i = 0; i < 60; i++) {
        auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        WAIT_FOR(f, connect(fd, (struct sockaddr *) &addr, sizeof addr) == 0);
        snprintf(said, sizeof said, "c%d\n\n6\n1\n0\n0\n0\nsaid %d\n", i, i);
        put(fd, said);
        if (rand() % 2)
            event_loop_run_once(f->loop, 0);
        for (int k = rand() % 2000; k > 0; k--)
            (void) getppid();
        kill_collector(f, SIGKILL);
        start(f);
        snprintf(said, sizeof said, "c%d: said %d\n", i, i);
        WAIT_FOR(f, shows(f, said));
        snprintf(said, sizeof said, "c%d: 6\n", i);
        assert_false(shows(f, said));
    }
}

/* All of them open at once, then a line of each. */
static _noreturn_ void connect_many(const struct sockaddr_un *addr, int n)
{
    auto_free int *fds = calloc((size_t) n, sizeof *fds);
    char text[64];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < n; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(text, sizeof text, "c%d\n\n6\n1\n0\n0\n0\n", i);
        if (connect(fds[i], (const struct sockaddr *) addr, sizeof *addr) < 0 ||
            fd_write_all(fds[i], text, strlen(text)) < 0)
            _exit(1);
    }
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "said %d\n", i);
        if (fd_write_all(fds[i], text, strlen(text)) < 0)
            _exit(1);
    }
    _exit(0);
}

static void ten_thousand_connections(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct rlimit files;
    struct stat st;
    char text[64];
    int status;

    /* The client keeps at most half of the descriptors for them. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    int n = (int) MIN((rlim_t) 10000, files.rlim_cur / 2 - 100);
    kill_collector(f, SIGKILL);
    start(f);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/stdout", f->directory);
    WAIT_FOR(f, stat(addr.sun_path, &st) == 0);
    pid_t child = fork();
    if (child == 0)
        connect_many(&addr, n);
    WAIT_FOR(f, waitpid(child, &status, WNOHANG) == child);
    assert_int_equal(status, 0);
    for (int i = 0; i < n; i += 97) {
        snprintf(text, sizeof text, "c%d: said %d\n", i, i);
        WAIT_FOR(f, shows(f, text));
    }
}

/* Counts "line N" entries of all journal files below the folder into `seen`. */
static unsigned count_lines(const char *directory, unsigned char *seen, size_t max)
{
    struct journal *j = journal_new();
    unsigned last = 0;

    assert_non_null(j);
    assert_int_equal(journal_add_directory(j, directory, 0, true, NULL, NULL, NULL), 0);
    journal_seek_head(j);
    while (journal_step(j, true) > 0) {
        const char *value;
        size_t length;
        char text[64] = { 0 };
        unsigned n;
        int at = 0;

        assert_int_equal(
            entry_field(journal_current_file(j), journal_current(j), "MESSAGE", &value, &length),
            1);
        if (length >= sizeof text)
            continue;
        memcpy(text, value, length);
        if (sscanf(text, "line %u%n", &n, &at) != 1 || (size_t) at != length || n >= max)
            fail_msg("torn line: %s", text);
        seen[n] = (unsigned char) MIN(seen[n] + 1, 255);
        last = MAX(last, n);
    }
    journal_free(j);
    return last;
}

static volatile sig_atomic_t stop;

static void on_stop(int signo)
{
    stop = 1;
}

static _noreturn_ void write_lines(int fd)
{
    sigset_t none;

    signal(SIGTERM, on_stop);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; getppid() != 1 && !stop; i++) {
        char line[64];
        int k = snprintf(line, sizeof line, "line %d", i);

        /* Torn in pieces, so that unfinished lines are met as well. */
        if (fd_write_all(fd, line, (size_t) k / 2) < 0 ||
            fd_write_all(fd, line + k / 2, (size_t) (k - k / 2)) < 0 ||
            fd_write_all(fd, "\n", 1) < 0)
            _exit(1);
    }
    _exit(0);
}

static _noreturn_ void write_datagrams(const struct fixture *f)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/socket", f->directory);
    if (connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0)
        _exit(1);
    for (int i = 0; getppid() != 1 && !stop; i++) {
        char message[64];
        int k = snprintf(message, sizeof message, "MESSAGE=line %d\n", i);

        if (send(fd, message, (size_t) k, 0) != k)
            _exit(1);
    }
    _exit(0);
}

static void put_file(const char *directory, const char *name, const char *text)
{
    auto_free char *path = path_join(directory, name, NULL);
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    put(fd, text);
}

/* The collector with files, in which everything is to be found: each kill leaves one. */
static char *begin_kills(struct fixture *f)
{
    char *files = format("%s/files", f->directory);
    auto_free char *etc = format("%s/etc/systemd", f->directory);

    assert_non_null(files);
    kill_collector(f, SIGKILL);
    f->options.persistent_dir = files;
    f->options.config_root = f->directory;
    assert_int_equal(mkdir_all(etc, 0755), 0);
    put_file(f->directory, "etc/machine-id", "c0ffee00c0ffee00c0ffee00c0ffee00\n");
    put_file(etc, "journald.conf", "[Journal]\nSystemMaxFiles=10000\nRateLimitBurst=0\n");
    assert_int_equal(mkdir(files, 0755), 0);
    start(f);
    WAIT_FOR(f, collector_client_ready(f->client));
    return files;
}

/* How often: REEVE_TEST_KILLS, or 40. */
static unsigned kill_some_times(struct fixture *f)
{
    const char *wanted = getenv("REEVE_TEST_KILLS");
    unsigned n = wanted ? (unsigned) strtoul(wanted, NULL, 10) : 40;

    srand(7);
    for (unsigned i = 0; i < n; i++) {
        size_t before = f->text.length;
        size_t more = (size_t) (rand() % 20000) + 1;

        WAIT_FOR(f, f->text.length > before + more);
        kill_collector(f, SIGKILL);
        start(f);
    }
    return n;
}

/* Every line is there, and no more of them twice than batches of that size. */
static void check_kills(const char *files, unsigned kills, unsigned batch)
{
    static unsigned char seen[16000000];

    memset(seen, 0, sizeof seen);
    unsigned last = count_lines(files, seen, sizeof seen), twice = 0;
    assert_true(last > 1000);
    for (unsigned i = 0; i <= last; i++) {
        if (seen[i] == 0)
            fail_msg("line %u of %u was lost", i, last);
        twice += seen[i] - 1u;
    }
    if (twice > kills * batch)
        fail_msg("%u lines of %u came again", twice, last);
}

static void killed_under_load(void **state)
{
    struct fixture *f = *state;
    struct collector_stream *s;
    auto_free char *files = begin_kills(f);
    int fd = new_stream(f, "k.service", &s);
    pid_t writer = fork();

    if (writer == 0)
        write_lines(fd);
    close(fd);
    unsigned kills = kill_some_times(f);
    collector_stream_on_end(s, on_end, f);
    kill(writer, SIGTERM);
    WAIT_FOR(f, waitpid(writer, NULL, WNOHANG) == writer);
    WAIT_FOR(f, f->done);
    kill_collector(f, SIGTERM);
    start(f);
    check_kills(files, kills, 64 * 1024 / 7);
}

static void datagrams_survive_kills(void **state)
{
    struct fixture *f = *state;
    auto_free char *files = begin_kills(f);
    struct collector_barrier *b;
    pid_t writer = fork();

    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, on_stop);
        write_datagrams(f);
    }
    unsigned kills = kill_some_times(f);
    kill(writer, SIGTERM);
    WAIT_FOR(f, waitpid(writer, NULL, WNOHANG) == writer);
    assert_int_equal(collector_barrier_new(f->client, "none", on_barrier, f, &b), 0);
    WAIT_FOR(f, f->done);
    kill_collector(f, SIGTERM);
    start(f);
    check_kills(files, kills, 32);
}

static int keep_fd(int fd, void *userdata)
{
    return dup(fd);
}

static void state_is_handed_over(void **state)
{
    struct fixture *f = *state;
    struct collector_stream *s;
    auto_close int fd = new_stream(f, "h.service", &s);
    uint64_t id = collector_stream_id(s);
    struct collector_client *fresh;

    WAIT_FOR(f, collector_client_ready(f->client));
    put(fd, "before\n");
    auto_free char *text = collector_client_save(f->client, keep_fd, NULL);
    assert_non_null(text);
    /* Made after the state was saved, as before a crash: nobody gets its number again. */
    auto_close int late_fd = new_stream(f, "late.service", &s);
    uint64_t late = collector_stream_id(s);
    collector_client_free(f->client);
    assert_int_equal(collector_client_restore(f->loop, text, &fresh), 0);
    f->client = fresh;
    assert_true(collector_client_ready(f->client));
    auto_close int next_fd = new_stream(f, "next.service", &s);
    assert_true(collector_stream_id(s) > late);
    put(next_fd, "of the next\n");
    WAIT_FOR(f, shows(f, "next: of the next\n"));
    put(late_fd, "of the late\n");
    WAIT_FOR(f, shows(f, "late: of the late\n"));
    put(fd, "after\n");
    WAIT_FOR(f, shows(f, "h: after\n"));
    assert_non_null(collector_stream_find(f->client, id));
    collector_stream_on_end(collector_stream_find(f->client, id), on_end, f);
    f->done = false;
    close(take_fd(&fd));
    WAIT_FOR(f, f->done);
    assert_int_equal(collector_client_restore(f->loop, "nonsense", &fresh), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_go_to_console_and_tails, setup, teardown),
        cmocka_unit_test_setup_teardown(barrier_comes_after_what_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(first_failing_invocation_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(managers_messages_are_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(datagrams, setup, teardown),
        cmocka_unit_test_setup_teardown(connection_with_header, setup, teardown),
        cmocka_unit_test_setup_teardown(connections_survive_kills, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_under_load, setup, teardown),
        cmocka_unit_test_setup_teardown(datagrams_survive_kills, setup, teardown),
        cmocka_unit_test_setup_teardown(state_is_handed_over, setup, teardown),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
