#include "manager/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/str.h"

#define B(id) NOTIFY_BIT(id)

/* Which fields are taken, and which are refused for their value. */
static void fields_taken(void **state)
{
    static const struct {
        const char *text;
        unsigned fields, bad;
    } cases[] = {
        { "", 0, 0 },
        { "\n\n", 0, 0 },
        { "READY=1", B(READY), 0 },
        { "READY=1\n", B(READY), 0 },
        { "READY=0", 0, B(READY) },
        { "READY", 0, 0 },
        { "XREADY=1\nREADYX=1\n=1\n", 0, 0 },
        { " READY=1", 0, 0 },
        { "ready=1", 0, 0 },
        { "READY=1\nSTATUS=up\nMAINPID=12", B(READY) | B(STATUS) | B(MAINPID), 0 },
        { "READY=1\rSTATUS=up", B(READY) | B(STATUS), 0 },
        { "STATUS=", B(STATUS), 0 },
        { "STATUS=\xff", 0, B(STATUS) },
        { "STATUS=a=b", B(STATUS), 0 },
        { "STATUS=a\nSTATUS=b", B(STATUS), 0 },
        { "ERRNO=2", B(ERRNO), 0 },
        { "ERRNO=0", B(ERRNO), 0 },
        { "ERRNO=-1", 0, B(ERRNO) },
        { "ERRNO=4096", 0, B(ERRNO) },
        { "ERRNO=ENOENT", 0, B(ERRNO) },
        { "ERRNO=x\nERRNO=2", 0, B(ERRNO) }, /* the first counts */
        { "MAINPID=0", 0, B(MAINPID) },
        { "MAINPID=-3", 0, B(MAINPID) },
        { "MAINPID=99999999999", 0, B(MAINPID) },
        { "MAINPIDFDID=18446744073709551615", B(MAINPIDFDID), 0 },
        { "WATCHDOG=1", B(WATCHDOG), 0 },
        { "WATCHDOG=trigger", B(WATCHDOG), 0 },
        { "WATCHDOG=2", 0, B(WATCHDOG) },
        { "WATCHDOG_USEC=20000000", B(WATCHDOG_USEC), 0 },
        { "WATCHDOG_USEC=1s", 0, B(WATCHDOG_USEC) },
        { "EXTEND_TIMEOUT_USEC=5", B(EXTEND_TIMEOUT_USEC), 0 },
        { "EXTEND_TIMEOUT_USEC=", 0, B(EXTEND_TIMEOUT_USEC) },
        { "FDSTORE=1\nFDNAME=foo\nFDPOLL=0", B(FDSTORE) | B(FDNAME) | B(FDPOLL), 0 },
        { "FDPOLL=1", 0, B(FDPOLL) },
        { "FDNAME=a:b", 0, B(FDNAME) },
        { "FDNAME=", 0, B(FDNAME) },
        { "FDNAME=\t", 0, B(FDNAME) },
        { "FDSTOREREMOVE=1", B(FDSTOREREMOVE), 0 },
        { "BARRIER=1", B(BARRIER), 0 },
        { "EXIT_STATUS=255", B(EXIT_STATUS), 0 },
        { "EXIT_STATUS=256", 0, B(EXIT_STATUS) },
        { "NOTIFYACCESS=exec", B(NOTIFYACCESS), 0 },
        { "NOTIFYACCESS=some", 0, B(NOTIFYACCESS) },
        { "BUSERROR=org.freedesktop.DBus.Error.TimedOut", B(BUSERROR), 0 },
        { "BUSERROR=", B(BUSERROR), 0 },
        { "BUSERROR=nodots", 0, B(BUSERROR) },
        { "BUSERROR=a.1b", 0, B(BUSERROR) },
        { "BUSERROR=a..b", 0, B(BUSERROR) },
        { "VARLINKERROR=org.varlink.service.InvalidParameter", B(VARLINKERROR), 0 },
        { "RELOADING=1\nMONOTONIC_USEC=7", B(RELOADING) | B(MONOTONIC_USEC), 0 },
        { "MONOTONIC_USEC=-7", 0, B(MONOTONIC_USEC) },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = strdup(cases[i].text);
        struct notify_message m;

        notify_parse(text, &m);
        if (m.fields != cases[i].fields || m.bad != cases[i].bad)
            fail_msg("\"%s\": fields %#x bad %#x", cases[i].text, m.fields, m.bad);
    }
}

static void last_state_counts(void **state)
{
    static const struct {
        const char *text;
        enum notify_state state;
    } cases[] = {
        { "STATUS=x", NOTIFY_STATE_UNKNOWN },
        { "READY=1", NOTIFY_STATE_READY },
        { "READY=1\nRELOADING=1", NOTIFY_STATE_RELOADING },
        { "RELOADING=1\nREADY=1", NOTIFY_STATE_READY },
        { "RELOADING=1\nREADY=1\nSTOPPING=1\nREADY=no", NOTIFY_STATE_STOPPING },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = strdup(cases[i].text);
        struct notify_message m;

        notify_parse(text, &m);
        if (m.state != cases[i].state)
            fail_msg("\"%s\": %d", cases[i].text, (int) m.state);
    }
}

static void values(void **state)
{
    char text[] = "STATUS=Accepting requests = 3\nMAINPID=4711\nERRNO=98\nWATCHDOG=trigger\n"
                  "EXTEND_TIMEOUT_USEC=1000\nWATCHDOG_USEC=18446744073709551615\nFDNAME=a b\n"
                  "NOTIFYACCESS=all\nMONOTONIC_USEC=123\nBUSERROR=a.b\nSTATUS=second\n";
    struct notify_message m;

    notify_parse(text, &m);
    assert_int_equal(m.bad, 0);
    assert_string_equal(m.status, "Accepting requests = 3");
    assert_int_equal(m.main_pid, 4711);
    assert_int_equal(m.error, 98);
    assert_true(m.watchdog_trigger);
    assert_true(m.extend_timeout == 1000);
    assert_true(m.watchdog_usec == USEC_INFINITY);
    assert_string_equal(m.fd_name, "a b");
    assert_int_equal(m.access, NOTIFY_ACCESS_ALL);
    assert_true(m.monotonic == 123);
    assert_string_equal(m.bus_error, "a.b");
    assert_true(m.fd_poll);
    assert_null(m.varlink_error);
}

static void long_names(void **state)
{
    char name[300];

    memset(name, 'x', sizeof name);
    name[256] = 0;
    assert_false(notify_fd_name_is_valid(name));
    name[255] = 0;
    assert_true(notify_fd_name_is_valid(name));
}

static void value_for_messages(void **state)
{
    char value[8];

    assert_string_equal(
        notify_field_value("READY=1\nERRNO=abc\n", NOTIFY_ERRNO, value, sizeof value), "abc");
    assert_string_equal(notify_field_value("ERRNO=abcdefghij", NOTIFY_ERRNO, value, sizeof value),
                        "abcdefg");
    assert_string_equal(notify_field_value("READY=1", NOTIFY_ERRNO, value, sizeof value), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_taken),
        cmocka_unit_test(last_state_counts),
        cmocka_unit_test(values),
        cmocka_unit_test(long_names),
        cmocka_unit_test(value_for_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
