#include "health/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/sockets.h"
#include "base/str.h"

static void parse_cases(void **state)
{
    static const struct {
        const char *option, *value, *argument; /* NULL: refused */
        usec_t timeout;
    } cases[] = {
        { "tcp", "db:5432", "db:5432", CHECK_TIMEOUT_DEFAULT },
        { "tcp", "db:5432,timeout=500ms", "db:5432", 500 * USEC_PER_MSEC },
        { "http", "http://h/,timeout=2s,body=a,b", "http://h/,body=a,b", 2 * USEC_PER_SEC },
        { "tcp", "db", NULL, 0 },
        { "tcp", "::1:80", NULL, 0 },
        { "tcp", "db:5432,timeout=0", NULL, 0 },
        { "tcp", "db:5432,timeout=soon", NULL, 0 },
        { "tcp", "", NULL, 0 },
        { "port", "80", "80", CHECK_TIMEOUT_DEFAULT },
        { "port", "[::]:80/udp", "[::]:80/udp", CHECK_TIMEOUT_DEFAULT },
        { "port", "0", NULL, 0 },
        { "port", "80/sctp", NULL, 0 },
        { "file", "relative", NULL, 0 },
        { "disk", "/var", NULL, 0 },
        { "disk", "/var:10M", "/var:10M", CHECK_TIMEOUT_DEFAULT },
        { "http", "https://h/x?a=200", "https://h/x?a=200", CHECK_TIMEOUT_DEFAULT },
        { "http", "ftp://h/", NULL, 0 },
        { "http", "http://u:p@h/", NULL, 0 },
        { "http", "http://h/,cert=/a", NULL, 0 },
        { "cap", "CAP_NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE", CHECK_TIMEOUT_DEFAULT },
        { "cap", "cap_fly", NULL, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct check c = {};
        const char *error = NULL;
        int r = check_parse(check_kind_find(cases[i].option, CHECK_BEFORE), cases[i].value, &c,
                            &error);

        if (cases[i].argument
                ? r < 0 || !streq(c.argument, cases[i].argument) || c.timeout != cases[i].timeout
                : r != -EINVAL || !error)
            fail_msg("--%s=%s: %d %s", cases[i].option, cases[i].value, r, strempty(error));
        check_done(&c);
    }
}

static void hanging_check_costs_its_timeout(void **state)
{
    /* Listens and never answers. */
    auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    union socket_address a = { .v4 = { .sin_family = AF_INET } };
    socklen_t size = sizeof a;
    char text[SOCKET_ADDRESS_TEXT_MAX];
    struct check_context context = { .user = "test" };
    struct check c = {};
    const char *error;

    a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, &a.any, sizeof a.v4), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, &a.any, &size), 0);

    static const char *const kinds[] = { "redis", "postgres", "mysql" };
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        auto_free char *value = format("%s,timeout=200ms", socket_address_format(&a, text));

        assert_int_equal(check_parse(check_kind_find(kinds[i], CHECK_BEFORE), value, &c, &error),
                         0);
        assert_int_equal(checks_run(&c, 1, &context, 0, NULL, NULL), 0);
        assert_int_equal(c.outcome.class, CHECK_DEPENDENCY);
        assert_true(c.outcome.may_come);
        assert_true(c.outcome.took >= 200 * USEC_PER_MSEC);
        check_done(&c);
    }
}

static void waits_for_what_may_come(void **state)
{
    char path[] = "/tmp/test_check.XXXXXX";
    struct check_context context = { .user = "test", .identity = { .uid = getuid() } };
    struct check c = {};
    const char *error;

    close(mkstemp(path));
    auto_free char *later = format("%s.later", path);
    pid_t pid = fork();
    if (pid == 0) { /* makes the file once the check has failed at least once */
        usleep(250000);
        _exit(link(path, later) < 0);
    }
    assert_int_equal(check_parse(check_kind_find("file", CHECK_BEFORE), later, &c, &error), 0);
    assert_int_equal(checks_run(&c, 1, &context, 30 * USEC_PER_SEC, NULL, NULL), 0);
    assert_int_equal(c.outcome.class, CHECK_OK);
    assert_true(c.attempts > 1);
    check_done(&c);
    unlink(path);
    unlink(later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_cases),
        cmocka_unit_test(hanging_check_costs_its_timeout),
        cmocka_unit_test(waits_for_what_may_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
