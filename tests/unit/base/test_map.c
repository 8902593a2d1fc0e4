#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"

static void siphash_vector(void **state)
{
    /* The paper's test vector: key 00..0f, input 00..0e. */
    uint8_t key[16], data[15];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t) i;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t) i;
    assert_true(siphash24(data, sizeof data, key) == 0xa129ca6149be45e5ULL);
}

static void put_get_remove(void **state)
{
    struct map m = {};
    static char names[1000][8];

    assert_null(map_get(&m, "x"));
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        snprintf(names[i], sizeof names[i], "k%zu", i);
        assert_int_equal(map_put(&m, names[i], names[i]), 0);
    }
    assert_int_equal(m.n, ELEMENTSOF(names));
    for (size_t i = 0; i < ELEMENTSOF(names); i += 2)
        assert_ptr_equal(map_remove(&m, names[i]), names[i]);
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        assert_ptr_equal(map_get(&m, names[i]), i % 2 ? names[i] : NULL);

    size_t n = 0;
    char *value;
    MAP_FOREACH (value, &m)
        n++;
    assert_int_equal(n, ELEMENTSOF(names) / 2);
    map_done(&m);
}

static void many_rounds_do_not_fill_up(void **state)
{
    struct map m = {};

    for (uint64_t i = 1; i < 100000; i++) {
        assert_int_equal(map_put_u64(&m, i, &m), 0);
        if (i > 10)
            assert_ptr_equal(map_remove_u64(&m, i - 10), &m);
    }
    assert_int_equal(m.n, 10);
    assert_true(m.n_slots <= 64);
    map_done(&m);
}

static void an_empty_map_is_small_again(void **state)
{
    struct map m = {};

    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(map_put_u64(&m, i, &m), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_ptr_equal(map_remove_u64(&m, i), &m);
    assert_int_equal(m.n_slots, 0);
    assert_null(map_get_u64(&m, 1));
    assert_int_equal(map_put(&m, "now text", &m), 0);
    assert_ptr_equal(map_get(&m, "now text"), &m);
    map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_vector),
        cmocka_unit_test(put_get_remove),
        cmocka_unit_test(many_rounds_do_not_fill_up),
        cmocka_unit_test(an_empty_map_is_small_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
