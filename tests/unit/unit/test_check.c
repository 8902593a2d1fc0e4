#include "unit/check.h"

#include "loader.h"

static void finds_what_is_not_meant(void **state)
{
    static const struct {
        const char *lines, *text; /* NULL: nothing is found */
    } cases[] = {
        { "ExecStart=/bin/x a\n", NULL },
        { "ExecStart=/bin/sh -c 'a && b > /c'\n", NULL },
        { "ExecStart=/bin/x a && b\n", "&& is shell syntax" },
        { "ExecStart=/bin/x > /tmp/log\n", "> is shell syntax" },
        { "ExecStart=/bin/x $(date)\n", "$(...) is shell syntax" },
        { "ExecStart=cd /x\n", "only a shell knows" },
        { "ExecStart=A=1 /bin/x\n", "NAME=value before a command" },
        { "ExecStart=/bin/x ~/y\n", "nothing expands ~" },
        { "ExecStart=/bin/x\nUser=www-data # the user\n", "no comments behind values" },
        { "ExecStart=/bin/x\nEnvironment=PATH=/x:$PATH\n", "not expanded in Environment=" },
        { "ExecStart=/bin/x\nWorkingDirectory=-$HOME/x\n", "not expanded in this setting" },
        { "ExecStart=/bin/date +%H\n", "specifiers here" },
        { "ExecStart=/bin/x\nWatchdogSec=5\n", "stays down" },
        { "ExecStart=/bin/x\nType=forking\n", "has to be guessed" },
        { "ExecStart=/bin/x\n[Unit]\nRequires=nope.service\n", "there is no unit nope.service" },
        { "ExecStart=/bin/x\n[Unit]\nAfter=network-online.target\n", "does not start that target" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = format("[Service]\n%s", cases[i].lines);
        auto_free char *path = path_join(f->root, "c.service", NULL);
        struct unit_config *c;
        bool found = false;

        fixture_write(f, "c.service", text);
        assert_int_equal(unit_check(f->loader, path, &c), 0);
        for (unsigned m = 0; m < c->n_messages; m++)
            found = found || !cases[i].text || strstr(c->messages[m].text, cases[i].text);
        if (found != !!cases[i].text)
            fail_msg("%s: %s", cases[i].lines, c->n_messages ? c->messages[0].text : "(nothing)");
        unit_config_free(c);
    }
}

static void timers_need_their_unit(void **state)
{
    struct fixture *f = *state;
    struct unit_config *c;

    fixture_write(f, "etc/systemd/system/t.timer", "[Timer]\nOnCalendar=daily\n");
    fixture_open(f);
    assert_int_equal(unit_check(f->loader, "t.timer", &c), 0);
    bool found = false;
    for (unsigned m = 0; m < c->n_messages; m++)
        found = found || strstr(c->messages[m].text, "it starts t.service, which does not exist");
    assert_true(found);
    unit_config_free(c);
    assert_int_equal(unit_check(f->loader, "./no-such.service", &c), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_is_not_meant, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(timers_need_their_unit, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
