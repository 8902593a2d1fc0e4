/* What clients send, and where processes are: parsers of the collector. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "journal/field.h"
#include "journal/file-format.h"
#include "journal/kernel.h"
#include "journal/native.h"
#include "journal/rate.h"
#include "journal/sender.h"
#include "journal/syslog.h"

static bool is(const char *text, size_t n, const char *expected)
{
    return n == strlen(expected) && (n == 0 || memcmp(text, expected, n) == 0);
}

static void syslog_lines(void **state)
{
    static const struct {
        const char *line;
        int priority;
        const char *timestamp, *identifier, *pid, *text;
    } cases[] = {
        { "<11>Jan  1 00:00:00 tool[5]: said so\n", 11, "Jan  1 00:00:00 ", "tool", "5",
          "said so" },
        { "<30>Nov 22 10:11:12 prog: x", 30, "Nov 22 10:11:12 ", "prog", "", "x" },
        { "prog: x", LOG_USER | LOG_INFO, "", "prog", "", "x" },
        { "no identifier here", LOG_USER | LOG_INFO, "", "", "", "no identifier here" },
        { "<191>x:  two", 191, "", "x", "", " two" },
        { "<192>x: y", 192, "", "x", "", "y" },
        { "<1024>x: y", LOG_USER | LOG_INFO, "", "<1024>x", "", "y" },
        { "<>x: y", LOG_USER | LOG_INFO, "", "<>x", "", "y" },
        { "<6", LOG_USER | LOG_INFO, "", "", "", "<6" },
        { "", LOG_USER | LOG_INFO, "", "", "", "" },
        { "a[b[1]: x", LOG_USER | LOG_INFO, "", "a[b", "1", "x" },
        { "]: x", LOG_USER | LOG_INFO, "", "]", "", "x" },
        { "<5>text with blanks  \t\n", 5, "", "", "", "text with blanks" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct syslog_message m;

        syslog_parse(cases[i].line, strlen(cases[i].line), &m);
        if (m.priority != cases[i].priority ||
            !is(m.timestamp, m.timestamp_length, cases[i].timestamp) ||
            !is(m.identifier, m.identifier_length, cases[i].identifier) ||
            !is(m.pid, m.pid_length, cases[i].pid) || !is(m.text, m.length, cases[i].text))
            fail_msg("\"%s\": %d |%.*s|%.*s|%.*s|%.*s|", cases[i].line, m.priority,
                     (int) m.timestamp_length, strempty(m.timestamp), (int) m.identifier_length,
                     strempty(m.identifier), (int) m.pid_length, strempty(m.pid), (int) m.length,
                     m.text);
    }
}

#define TEXT(s) s, sizeof(s) - 1

static void native_messages(void **state)
{
    static const struct {
        const char *data;
        size_t n;
        int r;              /* of the first entry */
        const char *fields; /* of it, each followed by "|" */
        int entries;
    } cases[] = {
        { TEXT("MESSAGE=a\nPRIORITY=3\n"), 2, "MESSAGE=a|PRIORITY=3|", 1 },
        { TEXT("MESSAGE=a\n\nMESSAGE=b\n\n\n"), 1, "MESSAGE=a|", 2 },
        { TEXT("M\n\3\0\0\0\0\0\0\0x\ny\nN=1\n"), 2, "M=x\ny|N=1|", 1 },
        { TEXT("M\n\0\0\0\0\0\0\0\0\n"), 1, "M=|", 1 },
        { TEXT("MESSAGE=no newline"), 1, "MESSAGE=no newline|", 1 },
        { TEXT("_PID=1\nlower=x\n1A=x\nOK=1\n"), 1, "OK=1|", 1 },
        { TEXT("_X\n\1\0\0\0\0\0\0\0z\nOK=1\n"), 1, "OK=1|", 1 },
        { TEXT(".comment\n#another\nOK=1\n"), 1, "OK=1|", 1 },
        { TEXT("M\n\xff\xff\xff\xff\xff\xff\xff\xff"), -EBADMSG, "", 0 },
        { TEXT("M\n\4\0\0\0\0\0\0\0x\ny\n"), -EBADMSG, "", 0 },
        { TEXT("M\n\1\0\0\0\0\0\0\0xy"), -EBADMSG, "", 0 },
        { TEXT("OK=1\nM"), -EBADMSG, "", 0 },
        { TEXT("M\n\1\0"), -EBADMSG, "", 0 },
        { TEXT("\n\n\n"), 0, "", 0 },
        { TEXT(""), 0, "", 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *data = memdup0(cases[i].data, cases[i].n);
        auto_free struct iovec *fields = NULL;
        size_t allocated = 0, at = 0;
        int entries = 0;

        for (int round = 0; round == 0 || at < cases[i].n; round++) {
            auto_strbuf struct strbuf text = { 0 };
            int r = native_next(data, cases[i].n, &at, &fields, &allocated);

            for (int k = 0; k < r; k++) {
                strbuf_add_n(&text, fields[k].iov_base, fields[k].iov_len);
                strbuf_add_char(&text, '|');
            }
            entries += r > 0;
            if (round == 0 && (r != cases[i].r || !streq(strbuf_text(&text), cases[i].fields)))
                fail_msg("case %zu: %d, \"%s\"", i, r, strbuf_text(&text));
        }
        if (entries != cases[i].entries)
            fail_msg("case %zu: %d entries", i, entries);
    }
}

