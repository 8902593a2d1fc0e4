#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strv.h"

static void path_simplify_cases(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "/", "/" },  { "//a//b/", "/a/b" },      { "a/./b", "a/b" },
        { "./", "." }, { "/./a/../b", "/a/../b" }, { "", "" },
        { "a", "a" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *got = strdup(cases[i].in);

        if (!streq(path_simplify(got), cases[i].out))
            fail_msg("\"%s\": \"%s\"", cases[i].in, got);
    }
}

static void path_startswith_cases(void **state)
{
    static const struct {
        const char *path, *prefix, *rest;
    } cases[] = {
        { "/a/b", "/a", "b" }, { "/ab", "/a", NULL }, { "/a", "/a/", "" },
        { "/a", "/", "a" },    { "a", "/a", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        if (!streq_ptr(path_startswith(cases[i].path, cases[i].prefix), cases[i].rest))
            fail_msg("%s below %s", cases[i].path, cases[i].prefix);
}

static void numbers_in_decimal(void **state)
{
    static const struct {
        uint64_t v;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 10, "10" },
        { 1700000000123456, "1700000000123456" },
        { UINT64_MAX, "18446744073709551615" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char got[U64_DIGITS + 1] = { 0 };
        size_t n = put_u64(got, cases[i].v);

        if (n != strlen(cases[i].text) || !streq(got, cases[i].text))
            fail_msg("%s: \"%s\", %zu", cases[i].text, got, n);
    }
}

static void bytes_in_hexadecimal(void **state)
{
    auto_strbuf struct strbuf b = {};

    strbuf_add_hex(&b, "\x00\x0f\xf0\xff", 4);
    strbuf_add_u64(&b, 1234567890);
    assert_string_equal(strbuf_text(&b), "000ff0ff1234567890");
}

static void strv_grows_and_shrinks(void **state)
{
    auto_strv char **v = NULL;

    for (int i = 0; i < 100; i++)
        assert_int_equal(strv_addf(&v, "V%d=%d", i % 50, i), 0);
    strv_env_unset(v, "V7");
    assert_int_equal(strv_length(v), 98);
    assert_null(strv_env_get(v, "V7"));
    assert_int_equal(strv_env_set(&v, "V8=x"), 0);
    assert_string_equal(strv_env_get(v, "V8"), "x");
    assert_int_equal(strv_add(&v, "more"), 0);
    strv_unique(v);
    auto_free char *joined = strv_join(v, " ");
    auto_strv char **again = strv_split(joined, " ");
    assert_true(strv_equal(v, again));
}

static void edits(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned limit, distance;
        bool fold;
    } cases[] = {
        { "", "", 0, 0, false },           { "a", "", 3, 1, false },
        { "start", "start", 2, 0, false }, { "start", "strat", 2, 1, false },
        { "start", "stat", 2, 1, false },  { "start", "stop", 2, 3, false },
        { "start", "stop", 3, 3, false },  { "user", "User", 2, 1, false },
        { "user", "User", 2, 0, true },    { "a", "abcdefgh", 2, 3, false },
    };
    auto_free char *longest = calloc(1, 300);

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        unsigned got = edit_distance(cases[i].a, cases[i].b, cases[i].limit, cases[i].fold);

        if (got != cases[i].distance)
            fail_msg("%s, %s: %u", cases[i].a, cases[i].b, got);
    }
    memset(longest, 'x', 256);
    assert_int_equal(edit_distance(longest, longest, 2, false), 3);
}

static void join_paths(void **state)
{
    auto_free char *a = path_join("/", "a", "/b", NULL);
    auto_free char *b = path_join("", "a", NULL);
    auto_free char *c = path_join("", "/a", "/b", NULL);

    assert_string_equal(a, "/a/b");
    assert_string_equal(b, "a");
    assert_string_equal(c, "/a/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_simplify_cases),
        cmocka_unit_test(path_startswith_cases),
        cmocka_unit_test(numbers_in_decimal),
        cmocka_unit_test(strv_grows_and_shrinks),
        cmocka_unit_test(bytes_in_hexadecimal),
        cmocka_unit_test(join_paths),
        cmocka_unit_test(edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
