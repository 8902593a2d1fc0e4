#include "manager/state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "manager/state_private.h"

/* What is not close-on-exec has come over. */
static void come_over(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
}

/* A manager that crashes may have closed a descriptor since it wrote its number down. */
static void descriptors_are_what_they_were(void **state)
{
    char text[STATE_FD_TEXT_MAX];
    struct state_reader *r = calloc(1, sizeof *r);
    int pipes[2], fd = -1;
    auto_close int file = memfd_create("state", MFD_CLOEXEC), other = open("/dev/null", O_RDONLY);

    (void) state;
    assert_non_null(r);
    assert_int_equal(pipe(pipes), 0);
    come_over(pipes[0]);
    state_fd_text(pipes[0], text);

    assert_int_equal(state_reader_init(r, file), 0);
    assert_int_equal(state_take_fd(r, text, &fd), 0);
    assert_int_equal(fd, pipes[0]);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(state_take_fd(r, text, &fd), -EBADF); /* once */
    state_reader_done(r);

    assert_int_equal(dup2(other, pipes[0]), pipes[0]);
    come_over(pipes[0]);
    assert_int_equal(state_reader_init(r, file), 0);
    assert_int_equal(state_take_fd(r, text, &fd), -EBADF);
    /* As a manager before this one wrote it. */
    snprintf(text, sizeof text, "%d", pipes[0]);
    assert_int_equal(state_take_fd(r, text, &fd), 0);
    assert_int_equal(state_take_fd(r, "x", &fd), -EINVAL);
    assert_int_equal(state_take_fd(r, "99999999 1", &fd), -EINVAL);
    state_reader_done(r);
    close(pipes[0]);
    close(pipes[1]);
    free(r);
}

/* What nobody takes is for no process that is started meanwhile; what was taken stays. */
static void what_nobody_takes(void **state)
{
    char text[STATE_FD_TEXT_MAX];
    struct state_reader *r = calloc(1, sizeof *r);
    auto_close int file = memfd_create("state", MFD_CLOEXEC);
    int fds[3], fd;

    (void) state;
    assert_non_null(r);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
        fds[i] = open("/dev/null", O_RDONLY);
        come_over(fds[i]);
    }
    assert_int_equal(state_reader_init(r, file), 0);
    /* Whatever else this process was started with is not to be touched. */
    memset(r->open, 0, sizeof r->open);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        r->open[fds[i] / 64] |= UINT64_C(1) << (fds[i] % 64);

    assert_int_equal(state_take_fd(r, state_fd_text(fds[0], text), &fd), 0);
    assert_int_equal(fd_cloexec(fds[1], true), 0); /* taken in another way */
    state_reader_own_rest(r);
    assert_int_equal(fcntl(fds[2], F_GETFD), FD_CLOEXEC);
    state_reader_close_rest(r);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fds[2], F_GETFD), -1);
    close(fds[0]);
    close(fds[1]);
    state_reader_done(r);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_what_they_were),
        cmocka_unit_test(what_nobody_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
