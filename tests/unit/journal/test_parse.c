#include "journal/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "PRIORITY NAME=value|NAME=value". */
static char *describe(const struct parsed *p)
{
    struct strbuf b = {};

    strbuf_addf(&b, "%d ", p->priority);
    for (size_t i = 0; i < p->n; i++)
        strbuf_addf(&b, "%s%.*s", i > 0 ? "|" : "", (int) p->fields[i].iov_len,
                    (const char *) p->fields[i].iov_base);
    return strbuf_take(&b);
}

static void lines(void **state)
{
    static const struct {
        enum log_parse mode;
        const char *line, *expected;
    } cases[] = {
        /* zap, slog, pino, logrus as they print */
        { LOG_PARSE_JSON,
          "{\"level\":\"error\",\"ts\":1700000000.1,\"caller\":\"app/main.go:24\",\"msg\":\"no\","
          "\"url\":\"/x\",\"tries\":3}",
          "3 CODE_FILE=app/main.go|CODE_LINE=24|URL=/x|TRIES=3" },
        { LOG_PARSE_JSON,
          "{\"time\":\"2024\",\"level\":\"WARN+2\",\"source\":{\"function\":\"main.main\",\"file\":"
          "\"/src/main.go\",\"line\":24},\"msg\":\"m\",\"user\":{\"id\":7}}",
          "4 CODE_FUNC=main.main|CODE_FILE=/src/main.go|CODE_LINE=24|USER={\"id\":7}" },
        { LOG_PARSE_JSON, "{\"level\":30,\"pid\":1,\"trace_id\":\"4bf9\",\"ok\":true,\"x\":null}",
          "6 PID=1|TRACE_ID=4bf9|OK=true" },
        { LOG_PARSE_JSON,
          "{\"severity\":\"CRITICAL\",\"message\":\"\\u00e4\",\"a b\":\"q\\\"\\n\"}",
          "2 A_B=q\"\n" },
        { LOG_PARSE_JSON, "@cee: {\"level\":\"debug\",\"1x\":\"y\",\"_PID\":\"5\"}",
          "7 LOG_1X=y|LOG__PID=5" },
        { LOG_PARSE_JSON, "{\"MESSAGE\":\"x\",\"priority\":\"3\",\"SYSLOG_PID\":9,\"unit\":\"u\"}",
          "-1 LOG_PRIORITY=3|LOG_SYSLOG_PID=9|LOG_UNIT=u" },
        { LOG_PARSE_JSON, "{}", "-1 " },
        { LOG_PARSE_JSON, "plain text", "-1 " },
        { LOG_PARSE_JSON, "{\"a\":\"b\"", "-1 " },
        { LOG_PARSE_JSON, "{\"a\":\"b", "-1 " },
        { LOG_PARSE_JSON, "{\"a\":[1,{\"b\":\"]\"}],\"c\":\"d\"}", "-1 A=[1,{\"b\":\"]\"}]|C=d" },
        { LOG_PARSE_JSON, "{\"a\" \"b\"}", "-1 " },
        { LOG_PARSE_LOGFMT,
          "time=2024-01-01T00:00:00Z level=INFO source=/src/main.go:24 msg=\"hello world\" user=7 "
          "q=\"a \\\"b\\\"\" traceId=abc",
          "6 CODE_FILE=/src/main.go|CODE_LINE=24|USER=7|Q=a \"b\"|TRACE_ID=abc" },
        { LOG_PARSE_LOGFMT, "lvl=eror a= b", "-1 LVL=eror" },
        { LOG_PARSE_LOGFMT, "-PID=5 @x=1", "-1 LOG__PID=5|LOG__X=1" },
        { LOG_PARSE_LOGFMT, "no pairs here", "-1 " },
        { LOG_PARSE_LOGFMT, "a=\"open", "-1 " },
        { LOG_PARSE_GO, "2009/11/10 23:00:00 main.go:24: listen failed",
          "-1 CODE_FILE=main.go|CODE_LINE=24" },
        { LOG_PARSE_GO, "2009/11/10 23:00:00.000123 /src/x.go:7: m",
          "-1 CODE_FILE=/src/x.go|CODE_LINE=7" },
        { LOG_PARSE_GO, "main.go:24: m", "-1 CODE_FILE=main.go|CODE_LINE=24" },
        { LOG_PARSE_GO, "app: main.go:24: m", "-1 CODE_FILE=main.go|CODE_LINE=24" },
        { LOG_PARSE_GO, "E1110 23:00:00.000000       1 server.go:42] broken",
          "3 CODE_FILE=server.go|CODE_LINE=42" },
        { LOG_PARSE_GO, "Everything is fine", "-1 " },
        { LOG_PARSE_GO, "", "-1 " },
        { LOG_PARSE_NONE, "{\"level\":\"error\"}", "-1 " },
    };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct parsed p = {};
        /* A copy of its own size, so that a read past the end is seen. */
        size_t n = strlen(cases[i].line);
        char *line = malloc(n ? n : 1);

        assert_non_null(line);
        memcpy(line, cases[i].line, n);
        log_parse_line(cases[i].mode, line, n, &p);
        char *got = describe(&p);
        if (!streq(got, cases[i].expected))
            fail_msg("%s: got %s, not %s", cases[i].line, got, cases[i].expected);
        free(got);
        free(line);
        parsed_done(&p);
    }
}

