/* The file that names the machine. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "manager/hostname.h"

static void hostname_read_cases(void **state)
{
    static const struct {
        const char *text;
        int r;
        const char *name;
    } cases[] = {
        { "box\n", 0, "box" },
        { "box", 0, "box" },
        { "\n# the name\n  box.example.org  \n", 0, "box.example.org" },
        { "box.\n", 0, "box" },
        { "first\nsecond\n", 0, "first" },
        { "", -ENOENT, NULL },
        { "# nothing\n", -ENOENT, NULL },
        { "-box\n", -EINVAL, NULL },
        { "box-\n", -EINVAL, NULL },
        { "a..b\n", -EINVAL, NULL },
        { ".\n", -EINVAL, NULL },
        { "two words\n", -EINVAL, NULL },
        { "a234567890123456789012345678901234567890123456789012345678901234\n", 0,
          "a234567890123456789012345678901234567890123456789012345678901234" },
        { "a2345678901234567890123456789012345678901234567890123456789012345\n", -EINVAL, NULL },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/test-hostname-XXXXXX", *name = NULL;
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
                         (int) strlen(cases[i].text));
        close(fd);
        int r = hostname_read(path, &name);
        unlink(path);
        if (r != cases[i].r || !streq_ptr(name, cases[i].name))
            fail_msg("\"%s\": r=%d name=%s", cases[i].text, r, name ? name : "(none)");
        free(name);
    }
}

static void no_file(void **state)
{
    char *name = NULL;

    (void) state;
    assert_int_equal(hostname_read("/nonexistent/hostname", &name), -ENOENT);
    assert_null(name);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostname_read_cases),
        cmocka_unit_test(no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
