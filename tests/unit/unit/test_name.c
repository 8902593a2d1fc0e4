#include "unit/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"

static void mangle_cases(void **state)
{
    static const struct {
        const char *text;
        bool glob;
        int r;
        const char *result;
    } cases[] = {
        { "nginx", false, 1, "nginx.service" },
        { "nginx.service", false, 0, "nginx.service" },
        { "a@b", false, 1, "a@b.service" },
        { "/home", false, 1, "home.mount" },
        { "/dev/sda", false, 1, "dev-sda.device" },
        { "/", false, 1, "-.mount" },
        { "bad name", false, 1, "bad\\x20name.service" },
        { "ng*", true, 0, "ng*" },
        { "ng?", true, 1, "ng?.service" },
        { "x.socket", false, 0, "x.socket" },
        { "", false, -EINVAL, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char *got = NULL;
        int r = unit_name_mangle(cases[i].text, cases[i].glob, ".service", &got);

        if (r != cases[i].r || !streq_ptr(got, cases[i].result))
            fail_msg("\"%s\": r=%d \"%s\"", cases[i].text, r, strempty(got));
        free(got);
    }
}

static void validity_cases(void **state)
{
    static const struct {
        const char *name;
        unsigned forms;
    } cases[] = {
        { "a.service", UNIT_NAME_PLAIN },
        { "a@.service", UNIT_NAME_TEMPLATE },
        { "a@b.service", UNIT_NAME_INSTANCE },
        { "a@b@c.service", UNIT_NAME_INSTANCE },
        { "a.b.service", UNIT_NAME_PLAIN },
        { "-.slice", UNIT_NAME_PLAIN },
        { "@b.service", 0 },
        { ".service", 0 },
        { "a", 0 },
        { "a.bogus", 0 },
        { "a b.service", 0 },
        { "a/b.service", 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        for (unsigned form = 1; form <= UNIT_NAME_TEMPLATE; form <<= 1)
            if (unit_name_is_valid(cases[i].name, form) != !!(cases[i].forms & form))
                fail_msg("%s as %u", cases[i].name, form);
}

static void slice_cases(void **state)
{
    static const struct {
        const char *name;
        bool user;
        const char *slice;
    } cases[] = {
        { "a.service", false, "system.slice" },
        { "a@b.service", false, "system-a.slice" },
        { "a-b@c.service", false, "system-a\\x2db.slice" },
        { "a.service", true, "app.slice" },
        { "a-b.slice", false, "a.slice" },
        { "a.slice", false, "-.slice" },
        { "-.slice", false, NULL },
        { "a.target", false, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char *got = NULL;

        assert_int_equal(unit_default_slice(cases[i].name, cases[i].user, &got), 0);
        if (!streq_ptr(got, cases[i].slice))
            fail_msg("%s: %s", cases[i].name, strempty(got));
        free(got);
    }
    assert_false(slice_name_is_valid("a--b.slice"));
    assert_false(slice_name_is_valid("-a.slice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mangle_cases),
        cmocka_unit_test(validity_cases),
        cmocka_unit_test(slice_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
