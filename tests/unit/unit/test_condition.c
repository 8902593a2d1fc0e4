#include "unit/condition.h"

#include "loader.h"
#include "unit/condition-private.h"
#include "unit/virt.h"

static void evaluate_cases(void **state)
{
    static const struct {
        const char *lines;
        int holds;
    } cases[] = {
        { "", 1 },
        { "ConditionPathExists=/proc\n", 1 },
        { "ConditionPathExists=!/proc\n", 0 },
        { "ConditionPathExists=/nope\n", 0 },
        { "ConditionPathExists=|/nope\nConditionPathExists=|/proc\n", 1 },
        { "ConditionPathExists=|/nope\nConditionPathExists=/proc\n", 0 },
        { "ConditionPathExists=/nope\nConditionPathExists=\n", 1 },
        { "ConditionPathExistsGlob=/pro*\n", 1 },
        { "ConditionPathIsDirectory=/etc/passwd\n", 0 },
        { "ConditionPathIsMountPoint=/proc\n", 1 },
        { "ConditionDirectoryNotEmpty=/proc\n", 1 },
        { "ConditionFileNotEmpty=/etc/passwd\n", 1 },
        { "ConditionFileIsExecutable=/bin/sh\n", 1 },
        { "ConditionArchitecture=native\n", 1 },
        { "ConditionArchitecture=pdp11\n", 0 },
        { "ConditionKernelVersion=>=3.0\n", 1 },
        { "ConditionKernelVersion=< 3.0\n", 0 },
        { "ConditionCPUs=>= 1\n", 1 },
        { "ConditionMemory=<1M\n", 0 },
        { "ConditionEnvironment=A\nConditionEnvironment=B=2\n", 1 },
        { "ConditionEnvironment=B=3\n", 0 },
        { "ConditionCapability=CAP_BOGUS\n", 0 },
        { "ConditionControlGroupController=bogus\n", 1 },
        { "ConditionFirstBoot=no\n", 1 },
        { "AssertPathExists=/nope\n", 1 },
    };
    char *const environ_of_test[] = { (char *) "A=1", (char *) "B=2", NULL };
    struct condition_context ctx = { .environ = environ_of_test };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = format("[Unit]\n%s[Service]\nExecStart=/x\n", cases[i].lines);
        struct unit_config *c = fixture_text(*state, "u.service", text);
        const struct condition *failed = NULL;
        int r = conditions_evaluate(c->unit->conditions, false, &ctx, &failed);

        if (r != cases[i].holds || (r == 0) != (failed != NULL))
            fail_msg("%s: %d", cases[i].lines, r);
        unit_config_free(c);
    }
}

static void versions_in_order(void **state)
{
    /* From the version format specification's own example of an order. */
    static const char *const order[] = { "~1",  "",    "1~rc1", "1",    "1-2", "1^post",
                                         "1.0", "1.1", "1.2",   "1.10", "2",   "10" };

    for (size_t i = 0; i < ELEMENTSOF(order); i++)
        for (size_t j = 0; j < ELEMENTSOF(order); j++) {
            int r = version_order(order[i], order[j]);

            if ((r < 0) != (i < j) || (r > 0) != (i > j))
                fail_msg("\"%s\" and \"%s\": %d", order[i], order[j], r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evaluate_cases, fixture_setup, fixture_teardown),
        cmocka_unit_test(versions_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
