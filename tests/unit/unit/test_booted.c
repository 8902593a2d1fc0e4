/* Beside another init the targets of early boot draw nothing in (unit/load.h, `booted`). */
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
#include "unit/load.h"

static void early_targets_draw_nothing_in(void **state)
{
    static const struct {
        bool booted;
        const char *unit;
        bool drawn;
    } cases[] = {
        { false, "sysinit.target", true },
        { true, "sysinit.target", false },
        { true, "multi-user.target", true },
    };
    char root[] = "/tmp/test_booted.XXXXXX";

    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *folder = format("%s/etc/systemd/system/%s.wants", root, cases[i].unit);
        auto_free char *link = path_join(folder, "setup.service", NULL);
        struct unit_paths paths;
        struct unit_loader *l = NULL;
        struct unit_config *c = NULL;

        assert_int_equal(mkdir_all(folder, 0755), 0);
        assert_true(symlink("/usr/lib/systemd/system/setup.service", link) == 0 ||
                    access(link, F_OK));
        assert_int_equal(unit_paths_new(&(struct unit_paths_options){ .root = root }, &paths), 0);
        assert_int_equal(unit_loader_new(&(struct unit_loader_options){ .root = root,
                                                                        .booted = cases[i].booted },
                                         &paths, &l),
                         0);
        assert_int_equal(unit_load(l, cases[i].unit, &c), 0);
        if (strv_contains(c->unit->wants, "setup.service") != cases[i].drawn)
            fail_msg("%s, booted %d", cases[i].unit, cases[i].booted);
        unit_config_free(c);
        unit_loader_free(l);
    }
    assert_int_equal(remove_all(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(early_targets_draw_nothing_in) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
