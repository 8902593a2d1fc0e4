#include "base/glob.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

static void patterns(void **state)
{
    static const char *const files[] = { "a/one.conf", "a/two.conf", "a/.hidden.conf", "b/one.conf",
                                         "b/x[1]" };
    static const struct {
        const char *pattern, *matches;
    } cases[] = {
        { "a/*.conf", "a/one.conf a/two.conf" },
        { "*/one.conf", "a/one.conf b/one.conf" },
        { "a/.h*", "a/.hidden.conf" },
        { "a/one.conf", "a/one.conf" },
        { "a/none", "" },
        { "none/*", "" },
        { "{a,b}/one.conf", "a/one.conf b/one.conf" },
        { "a/{one,two,three}.conf", "a/one.conf a/two.conf" },
        { "b/x\\[1\\]", "b/x[1]" },
        { "?", "a b" },
        { "{", "" },
        { "a/{one.conf", "" },
    };
    char root[] = "/tmp/test_glob.XXXXXX";

    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        auto_free char *path = path_join(root, files[i], NULL);

        assert_int_equal(mkdir_parents(path, 0755), 0);
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    }
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *pattern = path_join(root, cases[i].pattern, NULL);
        auto_strv char **found = NULL;
        auto_strbuf struct strbuf b = {};

        assert_true(path_glob(pattern, &found) >= 0);
        STRV_FOREACH (f, found)
            strbuf_addf(&b, "%s%s", b.length ? " " : "", *f + strlen(root) + 1);
        if (!streq(strbuf_text(&b), cases[i].matches))
            fail_msg("%s: %s", cases[i].pattern, strbuf_text(&b));
    }
    assert_int_equal(remove_all(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(patterns) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
