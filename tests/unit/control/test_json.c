#include "control/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"

static void texts_survive(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *json;
    } cases[] = {
        { "", 0, "\"\"" },
        { "plain", 5, "\"plain\"" },
        { "\xc3\xa4", 2, "\"\xc3\xa4\"" },
        { "\xff", 1, "{\"bytes\":\"/w==\"}" },
        { "a\0b", 3, "{\"bytes\":\"YQBi\"}" },
        { "\xff\xfe\xfd\xfc", 4, "{\"bytes\":\"//79/A==\"}" },
        { "\xff\xfe\xfd\xfc\xfb", 5, "{\"bytes\":\"//79/Ps=\"}" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_t *v = json_text_n(cases[i].bytes, cases[i].n);
        char *dumped = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT), *back = NULL;
        size_t n = 0;

        if (!dumped || strcmp(dumped, cases[i].json) != 0)
            fail_msg("case %zu: %s", i, dumped ? dumped : "(null)");
        if (json_text_get(v, &back, &n) < 0 || n != cases[i].n ||
            memcmp(back, cases[i].bytes, n) != 0)
            fail_msg("case %zu does not come back", i);
        free(back);
        free(dumped);
        json_decref(v);
    }
}

static void what_is_no_text_is_refused(void **state)
{
    static const char *const cases[] = { "1",
                                         "null",
                                         "[]",
                                         "{}",
                                         "{\"bytes\":1}",
                                         "{\"bytes\":\"abc\"}",
                                         "{\"bytes\":\"ab=c\"}",
                                         "{\"bytes\":\"a===\"}",
                                         "{\"bytes\":\"ab-_\"}" };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_t *v = json_loads(cases[i], JSON_DECODE_ANY, NULL);
        char *text = (char *) "untouched";

        if (json_text_get(v, &text, NULL) != -EINVAL || strcmp(text, "untouched") != 0)
            fail_msg("%s", cases[i]);
        json_decref(v);
    }
}

static void numbers_survive(void **state)
{
    static const struct {
        uint64_t n;
        const char *json;
    } cases[] = {
        { 0, "0" },
        { 42, "42" },
        { INT64_MAX, "9223372036854775807" },
        { (uint64_t) INT64_MAX + 1, "\"9223372036854775808\"" },
        { UINT64_MAX - 1, "\"18446744073709551614\"" },
        { UINT64_MAX, "null" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_t *v = json_u64(cases[i].n);
        char *dumped = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        uint64_t back = 1;

        if (strcmp(dumped, cases[i].json) != 0 || json_u64_get(v, &back) != 0 || back != cases[i].n)
            fail_msg("%s: %s", cases[i].json, dumped);
        free(dumped);
        json_decref(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_survive),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(numbers_survive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
