#include "base/quote.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define EXEC (QUOTE_UNQUOTE | QUOTE_CUNESCAPE)

static void words(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        const char *separators;
        int r;
        const char *words; /* joined by "|" */
    } cases[] = {
        { "", EXEC, NULL, 0, "" },
        { "   ", EXEC, NULL, 0, "" },
        { "a b  c ", EXEC, NULL, 3, "a|b|c" },
        { "\"a b\" 'c d'", EXEC, NULL, 2, "a b|c d" },
        { "a\"b c\"d", EXEC, NULL, 1, "ab cd" },
        { "\"\" ''", EXEC, NULL, 2, "|" },
        { "\"it's\" '\"'", EXEC, NULL, 2, "it's|\"" },
        { "\\x41\\u00e4\\101\\n\\s", EXEC, NULL, 1, "A\303\244A\n " },
        { "a\\ b", EXEC, NULL, -EINVAL, NULL },
        { "a\\ b", QUOTE_UNQUOTE, NULL, 1, "a b" },
        { "\\q", EXEC, NULL, -EINVAL, NULL },
        { "\\q\\n", EXEC | QUOTE_KEEP_UNKNOWN, NULL, 1, "\\q\n" },
        { "\\x00", EXEC, NULL, -EINVAL, NULL },
        { "\\ud800", EXEC, NULL, -EINVAL, NULL },
        { "\"open", EXEC, NULL, -EINVAL, NULL },
        { "\"open word", EXEC | QUOTE_RELAX, NULL, 1, "open word" },
        { "a\\", EXEC, NULL, -EINVAL, NULL },
        { "a\\", EXEC | QUOTE_RELAX, NULL, 1, "a" },
        { "a\\", EXEC | QUOTE_KEEP_UNKNOWN, NULL, 1, "a\\" },
        { "a\\", QUOTE_RETAIN_ESCAPE, NULL, 1, "a\\" },
        { "\\n \\t", QUOTE_RETAIN_ESCAPE, NULL, 2, "\\n|\\t" },
        { "\"a b\" c", QUOTE_KEEP_QUOTE, NULL, 2, "\"a b\"|c" },
        { "\"a b\" c", 0, NULL, 3, "\"a|b\"|c" },
        { "a:b::c", 0, ":", 3, "a|b|c" },
        { "a:b::c", QUOTE_KEEP_EMPTY, ":", 4, "a|b||c" },
        { "a:", QUOTE_KEEP_EMPTY, ":", 2, "a|" },
        { ":", QUOTE_KEEP_EMPTY, ":", 2, "|" },
        { "", QUOTE_KEEP_EMPTY, ":", 1, "" },
        { "a\\:b:c\\\\", QUOTE_UNESCAPE_SEPARATORS, ":", 2, "a:b|c\\" },
        { "a\\:b\\n", QUOTE_UNESCAPE_SEPARATORS, ":", -EINVAL, NULL },
        { "a\\:b\\n", QUOTE_UNESCAPE_SEPARATORS | QUOTE_CUNESCAPE, ":", 1, "a:b\n" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_strv char **v = NULL;
        int r = quote_split(cases[i].text, &v, cases[i].separators, cases[i].flags);
        auto_free char *joined = v ? strv_join(v, "|") : NULL;

        if (r != cases[i].r || !streq_ptr(joined, cases[i].words))
            fail_msg("\"%s\" flags %#x: %d \"%s\"", cases[i].text, cases[i].flags, r,
                     strempty(joined));
    }
}

static void next_word_moves_on(void **state)
{
    const char *p = "one  two";
    char *word;

    assert_int_equal(quote_next_word(&p, &word, NULL, EXEC), 1);
    assert_string_equal(word, "one");
    assert_string_equal(p, "two");
    free(word);
    assert_int_equal(quote_next_word(&p, &word, NULL, EXEC), 1);
    assert_null(p);
    free(word);
    assert_int_equal(quote_next_word(&p, &word, NULL, EXEC), 0);
    assert_null(word);

    p = "fine \"open";
    const char *before;
    assert_int_equal(quote_next_word(&p, &word, NULL, EXEC), 1);
    free(word);
    before = p;
    assert_int_equal(quote_next_word(&p, &word, NULL, EXEC), -EINVAL);
    assert_ptr_equal(p, before);
}

static void escapes(void **state)
{
    static const struct {
        const char *plain, *escaped;
    } cases[] = {
        { "plain", "plain" },         { "a\tb\n", "a\\tb\\n" },   { "\"'\\", "\\\"\\'\\\\" },
        { "\001\177", "\\001\\177" }, { "\303\244", "\303\244" }, { "\377x", "\\377x" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *escaped = c_escape(cases[i].plain, strlen(cases[i].plain), true);
        auto_free char *back = NULL;

        assert_string_equal(escaped, cases[i].escaped);
        assert_int_equal(c_unescape(escaped, false, &back), strlen(cases[i].plain));
        assert_string_equal(back, cases[i].plain);
    }
    auto_free char *bytes = c_escape("\303\244", 2, false);
    assert_string_equal(bytes, "\\303\\244");
    char *untouched = NULL;
    assert_int_equal(c_unescape("a\\", false, &untouched), -EINVAL);
    assert_null(untouched);
    auto_free char *relaxed = NULL;
    assert_int_equal(c_unescape("\\q\\", true, &relaxed), 3);
    assert_string_equal(relaxed, "\\q\\");
}

static void shell_words(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        const char *quoted;
    } cases[] = {
        { "plain-word_1.2/x=y,%:@", 0, "plain-word_1.2/x=y,%:@" },
        { "", 0, "" },
        { "", SHELL_QUOTE_EMPTY, "\"\"" },
        { "a b", 0, "\"a b\"" },
        { "a b", SHELL_QUOTE_POSIX, "$'a b'" },
        { "$x`\"\\", 0, "\"\\$x\\`\\\"\\\\\"" },
        { "it's", SHELL_QUOTE_POSIX, "$'it\\'s'" },
        { "a\nb", 0, "\"a\\nb\"" },
        { "*", 0, "\"*\"" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *quoted = shell_quote(cases[i].text, cases[i].flags);

        assert_string_equal(quoted, cases[i].quoted);
    }
    auto_strv char **argv = strv_new("/bin/sh", "-c", "echo \"a b\"\n", "", NULL), **again = NULL;
    auto_free char *line = quote_command_line(argv);
    assert_string_equal(line, "/bin/sh -c \"echo \\\"a b\\\"\\n\" \"\"");
    assert_int_equal(quote_split(line, &again, NULL, EXEC), 4);
    assert_true(strv_equal(argv, again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(next_word_moves_on),
        cmocka_unit_test(escapes),
        cmocka_unit_test(shell_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
