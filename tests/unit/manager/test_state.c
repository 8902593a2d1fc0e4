#include "manager/state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_what_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
