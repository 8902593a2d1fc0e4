#include "health/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

static usec_t soon(void)
{
    return now_usec(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;
}

/* Knows known.test (10.1.2.3, and a CNAME before it), says "no such name" to the rest; for ever. */
static void answer_questions(int fd)
{
    static const unsigned char answers[] = {
        0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1,  'x', 0xc0, 12, /* CNAME x.known.test */
        0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1,   2,    3,  /* A */
    };
    union socket_address from;
    unsigned char m[1024];

    for (;;) {
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(fd, m, 512, 0, &from.any, &size);
        bool known = n > 20 && memcmp(m + 12, "\5known\4test\0\0\1", 14) == 0;

        if (n < 12)
            _exit(1);
        m[2] |= 0x80;
        m[3] = known ? 0 : 3;
        m[7] = known ? 2 : 0;
        if (known)
            memcpy(m + n, answers, sizeof answers);
        (void) sendto(fd, m, (size_t) n + (known ? sizeof answers : 0), 0, &from.any, size);
    }
}

/* A name server in a child. */
static pid_t serve(unsigned *ret_port)
{
    union socket_address a = { .v4 = { .sin_family = AF_INET } };
    socklen_t size = sizeof a;
    auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, &a.any, sizeof a.v4), 0);
    assert_int_equal(getsockname(fd, &a.any, &size), 0);
    *ret_port = socket_address_port(&a);
    pid_t pid = fork();
    if (pid == 0)
        answer_questions(fd);
    return pid;
}

static void hosts_and_dns(void **state)
{
    char root[] = "/tmp/test_resolve.XXXXXX";
    union socket_address found[RESOLVE_MAX];
    const char *source = NULL;
    char text[SOCKET_ADDRESS_TEXT_MAX];
    unsigned port;
    pid_t server = serve(&port);

    assert_non_null(mkdtemp(root));
    auto_free char *etc = path_join(root, "etc", NULL);
    auto_free char *hosts = path_join(etc, "hosts", NULL);
    auto_free char *conf = path_join(etc, "resolv.conf", NULL);
    static const char hosts_text[] =
        "127.0.0.1 localhost\n# 1.1.1.1 commented\n10.0.0.9 a Db.Local # b\n";
    static const char conf_text[] = "nameserver 127.0.0.1\nsearch test\n";
    assert_int_equal(mkdir(etc, 0755), 0);
    assert_int_equal(file_replace(hosts, hosts_text, strlen(hosts_text), 0644), 0);
    assert_int_equal(file_replace(conf, conf_text, strlen(conf_text), 0644), 0);
    resolve_set_root(root, port);

    assert_int_equal(resolve_name("db.local", soon(), found, &source), 1);
    assert_string_equal(socket_address_format(&found[0], text), "10.0.0.9:0");
    assert_string_equal(source, "/etc/hosts");
    assert_int_equal(resolve_name("known.test", soon(), found, &source), 1);
    assert_string_equal(socket_address_format(&found[0], text), "10.1.2.3:0");
    assert_string_equal(source, "DNS");
    assert_int_equal(resolve_name("known", soon(), found, NULL), 1); /* by the search domain */
    assert_int_equal(resolve_name("commented", soon(), found, NULL), -ENOENT);
    assert_int_equal(resolve_name("::1", soon(), found, NULL), 1);
    assert_int_equal(resolve_name("[::1]", soon(), found, NULL), 1);
    assert_int_equal(resolve_name("localhost", soon(), found, NULL), 1);

    resolve_set_root(NULL, 0);
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, NULL, 0), server);
    assert_int_equal(remove_all(root), 0);
}

static void bad_names(void **state)
{
    static const char *const names[] = { "", ".", "a..b", ".a" };
    unsigned char buffer[512];

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (dns_build_query(names[i], 1, 1, buffer) != -EINVAL)
            fail_msg("\"%s\" was taken", names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_dns),
        cmocka_unit_test(bad_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
