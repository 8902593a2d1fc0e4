#include "manager/service_exit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"

/* 3, 255, SIGUSR1, SIGSEGV and signal 64. */
static const struct exit_status_set some = {
    .statuses = { [0] = 1 << 3, [3] = UINT64_C(1) << 63 },
    .signals = 1 << SIGUSR1 | 1 << SIGSEGV | 1,
};

static void results(void **state)
{
    static const struct {
        int code, status;
        bool daemon, set;
        enum service_result result;
    } cases[] = {
        { CLD_EXITED, 0, true, false, RESULT_SUCCESS },
        { CLD_EXITED, 1, true, false, RESULT_EXIT_CODE },
        { CLD_EXITED, 3, true, false, RESULT_EXIT_CODE },
        { CLD_EXITED, 3, true, true, RESULT_SUCCESS },
        { CLD_EXITED, 255, false, true, RESULT_SUCCESS },
        { CLD_EXITED, 143, true, true, RESULT_EXIT_CODE },
        { CLD_KILLED, SIGTERM, true, false, RESULT_SUCCESS },
        { CLD_KILLED, SIGHUP, true, false, RESULT_SUCCESS },
        { CLD_KILLED, SIGINT, true, false, RESULT_SUCCESS },
        { CLD_KILLED, SIGPIPE, true, false, RESULT_SUCCESS },
        { CLD_KILLED, SIGTERM, false, false, RESULT_SIGNAL },
        { CLD_KILLED, SIGUSR1, true, false, RESULT_SIGNAL },
        { CLD_KILLED, SIGUSR1, true, true, RESULT_SUCCESS },
        { CLD_KILLED, SIGKILL, true, true, RESULT_SIGNAL },
        { CLD_KILLED, 64, false, true, RESULT_SUCCESS },
        { CLD_DUMPED, SIGSEGV, true, true, RESULT_CORE_DUMP },
        { CLD_DUMPED, SIGABRT, true, false, RESULT_CORE_DUMP },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        enum service_result r = service_exit_result(cases[i].code, cases[i].status, cases[i].daemon,
                                                    cases[i].set ? &some : NULL);

        if (r != cases[i].result)
            fail_msg("code %d status %d: %s", cases[i].code, cases[i].status,
                     service_result_name(r));
    }
}

static void matches(void **state)
{
    static const struct {
        int code, status;
        bool match;
    } cases[] = {
        { CLD_EXITED, 3, true },       { CLD_EXITED, 4, false },       { CLD_EXITED, 0, false },
        { CLD_KILLED, SIGUSR1, true }, { CLD_DUMPED, SIGSEGV, true },  { CLD_KILLED, 64, true },
        { CLD_KILLED, 3, false },      { CLD_EXITED, SIGUSR1, false }, { 0, 3, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        if (service_exit_matches(cases[i].code, cases[i].status, &some) != cases[i].match)
            fail_msg("code %d status %d", cases[i].code, cases[i].status);
        assert_false(service_exit_matches(cases[i].code, cases[i].status, NULL));
    }
}

static void texts(void **state)
{
    static const struct {
        int code, status;
        const char *code_name, *text, *long_text;
    } cases[] = {
        { CLD_EXITED, 0, "exited", "0", "0/SUCCESS" },
        { CLD_EXITED, 1, "exited", "1", "1/FAILURE" },
        { CLD_EXITED, 3, "exited", "3", "3/NOTIMPLEMENTED" },
        { CLD_EXITED, 42, "exited", "42", "42/n/a" },
        { CLD_EXITED, 78, "exited", "78", "78/CONFIG" },
        { CLD_EXITED, 203, "exited", "203", "203/EXEC" },
        { CLD_EXITED, 233, "exited", "233", "233/RUNTIME_DIRECTORY" },
        { CLD_EXITED, 255, "exited", "255", "255/EXCEPTION" },
        { CLD_KILLED, SIGTERM, "killed", "TERM", "15/TERM" },
        { CLD_DUMPED, SIGSEGV, "dumped", "SEGV", "11/SEGV" },
        { CLD_KILLED, SIGKILL, "killed", "KILL", "9/KILL" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char text[EXIT_TEXT_MAX], long_text[EXIT_TEXT_MAX];

        service_exit_status_text(cases[i].code, cases[i].status, text);
        service_exit_long_text(cases[i].code, cases[i].status, long_text);
        if (!streq(service_exit_code_name(cases[i].code), cases[i].code_name) ||
            !streq(text, cases[i].text) || !streq(long_text, cases[i].long_text))
            fail_msg("code %d status %d: %s %s", cases[i].code, cases[i].status, text, long_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
        cmocka_unit_test(matches),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
