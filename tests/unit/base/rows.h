/* Rows of recorded truth: tests/corpus/NAME, fields separated by tabs, first line a comment. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

#define ROW_FIELDS_MAX 12

/* Calls check(fields) for every row of `n_fields` fields; it returns a text where the row does not
 * hold, which is printed with the row. Fails at the end if any did not, or if there are fewer than
 * `least` rows. */
static inline void check_rows(const char *name, size_t n_fields, size_t least,
                              char *(*check)(char **fields))
{
    auto_free char *path = path_join(CORPUS_DIR, name, NULL), *text = NULL;
    size_t n = 0, n_failed = 0;

    assert_int_equal(file_read(path, 16 << 20, &text, NULL), 0);
    for (char *line = text, *next; line && *line; line = next) {
        char *fields[ROW_FIELDS_MAX];
        size_t k = 0;

        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (*line == '#')
            continue;
        for (char *p = line; p && k < ROW_FIELDS_MAX; k++) {
            fields[k] = p;
            p = strchr(p, '\t');
            if (p)
                *p++ = 0;
        }
        assert_int_equal(k, n_fields);
        n++;
        auto_free char *wrong = check(fields);
        if (wrong) {
            print_error("%s row %zu, \"%s\" \"%s\" \"%s\": %s\n", name, n, fields[0], fields[1],
                        fields[2], wrong);
            n_failed++;
        }
    }
    assert_true(n >= least);
    if (n_failed > 0)
        fail_msg("%zu of %zu rows", n_failed, n);
}
