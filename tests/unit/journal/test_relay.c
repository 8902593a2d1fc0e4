/* What is said to the machine's journald, whole, and that it is told where it is not. */
#include "journal/relay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

static char directory[] = "/tmp/reeve-relay-XXXXXX";
static char *path;

static int listener(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    strcpy(addr.sun_path, path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *) &addr, sizeof addr), 0);
    return fd;
}

/* The datagram, or the file that came in its place. */
static size_t receive(int fd, char *text, size_t size)
{
    struct iovec part = { text, size };
    char control[CMSG_SPACE(sizeof(int))];
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    assert_true(n >= 0);
    if (n == 0 && c) {
        int file;

        memcpy(&file, CMSG_DATA(c), sizeof file);
        n = pread(file, text, size, 0);
        close(file);
    }
    return (size_t) n;
}

static void entry_fields(struct entry *e, struct field_group *g, struct iovec *fields,
                         const char *const *texts)
{
    *e = (struct entry){ .time = { 1, 1 }, .groups = { g }, .n_groups = 1, .fields = fields };
    for (; *texts; texts++)
        fields[e->n_fields++] = (struct iovec){ (void *) *texts, strlen(*texts) };
}

static void trusted_fields_are_of_the_object(void **state)
{
    static const char *const texts[] = { "MESSAGE=two\nlines", "OBJECT_UID=0", "COLOUR=red", NULL };
    auto_field_group struct field_group g = { 0 };
    auto_close int fd = listener();
    struct relay *r = relay_new(path);
    struct iovec fields[8];
    struct entry e;
    char text[512];

    field_add(&g, "_PID", "7");
    field_add(&g, "_UID", "1000");
    field_add(&g, "_BOOT_ID", "x");
    field_add(&g, "_SYSTEMD_UNIT", "a.service");
    entry_fields(&e, &g, fields, texts);
    assert_int_equal(relay_send(r, &e), 0);
    static const char expected[] = "SYSLOG_PID=7\nOBJECT_UID=1000\nOBJECT_SYSTEMD_UNIT=a.service\n"
                                   "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nCOLOUR=red\n";
    assert_int_equal(receive(fd, text, sizeof text), sizeof expected - 1);
    assert_memory_equal(text, expected, sizeof expected - 1);
    relay_free(r);
}

static void manager_speaks_of_its_units(void **state)
{
    static const char *const texts[] = { "UNIT=b.service", NULL };
    auto_field_group struct field_group g = { 0 };
    auto_close int fd = listener();
    struct relay *r = relay_new(path);
    struct iovec fields[8];
    struct entry e;
    char text[512];

    field_add(&g, "_REEVE_MANAGER", "1");
    field_add(&g, "_SYSTEMD_UNIT", "reeve.service");
    entry_fields(&e, &g, fields, texts);
    assert_int_equal(relay_send(r, &e), 0);
    static const char expected[] = "UNIT=b.service\nOBJECT_SYSTEMD_UNIT=b.service\n";
    assert_int_equal(receive(fd, text, sizeof text), sizeof expected - 1);
    assert_memory_equal(text, expected, sizeof expected - 1);
    relay_free(r);
}

static void long_ones_go_in_a_file(void **state)
{
    auto_field_group struct field_group g = { 0 };
    auto_close int fd = listener();
    struct relay *r = relay_new(path);
    size_t size = 4 << 20;
    auto_free char *message = malloc(size + 1), *text = malloc(size + 16);
    const char *const texts[] = { message, NULL };
    struct iovec fields[2];
    struct entry e;

    memset(message, 'x', size);
    memcpy(message, "MESSAGE=", 8);
    message[size] = 0;
    entry_fields(&e, &g, fields, texts);
    assert_int_equal(relay_send(r, &e), 0);
    assert_int_equal(receive(fd, text, size + 16), size + 1);
    assert_memory_equal(text, message, size);
    relay_free(r);
}

static void who_is_gone_is_asked_again(void **state)
{
    static const char *const texts[] = { "MESSAGE=m", NULL };
    auto_field_group struct field_group g = { 0 };
    struct relay *r = relay_new(path);
    int fd = listener();
    struct iovec fields[2];
    struct entry e;
    char text[64];

    entry_fields(&e, &g, fields, texts);
    assert_int_equal(relay_send(r, &e), 0);
    close(fd);
    assert_int_equal(relay_send(r, &e), -ECONNREFUSED);
    fd = listener();
    assert_int_equal(relay_send(r, &e), -ENOTCONN); /* not with each entry */
    e.time.monotonic += 60 * USEC_PER_SEC;
    assert_int_equal(relay_send(r, &e), 0);
    assert_int_equal(receive(fd, text, sizeof text), 10);
    close(fd);
    relay_free(r);
}

static int remove_directory(void **state)
{
    free(path);
    return remove_all(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusted_fields_are_of_the_object),
        cmocka_unit_test(manager_speaks_of_its_units),
        cmocka_unit_test(long_ones_go_in_a_file),
        cmocka_unit_test(who_is_gone_is_asked_again),
    };

    if (!mkdtemp(directory) || !(path = format("%s/socket", directory)))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_directory);
}