static void cgroup_paths(void **state)
{
    static const struct {
        const char *path, *unit, *slice, *user_unit, *session;
        int owner;
    } cases[] = {
        { "/system.slice/x.service", "x.service", "system.slice", NULL, NULL, -1 },
        { "/system.slice/system-a.slice/a@1.service/sub", "a@1.service", "system-a.slice", NULL,
          NULL, -1 },
        { "/init.scope", "init.scope", "-.slice", NULL, NULL, -1 },
        { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "user-1000.slice", NULL,
          "3", 1000 },
        { "/user.slice/user-1000.slice/user@1000.service/app.slice/y.service", "user@1000.service",
          "user-1000.slice", "y.service", NULL, 1000 },
        { "/", NULL, NULL, NULL, NULL, -1 },
        { "/docker/abcdef", NULL, NULL, NULL, NULL, -1 },
        { "", NULL, NULL, NULL, NULL, -1 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct cgroup_place p;

        assert_int_equal(cgroup_place_parse(cases[i].path, &p), 0);
        if (!streq_ptr(p.unit, cases[i].unit) || !streq_ptr(p.slice, cases[i].slice) ||
            !streq_ptr(p.user_unit, cases[i].user_unit) ||
            !streq_ptr(p.session, cases[i].session) || (int) p.owner != cases[i].owner)
            fail_msg("%s: %s %s %s %s %d", cases[i].path, strempty(p.unit), strempty(p.slice),
                     strempty(p.user_unit), strempty(p.session), (int) p.owner);
        cgroup_place_done(&p);
    }
}

static void field_names(void **state)
{
    static const struct {
        const char *name;
        bool client, trusted;
    } cases[] = {
        { "MESSAGE", true, true }, { "A_1", true, true }, { "_PID", false, true },
        { "1A", false, false },    { "a", false, false }, { "", false, false },
        { "A-B", false, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        size_t n = strlen(cases[i].name);

        if (field_name_valid(cases[i].name, n, false) != cases[i].client ||
            field_name_valid(cases[i].name, n, true) != cases[i].trusted)
            fail_msg("%s", cases[i].name);
    }
}

static void rates(void **state)
{
    const struct rate_settings two = { 100, 2 }, none = { 0, 0 };
    struct rates *r = rates_new();

    /* As journald was seen to do it with RateLimitBurst=100 and what RuntimeMaxUse= left free. */
    static const struct {
        uint64_t available;
        unsigned burst;
    } bursts[] = {
        { 0, 100 },           { 3 << 19, 100 },   { 14 << 20, 175 },
        { 21 << 20, 200 },    { 28 << 20, 200 },  { 56 << 20, 225 },
        { 120 << 20, 250 },   { 504 << 20, 300 }, { UINT64_C(4088) << 20, 375 },
        { UINT64_MAX, 1175 },
    };
    for (size_t i = 0; i < ELEMENTSOF(bursts); i++)
        assert_int_equal(rate_burst(100, bursts[i].available), bursts[i].burst);
    assert_int_equal(rate_burst(UINT_MAX, UINT64_MAX), UINT_MAX);
    assert_int_equal(rates_test(r, "a", 6, two, 1000), 1);
    assert_int_equal(rates_test(r, "a", 6, two, 1001), 1);
    assert_int_equal(rates_test(r, "a", 6, two, 1002), 0);
    assert_int_equal(rates_test(r, "a", 5, two, 1003), 0); /* counted together with info */
    assert_int_equal(rates_test(r, "a", 3, two, 1003), 1); /* errors are not */
    assert_int_equal(rates_test(r, "b", 6, two, 1004), 1);
    assert_int_equal(rates_test(r, "a", 6, none, 1005), 1);
    assert_int_equal(rates_test(r, "a", 6, two, 1200), 3); /* two were refused */
    assert_int_equal(rates_test(r, "a", 6, two, 1201), 1);
    rates_free(r);
}

static void jenkins_vectors(void **state)
{
    /* lookup3.c's own driver: hashlittle2 of the empty string, and of "Four score and seven years
     * ago" (17770551 ce7226e6 with both seeds 0). */
    assert_true(journal_jenkins("", 0) == 0xdeadbeefdeadbeefULL);
    assert_true(journal_jenkins("Four score and seven years ago", 30) == 0x17770551ce7226e6ULL);
}

static void kernel_records(void **state)
{
    static const struct {
        const char *line;
        int r, priority;
        unsigned number, at;
        const char *text, *key;
    } cases[] = {
        { "6,339,5140900,-;NET: Registered\n", 0, 6, 339, 5140900, "NET: Registered", NULL },
        { "30,340,5690716,c,caller=T1;tool[1]: a\\x0ab\n SUBSYSTEM=acpi\n DEVICE=+acpi:1\n", 0, 30,
          340, 5690716, "tool[1]: a\nb", "SUBSYSTEM=acpi" },
        { "4,1,2,-;\\x5cx41 \\xg", 0, 4, 1, 2, "\\x41 \\xg", NULL },
        { "4,1,2,-;x\n bad=1\n =\nNOT=1\n GOOD=1", 0, 4, 1, 2, "x", "GOOD=1" },
        { "no record", -EBADMSG, 0, 0, 0, NULL, NULL },
        { "x,1,2,-;text", -EBADMSG, 0, 0, 0, NULL, NULL },
        { "6,1;text", -EBADMSG, 0, 0, 0, NULL, NULL },
        { ";", -EBADMSG, 0, 0, 0, NULL, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *line = strdup(cases[i].line);
        struct kernel_record got = { 0 };
        int r = kernel_record_parse(line, strlen(line), &got);

        if (r != cases[i].r || got.priority != cases[i].priority || got.number != cases[i].number ||
            got.at != cases[i].at || (cases[i].text && !is(got.text, got.length, cases[i].text)) ||
            (got.n_keys > 0) != (cases[i].key != NULL) ||
            (cases[i].key && !is(got.keys[0].text, got.keys[0].length, cases[i].key)))
            fail_msg("\"%s\": r=%d \"%.*s\" %zu keys", cases[i].line, r, (int) got.length,
                     strempty(got.text), got.n_keys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_records),  cmocka_unit_test(syslog_lines),
        cmocka_unit_test(native_messages), cmocka_unit_test(cgroup_paths),
        cmocka_unit_test(field_names),     cmocka_unit_test(rates),
        cmocka_unit_test(jenkins_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
