#include "base/utf8.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/escape.h"

static void validity(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "", true },
        { "plain", true },
        { "ä€𝄞", true },
        { "\xc0\x80", false },         /* overlong */
        { "\xe0\x80\xaf", false },     /* overlong */
        { "\xed\xa0\x80", false },     /* surrogate */
        { "\xf4\x90\x80\x80", false }, /* past U+10FFFF */
        { "\xf4\x8f\xbf\xbf", true },
        { "\xc3", false },
        { "a\x80", false },
        { "\xff", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        if (utf8_is_valid(cases[i].text) != cases[i].valid)
            fail_msg("case %zu", i);
    for (uint32_t c = 1; c < 0x110000; c += 37) {
        char bytes[4];
        uint32_t back = 0;

        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t n = utf8_put(c, bytes);
        assert_int_equal(utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, c);
    }
}

static void widths(void **state)
{
    assert_int_equal(utf8_width("plain"), 5);
    assert_int_equal(utf8_width("ä€"), 2);
    assert_int_equal(utf8_width("a\xcc\x88"), 1); /* a combining diaeresis */
    assert_int_equal(utf8_width("日本"), 4);
    assert_int_equal(utf8_width("🙂"), 2);
    assert_int_equal(utf8_width("\xff"), 1);
    assert_int_equal(utf8_width("\033[1;31mred\033[0m"), 3);
    assert_int_equal(utf8_width("\033]8;;http://x\aname\033]8;;\a"), 4);
    assert_int_equal(utf8_width("\033["), 0);
}

static void ellipsis(void **state)
{
    static const struct {
        const char *text;
        size_t width;
        unsigned percent;
        const char *cut;
    } cases[] = {
        { "fits", 4, 100, "fits" },
        { "too long", 5, 100, "too …" },
        { "too long", 5, 0, "…long" },
        { "abcdefghij", 5, 50, "ab…ij" },
        { "日本語文", 5, 100, "日本…" },
        { "日本語文", 4, 100, "日…" },
        { "\033[31mredder\033[0m", 4, 100, "\033[31mred…\033[0m" },
        { "ab", 1, 100, "…" },
        { "ab", 0, 100, "" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *got = utf8_ellipsize(cases[i].text, cases[i].width, cases[i].percent);

        if (strcmp(got, cases[i].cut) != 0 || utf8_width(got) > cases[i].width)
            fail_msg("\"%s\" to %zu: \"%s\"", cases[i].text, cases[i].width, got);
    }
}

static void sanitized(void **state)
{
    auto_free char *a = utf8_sanitize("a\xff\tb\033", 5, false);
    auto_free char *b = utf8_sanitize("a\xff\tb\033", 5, true);
    auto_free char *c = utf8_sanitize("a\0b", 3, false);

    assert_string_equal(a, "a\xef\xbf\xbd\tb\033");
    assert_string_equal(b, "a\xef\xbf\xbd\tb\xef\xbf\xbd");
    assert_string_equal(c, "a\xef\xbf\xbd"
                           "b");
}

/* systemd.unit(5); the command is compared with systemd-escape in
 * tests/integration/test_small_tools.py */
static void unit_name_escapes(void **state)
{
    auto_free char *escaped = name_escape(".a b/ä-c"), *back = NULL, *path = NULL, *root = NULL;
    char *untouched = NULL;

    assert_string_equal(escaped, "\\x2ea\\x20b-\\xc3\\xa4\\x2dc");
    assert_int_equal(name_unescape(escaped, &back), 0);
    assert_string_equal(back, ".a b/ä-c");
    assert_int_equal(name_unescape("\\x2", &untouched), -EINVAL);
    assert_int_equal(name_escape_path("//var/./lib//", &path), 0);
    assert_string_equal(path, "var-lib");
    assert_int_equal(name_escape_path("/", &root), 0);
    assert_string_equal(root, "-");
    assert_int_equal(name_escape_path("/a/../b", &untouched), -EINVAL);
    assert_int_equal(name_unescape_path("a--b", &untouched), -EINVAL);
    assert_null(untouched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),          cmocka_unit_test(widths),
        cmocka_unit_test(ellipsis),          cmocka_unit_test(sanitized),
        cmocka_unit_test(unit_name_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
