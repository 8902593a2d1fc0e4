#include "control/idl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"

static const struct idl_type types[] = {
    { "Point", "(x: int, y: ?int)", NULL },
    { "Color", "(red, green)", NULL },
    { "Loop", "Loop", NULL },
    { 0 },
};

static void check_cases(void **state)
{
    static const struct {
        const char *type, *json;
        int r;
        const char *member;
    } cases[] = {
        { "()", "{}", 0, NULL },
        { "()", "{\"a\":1}", -EINVAL, "a" },
        { "(name: string)", "{\"name\":\"x\"}", 0, NULL },
        { "(name: string)", "{\"name\":1}", -EINVAL, "name" },
        { "(name: string)", "{}", -EINVAL, "name" },
        { "(name: string)", "{\"name\":null}", -EINVAL, "name" },
        { "(name: string)", "{\"name\":\"x\",\"more\":1}", -EINVAL, "more" },
        { "(name: ?string, n: int)", "{\"n\":3}", 0, NULL },
        { "(name: ?string, n: int)", "{\"name\":null,\"n\":3}", 0, NULL },
        { "(name: ?string, n: int)", "{\"name\":[],\"n\":3}", -EINVAL, "name" },
        { "(n: int)", "{\"n\":3.5}", -EINVAL, "n" },
        { "(f: float, b: bool)", "{\"f\":3,\"b\":false}", 0, NULL },
        { "(b: bool)", "{\"b\":0}", -EINVAL, "b" },
        { "(v: ?[]string, z: bool)", "{\"v\":[\"a\",\"b\"],\"z\":true}", 0, NULL },
        { "(v: ?[]string, z: bool)", "{\"z\":true}", 0, NULL },
        { "(v: []string)", "{\"v\":[\"a\",2]}", -EINVAL, "v" },
        { "(v: []string)", "{\"v\":\"a\"}", -EINVAL, "v" },
        { "(v: [][]int)", "{\"v\":[[1],[],[2,3]]}", 0, NULL },
        { "(m: [string]int)", "{\"m\":{\"a\":1}}", 0, NULL },
        { "(m: [string]int)", "{\"m\":{\"a\":\"1\"}}", -EINVAL, "m" },
        { "(o: object)", "{\"o\":[1,{}]}", 0, NULL },
        { "(p: Point)", "{\"p\":{\"x\":1}}", 0, NULL },
        { "(p: Point)", "{\"p\":{\"x\":1,\"y\":2}}", 0, NULL },
        { "(p: Point)", "{\"p\":{\"y\":2}}", -EINVAL, "p" },
        { "(p: Point)", "{\"p\":{\"x\":1,\"z\":2}}", -EINVAL, "p" },
        { "(p: []Point)", "{\"p\":[{\"x\":1},{\"x\":2}]}", 0, NULL },
        { "(c: Color)", "{\"c\":\"green\"}", 0, NULL },
        { "(c: Color)", "{\"c\":\"blue\"}", -EINVAL, "c" },
        { "(s: (a: int, b: (c: int)), t: int)", "{\"s\":{\"a\":1,\"b\":{\"c\":2}},\"t\":3}", 0,
          NULL },
        { "(s: ?(a: int, b: (c: int)), t: int)", "{\"t\":3}", 0, NULL },
        { "(u: Unknown)", "{\"u\":1}", -EPROTO, NULL },
        { "(l: Loop)", "{\"l\":1}", -EPROTO, NULL },
        { "(a int)", "{\"a\":1}", -EPROTO, NULL },
        { "string", "{}", -EPROTO, NULL },
        { "()", "[]", -EINVAL, "" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char member[IDL_MEMBER_MAX] = "untouched";
        json_t *value = json_loads(cases[i].json, 0, NULL);
        int r = idl_check(cases[i].type, types, value, member);

        if (r != cases[i].r || (cases[i].member && strcmp(member, cases[i].member) != 0))
            fail_msg("%s for %s: %d, member \"%s\"", cases[i].json, cases[i].type, r, member);
        json_decref(value);
    }
}

static void no_parameters_are_an_empty_struct(void **state)
{
    char member[IDL_MEMBER_MAX];

    assert_int_equal(idl_check("()", NULL, NULL, member), 0);
    assert_int_equal(idl_check("(a: ?int)", NULL, NULL, member), 0);
    assert_int_equal(idl_check("(a: int)", NULL, NULL, member), -EINVAL);
    assert_string_equal(member, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_cases),
        cmocka_unit_test(no_parameters_are_an_empty_struct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
