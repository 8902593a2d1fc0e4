#include "unit/env-file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

static void parse_cases(void **state)
{
    static const struct {
        const char *text, *result;
        unsigned faults;
    } cases[] = {
        { "A=1\nB=2\n", "A=1|B=2", 0 },
        { "A=1\r\nB=2\r\n", "A=1|B=2", 0 },
        { "# A=1\n; B=2\nC=3", "C=3", 0 },
        { "# comment \\\nA=1\n", "A=1", 0 },
        { "A=  x y  \n", "A=x y", 0 },
        { "A='x y' \"z\"\n", "A=x yz", 0 },
        { "A=\"a\\\"b\\$c\\d\"\n", "A=a\"b$c\\d", 0 },
        { "A='a\\nb'\n", "A=a\\nb", 0 },
        { "A=a\\\nb\n", "A=ab", 0 },
        { "A=x'y'\n", "A=x'y'", 0 },
        { "A=\"two\nlines\"\n", "A=two\nlines", 0 },
        { "  A = 1\n", "A=1", 0 },
        { "A=\n", "A=", 0 },
        { "A=1\nA=2\n", "A=2", 0 },
        { "A=$B${C}\n", "A=$B${C}", 0 },
        { "A=1 # no comment\n", "A=1 # no comment", 0 },
        { "export A=1\n", "", 1 },
        { "1A=x\nnothing\n=y\nB=1\n", "B=1", 3 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_strv char **env = NULL;
        struct env_file_fault faults[4];
        unsigned n = 99;
        int r = env_file_parse(cases[i].text, strlen(cases[i].text), &env, faults, 4, &n);
        auto_free char *got = strv_join(env, "|");

        if (r != 0 || n != cases[i].faults || !streq(got, cases[i].result))
            fail_msg("\"%s\": r=%d faults=%u \"%s\"", cases[i].text, r, n, got);
    }
}

static void binary_files_change_nothing(void **state)
{
    auto_strv char **env = strv_new("A=1", NULL);

    assert_int_equal(env_file_parse("B=2\0", 4, &env, NULL, 0, NULL), -EBADMSG);
    assert_int_equal(strv_length(env), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_cases),
        cmocka_unit_test(binary_files_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
