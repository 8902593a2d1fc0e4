#include "base/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

static void address_cases(void **state)
{
    static const struct {
        const char *text, *shown; /* NULL: refused */
    } cases[] = {
        { "127.0.0.1:80", "127.0.0.1:80" },
        { "[::1]:443", "[::1]:443" },
        { "0.0.0.0:1", "0.0.0.0:1" },
        { "0", NULL },
        { "65536", NULL },
        { "::1:80", NULL },
        { "localhost:80", NULL },
        { "1.2.3.4", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        union socket_address a;
        char text[SOCKET_ADDRESS_TEXT_MAX];
        int r = socket_address_parse(cases[i].text, &a);

        if ((r < 0) != !cases[i].shown ||
            (r >= 0 && !streq(socket_address_format(&a, text), cases[i].shown)))
            fail_msg("\"%s\": %d", cases[i].text, r);
    }
}

static void clash_cases(void **state)
{
    static const struct {
        const char *a, *b;
        bool clash;
    } cases[] = {
        { "0.0.0.0:80", "127.0.0.1:80", true }, { "127.0.0.1:80", "127.0.0.2:80", false },
        { "[::]:80", "127.0.0.1:80", true },    { "[::1]:80", "127.0.0.1:80", false },
        { "[::1]:80", "0.0.0.0:80", false },    { "[::ffff:1.2.3.4]:80", "1.2.3.4:80", true },
        { "0.0.0.0:80", "0.0.0.0:81", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        union socket_address a, b;

        assert_int_equal(socket_address_parse(cases[i].a, &a), 0);
        assert_int_equal(socket_address_parse(cases[i].b, &b), 0);
        if (socket_addresses_clash(&a, &b) != cases[i].clash ||
            socket_addresses_clash(&b, &a) != cases[i].clash)
            fail_msg("%s %s", cases[i].a, cases[i].b);
    }
}

static void finds_itself(void **state)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        auto_close int fd = socket(AF_INET, types[i] | SOCK_CLOEXEC, 0);
        union socket_address mine = { .v4 = { .sin_family = AF_INET } };
        socklen_t size = sizeof mine;
        auto_free struct socket_entry *list = NULL;
        size_t n;
        struct socket_holder holder = {};

        mine.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(fd, &mine.any, sizeof mine.v4), 0);
        if (types[i] == SOCK_STREAM)
            assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, &mine.any, &size), 0);
        assert_int_equal(
            sockets_listening(types[i] == SOCK_STREAM ? SOCKET_TCP : SOCKET_UDP, 0, &list, &n), 0);
        for (size_t k = 0; k < n; k++)
            if (socket_addresses_clash(&list[k].local, &mine))
                assert_int_equal(socket_holder_find(list[k].inode, &holder), 0);
        assert_int_equal(holder.pid, getpid());
        socket_holder_done(&holder);
    }
}

static void unit_of_cgroup(void **state)
{
    static const struct {
        const char *path, *unit;
    } cases[] = {
        { "/system.slice/nginx.service", "nginx.service" },
        { "/user.slice/user-1.slice/user@1.service/app.slice/x.service/sub", "x.service" },
        { "/user.slice/session-2.scope", "session-2.scope" },
        { "/", NULL },
        { "/system.slice", NULL },
        { "/.service", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *unit = cgroup_unit(cases[i].path);

        if (!streq_ptr(unit, cases[i].unit))
            fail_msg("%s: %s", cases[i].path, unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_cases),
        cmocka_unit_test(clash_cases),
        cmocka_unit_test(finds_itself),
        cmocka_unit_test(unit_of_cgroup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
