#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"

struct object {
    uint64_t numbers[3];
};

static void objects_are_zeroed_and_used_again(void **state)
{
    static struct pool pool = POOL_OF(struct object);
    struct object *objects[1000];

    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < ELEMENTSOF(objects); i++) {
            objects[i] = pool_take(&pool);
            assert_non_null(objects[i]);
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(objects[i]->numbers[k], 0);
            objects[i]->numbers[0] = objects[i]->numbers[2] = i;
        }
        for (size_t i = 0; i < ELEMENTSOF(objects); i += 2)
            pool_give(&pool, objects[i]);
        for (size_t i = 0; i < ELEMENTSOF(objects); i += 2) {
            objects[i] = pool_take(&pool);
            assert_int_equal(objects[i]->numbers[0], 0);
        }
        for (size_t i = 1; i < ELEMENTSOF(objects); i += 2)
            assert_int_equal(objects[i]->numbers[2], i);
        assert_int_equal(pool.n_used, ELEMENTSOF(objects));
        for (size_t i = 0; i < ELEMENTSOF(objects); i++)
            pool_give(&pool, objects[i]);
        assert_null(pool.blocks);
    }
    pool_give(&pool, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_zeroed_and_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