/* Each text is lines; "B" begins, "+" goes on, "." stands alone. */
static void traces(void **state)
{
    static const struct {
        const char *text, *steps;
        const char *expected; /* of the whole, if it is one */
    } cases[] = {
        { "starting\n"
          "panic: runtime error: invalid memory address or nil pointer dereference\n"
          "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x47d2a5]\n"
          "\n"
          "goroutine 1 [running]:\n"
          "main.main()\n"
          "\t/srv/main.go:9 +0x1d\n"
          "exit status 2\n"
          "2024/01/01 00:00:00 next",
          ".B++++++.", NULL },
        { "panic: no\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/x.go:1\ncreated by main.main in "
          "goroutine 1\n\t/x.go:2",
          "B++++++", "2 LOG_TRACE=go" },
        { "SIGQUIT: quit\nPC=0x46a5c1 m=0 sigcode=0\n\ngoroutine 0 "
          "[idle]:\nruntime.futex(0x5)\n\t/y.s:1 +0x21\n"
          "rax    0xca\nrflags 0x286\ncs     0x33",
          "B++++++++", "2 LOG_TRACE=go" },
        { "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    "
          "f()\nValueError: no\nnext line",
          "B+++.", NULL },
        { "Traceback (most recent call last):\n  File \"x\"\nKeyError: 1\n\nDuring handling of the "
          "above exception, "
          "another exception occurred:\n\nTraceback (most recent call last):\n  File "
          "\"y\"\nmy.Odd: x",
          "B++++++++", "3 LOG_TRACE=python" },
        { "Exception in thread \"main\" java.lang.IllegalStateException: no\n\tat "
          "Hello.main(Hello.java:3)\n"
          "Caused by: java.io.IOException: x\n\tat Hello.f(Hello.java:9)\n\t... 1 more\nplain",
          "B++++.", NULL },
        { "java.net.BindException: Address in use\n\tat x.y(Z.java:1)", "B+", "3 LOG_TRACE=java" },
        { "/srv/app.js:1\nthrow new Error('x')\n^\n\nError: x\n    at Object.<anonymous> "
          "(/srv/app.js:1:7)\n"
          "    at node:internal/main:23:47\n\nNode.js v20.20.2\nlater",
          "B++++++++.", NULL },
        { "node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\nError: listen "
          "EADDRINUSE\n"
          "    at f (node:net:1)\nEmitted 'error' event on Server instance at:\n    at g {\n  "
          "code: 'EADDRINUSE'\n}",
          NULL, "3 LOG_TRACE=node" },
        { "Error: no\n    at f (/srv/a.js:1:2)\nfine", "B+.", NULL },
        { "one\ntwo\n", "..", NULL },
        { "panic: alone\nordinary", "B.", NULL },
    };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct trace_state t = {};
        struct strbuf steps = {};

        for (const char *line = cases[i].text; *line;) {
            size_t n = strcspn(line, "\n");

            strbuf_add_char(&steps, ".B+"[trace_next(&t, line, n)]);
            line += n + (line[n] == '\n');
        }
        if (cases[i].steps && !streq(strbuf_text(&steps), cases[i].steps))
            fail_msg("%s: got %s, not %s", cases[i].text, strbuf_text(&steps), cases[i].steps);
        strbuf_done(&steps);
        if (cases[i].expected) {
            struct parsed p = {};

            trace_fields(cases[i].text, strlen(cases[i].text), &p);
            char *got = describe(&p);
            if (!streq(got, cases[i].expected))
                fail_msg("%s: got %s, not %s", cases[i].text, got, cases[i].expected);
            free(got);
            parsed_done(&p);
        }
    }
}

static void names(void **state)
{
    (void) state;
    assert_int_equal(log_parse_from_name("json"), LOG_PARSE_JSON);
    assert_int_equal(log_parse_from_name("logfmt"), LOG_PARSE_LOGFMT);
    assert_int_equal(log_parse_from_name("go"), LOG_PARSE_GO);
    assert_true(log_parse_from_name("xml") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(traces),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
