#include "manager/service_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macro.h"

/* systemd.service(5), table 1: one letter for each result in the order of enum service_result:
 * success resources protocol timeout exit-code signal core-dump watchdog start-limit oom condition
 */
static void restart_table(void **state)
{
    static const struct {
        enum service_restart restart;
        const char *when;
    } rows[] = {
        { RESTART_NO, "..........." },          { RESTART_ON_SUCCESS, "X.........." },
        { RESTART_ON_FAILURE, ".XXXXXXXXX." },  { RESTART_ON_ABNORMAL, ".XXX.XXXXX." },
        { RESTART_ON_WATCHDOG, ".......X..." }, { RESTART_ON_ABORT, ".....XX...." },
        { RESTART_ALWAYS, "XXXXXXXXXX." },
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        for (enum service_result r = 0; r < SERVICE_RESULT_MAX; r++) {
            struct service_view v = { .restart = rows[i].restart, .result = r };

            if (service_wants_restart(&v) != (rows[i].when[r] == 'X'))
                fail_msg("Restart=%s after %s", service_restart_to_string((int) rows[i].restart),
                         service_result_name(r));
            v.restart_forced = true;
            assert_true(service_wants_restart(&v));
            v.restart_prevented = true;
            assert_false(service_wants_restart(&v));
            v.restart_prevented = false;
            v.restart_forbidden = true;
            assert_false(service_wants_restart(&v));
        }
}

static void restart_delays(void **state)
{
    static const struct {
        unsigned n;
        usec_t base;
        unsigned steps;
        usec_t max, delay; /* in seconds */
    } cases[] = {
        /* the example of systemd.service(5) */
        { 1, 10, 4, 160, 10 },
        { 2, 10, 4, 160, 20 },
        { 3, 10, 4, 160, 40 },
        { 4, 10, 4, 160, 80 },
        { 5, 10, 4, 160, 160 },
        { 99, 10, 4, 160, 160 },
        { 0, 10, 4, 160, 10 },
        /* without effect */
        { 5, 10, 0, 160, 10 },
        { 5, 0, 4, 160, 0 },
        { 5, 10, 4, USEC_INFINITY / USEC_PER_SEC, 10 },
        { 5, 10, 4, 5, 10 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        usec_t max = cases[i].max == USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY
                                                                  : cases[i].max * USEC_PER_SEC;
        usec_t got = service_restart_delay(cases[i].n, cases[i].base * USEC_PER_SEC, cases[i].steps,
                                           max);
        /* the powers are those of floating point */
        usec_t want = cases[i].delay * USEC_PER_SEC, off = got > want ? got - want : want - got;

        if (off > 10)
            fail_msg("restart %u: %ju us", cases[i].n, (uintmax_t) got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_table),
        cmocka_unit_test(restart_delays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
