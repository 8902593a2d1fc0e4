#include "control/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
}

static void messages_are_cut_at_nul(void **state)
{
    struct frame_buffer in = { 0 };
    int fds[2];
    size_t length;

    make_pair(fds);
    assert_int_equal(write(fds[1], "one\0two\0thr", 11), 11);
    assert_int_equal(frame_receive(&in, fds[0], NULL), 11);
    assert_string_equal(frame_next(&in, &length), "one");
    assert_int_equal(length, 3);
    assert_true(frame_has_message(&in));
    assert_string_equal(frame_next(&in, &length), "two");
    assert_false(frame_has_message(&in));
    assert_null(frame_next(&in, &length));
    assert_int_equal(frame_receive(&in, fds[0], NULL), -EAGAIN);

    /* The rest of the third comes later, byte by byte. */
    for (const char *c = "ee"; *c; c++) {
        assert_int_equal(write(fds[1], c, 1), 1);
        assert_int_equal(frame_receive(&in, fds[0], NULL), 1);
        assert_null(frame_next(&in, &length));
    }
    assert_int_equal(write(fds[1], "", 1), 1);
    assert_int_equal(frame_receive(&in, fds[0], NULL), 1);
    assert_string_equal(frame_next(&in, &length), "three");

    close(fds[1]);
    assert_int_equal(frame_receive(&in, fds[0], NULL), 0);
    frame_done(&in);
    close(fds[0]);
}

/* Feeds n bytes of 'x', and an end if `end`; returns what receiving comes to. */
static int feed(size_t n, bool end, size_t *ret_length)
{
    struct frame_buffer in = { 0 };
    static char chunk[4096];
    int fds[2], r = 0;

    make_pair(fds);
    memset(chunk, 'x', sizeof chunk);
    while (n > 0 && r >= 0) {
        size_t part = MIN(n, sizeof chunk);

        assert_int_equal(write(fds[1], chunk, part), (ssize_t) part);
        n -= part;
        do
            r = frame_receive(&in, fds[0], NULL);
        while (r > 0);
        if (r == -EAGAIN)
            r = 0;
    }
    if (r >= 0 && end) {
        assert_int_equal(write(fds[1], "", 1), 1);
        r = frame_receive(&in, fds[0], NULL);
        if (r > 0 && !frame_next(&in, ret_length))
            r = -ENODATA;
    }
    frame_done(&in);
    close(fds[0]);
    close(fds[1]);
    return r;
}

static void a_message_has_at_most_one_mebibyte(void **state)
{
    size_t length = 0;

    assert_true(feed(FRAME_IN_MAX, true, &length) > 0);
    assert_int_equal(length, FRAME_IN_MAX);
    assert_int_equal(feed(FRAME_IN_MAX + 1, false, &length), -EMSGSIZE);
}

static void the_queue_is_bounded_and_sent_whole(void **state)
{
    static char block[1 << 16], got[1 << 16];
    struct frame_buffer out = { 0 };
    size_t queued = 0, received = 0;
    int fds[2], r;

    make_pair(fds);
    memset(block, 'y', sizeof block);
    while ((r = frame_queue(&out, block, sizeof block, 0)) == 0)
        queued += sizeof block;
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(queued, FRAME_OUT_MAX);
    assert_int_equal(frame_pending(&out), FRAME_OUT_MAX);

    do {
        ssize_t n;

        r = frame_send(&out, fds[0]);
        assert_true(r == 0 || r == -EAGAIN);
        while ((n = read(fds[1], got, sizeof got)) > 0)
            received += (size_t) n;
    } while (r == -EAGAIN);
    assert_int_equal(received, queued);
    assert_int_equal(frame_pending(&out), 0);

    close(fds[1]);
    assert_int_equal(frame_queue(&out, "z", 1, 0), 0);
    assert_int_equal(frame_send(&out, fds[0]), -EPIPE);
    frame_done(&out);
    close(fds[0]);
}

/* Sends one byte and n copies of fd 0. */
static void send_fds(int socket, size_t n)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = { 0 };
    struct iovec iov = { (char *) "", 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
    int zeros[8] = { 0 };

    m.msg_controllen = CMSG_SPACE(n * sizeof(int));
    control.header = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), zeros, n * sizeof(int));
    assert_int_equal(sendmsg(socket, &m, 0), 1);
}

/* What a new descriptor's number would be. */
static int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static void descriptors_are_taken_three_at_most(void **state)
{
    struct frame_buffer in = { 0 };
    struct frame_fds got = { 0 };
    int fds[2], before;

    make_pair(fds);
    before = lowest_free();
    /* Nobody asked for any. */
    send_fds(fds[1], 3);
    assert_int_equal(frame_receive(&in, fds[0], NULL), 1);
    assert_int_equal(lowest_free(), before);

    send_fds(fds[1], 2);
    assert_int_equal(frame_receive(&in, fds[0], &got), 1);
    assert_int_equal(got.n, 2);
    send_fds(fds[1], 3);
    assert_int_equal(frame_receive(&in, fds[0], &got), 1);
    assert_int_equal(got.n, FRAME_FDS_MAX);
    /* More than there is room for: the kernel closes what was cut off. */
    send_fds(fds[1], 8);
    assert_int_equal(frame_receive(&in, fds[0], &got), 1);
    assert_int_equal(got.n, FRAME_FDS_MAX);
    frame_close_fds(&got);
    assert_int_equal(lowest_free(), before);
    frame_done(&in);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_cut_at_nul),
        cmocka_unit_test(a_message_has_at_most_one_mebibyte),
        cmocka_unit_test(the_queue_is_bounded_and_sent_whole),
        cmocka_unit_test(descriptors_are_taken_three_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
