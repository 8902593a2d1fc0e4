/* What becomes of two jobs for one unit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/private.h"

static const enum active_state states[] = { ACTIVE_ACTIVE, ACTIVE_RELOADING,  ACTIVE_INACTIVE,
                                            ACTIVE_FAILED, ACTIVE_ACTIVATING, ACTIVE_DEACTIVATING };

static void merging_is_symmetric_and_idempotent(void **state)
{
    for (enum job_type a = 0; a < JOB_NOP; a++)
        for (enum job_type b = 0; b < JOB_NOP; b++) {
            enum job_type ab = JOB_NOP, ba = JOB_NOP;
            int r = job_type_merge(a, b, &ab), k = job_type_merge(b, a, &ba);

            if (r != k || ab != ba)
                fail_msg("%s + %s is not %s + %s", job_type_name(a), job_type_name(b),
                         job_type_name(b), job_type_name(a));
            if ((a == b) && (r < 0 || ab != a))
                fail_msg("%s with itself is not itself", job_type_name(a));
            /* Only a stop contradicts, and it contradicts everything else. */
            if ((r < 0) != ((a == JOB_STOP) != (b == JOB_STOP)))
                fail_msg("%s + %s: %d", job_type_name(a), job_type_name(b), r);
        }
}

/* a wins over b if doing a does what b asks for; then merging gives a. */
static void supersets_agree_with_merging(void **state)
{
    for (enum job_type a = 0; a < JOB_NOP; a++)
        for (enum job_type b = 0; b < JOB_NOP; b++) {
            enum job_type both;

            if (job_type_is_superset(a, b) && (job_type_merge(a, b, &both) < 0 || both != a))
                fail_msg("%s does not stand for %s", job_type_name(a), job_type_name(b));
        }
    assert_true(job_type_is_superset(JOB_RESTART, JOB_RELOAD));
    assert_true(job_type_is_superset(JOB_START, JOB_VERIFY_ACTIVE));
    assert_false(job_type_is_superset(JOB_RELOAD, JOB_START));
}

static void merge_cases(void **state)
{
    static const struct {
        enum job_type a, b;
        enum active_state s;
        enum job_type want;
    } cases[] = {
        { JOB_START, JOB_VERIFY_ACTIVE, ACTIVE_INACTIVE, JOB_START },
        { JOB_START, JOB_RELOAD, ACTIVE_ACTIVE, JOB_RELOAD },
        { JOB_START, JOB_RELOAD, ACTIVE_INACTIVE, JOB_START },
        { JOB_START, JOB_RELOAD, ACTIVE_ACTIVATING, JOB_RELOAD },
        { JOB_START, JOB_RESTART, ACTIVE_ACTIVE, JOB_RESTART },
        { JOB_VERIFY_ACTIVE, JOB_RELOAD, ACTIVE_ACTIVE, JOB_RELOAD },
        { JOB_RELOAD, JOB_RESTART, ACTIVE_ACTIVE, JOB_RESTART },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        enum job_type t = cases[i].a;

        if (job_type_merge_and_collapse(&t, cases[i].b, cases[i].s) < 0 || t != cases[i].want)
            fail_msg("%s + %s while %s: %s, not %s", job_type_name(cases[i].a),
                     job_type_name(cases[i].b), active_state_name(cases[i].s), job_type_name(t),
                     job_type_name(cases[i].want));
    }
}

static void collapsing_leaves_installable_types(void **state)
{
    for (enum job_type t = 0; t < JOB_TYPE_MAX; t++)
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
            enum job_type c = job_type_collapse(t, states[i]);

            if (c > JOB_NOP)
                fail_msg("%s while %s stays %s", job_type_name(t), active_state_name(states[i]),
                         job_type_name(c));
            if (job_type_collapse(c, states[i]) != c)
                fail_msg("%s while %s changes twice", job_type_name(t),
                         active_state_name(states[i]));
        }
    assert_int_equal(job_type_collapse(JOB_TRY_RESTART, ACTIVE_FAILED), JOB_NOP);
    assert_int_equal(job_type_collapse(JOB_TRY_RELOAD, ACTIVE_ACTIVE), JOB_RELOAD);
    assert_int_equal(job_type_collapse(JOB_RELOAD_OR_START, ACTIVE_DEACTIVATING), JOB_START);
}

static void redundant_cases(void **state)
{
    assert_true(job_type_is_redundant(JOB_START, ACTIVE_ACTIVE));
    assert_true(job_type_is_redundant(JOB_START, ACTIVE_RELOADING));
    assert_false(job_type_is_redundant(JOB_START, ACTIVE_ACTIVATING));
    assert_true(job_type_is_redundant(JOB_STOP, ACTIVE_FAILED));
    assert_false(job_type_is_redundant(JOB_STOP, ACTIVE_DEACTIVATING));
    assert_true(job_type_is_redundant(JOB_RELOAD, ACTIVE_RELOADING));
    assert_true(job_type_is_redundant(JOB_NOP, ACTIVE_INACTIVE));
    for (size_t i = 0; i < ELEMENTSOF(states); i++)
        assert_false(job_type_is_redundant(JOB_RESTART, states[i]));
}

static void names_round_trip(void **state)
{
    for (enum job_type t = 0; t < JOB_TYPE_MAX; t++)
        assert_int_equal(job_type_from_name(job_type_name(t)), t);
    assert_int_equal(job_type_from_name("resurrect"), -EINVAL);
    for (enum job_result r = 0; r < JOB_RESULT_MAX; r++)
        assert_non_null(job_result_name(r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_is_symmetric_and_idempotent),
        cmocka_unit_test(supersets_agree_with_merging),
        cmocka_unit_test(merge_cases),
        cmocka_unit_test(collapsing_leaves_installable_types),
        cmocka_unit_test(redundant_cases),
        cmocka_unit_test(names_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
