#include "unit/command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

/* Each command as "flags path|argv0|argv1...", commands joined by " & ". */
static char *describe(const struct exec_command *c)
{
    struct strbuf b = {};

    for (; c; c = c->next) {
        strbuf_addf(&b, "%x %s", c->flags, c->path);
        STRV_FOREACH (a, c->argv)
            strbuf_addf(&b, "|%s", *a);
        if (c->next)
            strbuf_add(&b, " & ");
    }
    return strbuf_take(&b);
}

static void parse_cases(void **state)
{
    static const struct {
        const char *text, *result; /* NULL: refused */
    } cases[] = {
        { "/bin/x", "0 /bin/x|/bin/x" },
        { "-/bin/x a", "1 /bin/x|/bin/x|a" },
        { "@/bin/x name a", "20 /bin/x|name|a" },
        { "-@:+/bin/x n", "33 /bin/x|n" },
        { "!/bin/x", "4 /bin/x|/bin/x" },
        { "!!/bin/x", "8 /bin/x|/bin/x" },
        { "/bin//x 'a b' \"c d\"e \\x41 \\;", "0 /bin/x|/bin/x|a b|c de|A|;" },
        { "/bin/x a ; /bin/y b", "0 /bin/x|/bin/x|a & 0 /bin/y|/bin/y|b" },
        { "/bin/x a;b ;c", "0 /bin/x|/bin/x|a;b|;c" },
        { "/bin/x ;", "0 /bin/x|/bin/x" },
        { "name a", "0 name|name|a" },
        { "/bin/x \\q", "0 /bin/x|/bin/x|\\q" },
        { "", "" },
        { "./x", NULL },
        { "a/b", NULL },
        { "/bin/", NULL },
        { "-", NULL },
        { "@/bin/x", NULL },
        { "/bin/x 'open", NULL },
        { "+!/bin/x", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct exec_command *list = NULL;
        struct command_fault fault = {};
        int r = commands_parse(cases[i].text, NULL, &list, &fault);
        auto_free char *got = describe(list);

        if (r != (cases[i].result ? 0 : -ENOEXEC) || !streq(got, strempty(cases[i].result)))
            fail_msg("\"%s\": r=%d \"%s\"", cases[i].text, r, got);
        if (r < 0 && !*fault.text)
            fail_msg("\"%s\": refused without a reason", cases[i].text);
        commands_free(list);
    }
}

static void format_parses_again(void **state)
{
    static const char *const lines[] = { "-@:+/bin/x n 'a b' \\x41 \\; \"\" %% \\\\ \"#\" ;",
                                         "!!/bin/x $A ${B} 'it''s' \\t end" };

    for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
        struct exec_command *a = NULL, *b = NULL;
        struct command_fault fault;

        assert_int_equal(commands_parse(lines[i], NULL, &a, &fault), 0);
        /* Percent signs are doubled for the specifiers, which are not resolved here. */
        auto_free char *text = command_format(a);
        assert_int_equal(commands_parse(text, NULL, &b, &fault), 0);
        if (strv_length(a->argv) != strv_length(b->argv) ||
            a->flags != (b->flags | (a->flags & COMMAND_ARGV0)))
            fail_msg("%s: %s", lines[i], text);
        commands_free(a);
        commands_free(b);
    }
}

static void expand_cases(void **state)
{
    static const struct {
        const char *text, *result;
    } cases[] = {
        { "/x $WORDS", "/x|a|b c|d" },
        { "/x ${WORDS}", "/x|a 'b c' d" },
        { "/x $NONE end", "/x|end" },
        { "/x ${NONE} end", "/x||end" },
        { "/x pre${A}post", "/x|pre1post" },
        { "/x pre$A", "/x|pre$A" },
        { "/x $$A $${A}", "/x|$A|${A}" },
        { "/x ${A", "/x|${A" },
        { ":/x $A ${A}", "/x|$A|${A}" },
        { "/x ${A}${A}", "/x|11" },
        { "/x $A/b", "/x" },
    };
    char *const env[] = { (char *) "A=1", (char *) "WORDS=a 'b c' d", NULL };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct exec_command *c = NULL;
        struct command_fault fault;
        char **argv = NULL;

        assert_int_equal(commands_parse(cases[i].text, NULL, &c, &fault), 0);
        assert_int_equal(command_expand(c, env, &argv, NULL, NULL), 0);
        auto_free char *got = strv_join(argv, "|");
        if (!streq(got, cases[i].result))
            fail_msg("\"%s\": \"%s\"", cases[i].text, got);
        strv_free(argv);
        commands_free(c);
    }
}

static void bare_names_are_found(void **state)
{
    char *const path[] = { (char *) "/nowhere", (char *) "/bin", NULL };
    char *found = NULL;

    assert_int_equal(command_find("sh", path, NULL, &found), 0);
    assert_string_equal(found, "/bin/sh");
    free(found);
    found = NULL;
    assert_int_equal(command_find("no-such-program", path, NULL, &found), -ENOENT);
    assert_int_equal(command_find("/etc/passwd", path, NULL, &found), -EACCES);
    assert_null(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_cases),
        cmocka_unit_test(format_parses_again),
        cmocka_unit_test(expand_cases),
        cmocka_unit_test(bare_names_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
