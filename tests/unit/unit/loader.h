/* A loader over a folder of its own that a test fills. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/directive.h"
#include "unit/load.h"

struct fixture {
    char root[64];
    struct unit_loader *loader;
};

static inline void fixture_open(struct fixture *f)
{
    struct unit_paths_options o = { .scope = UNIT_SCOPE_SYSTEM, .root = f->root };
    struct unit_loader_options lo = { .root = f->root };
    struct unit_paths paths = {};

    unit_loader_free(f->loader);
    assert_int_equal(unit_paths_new(&o, &paths), 0);
    assert_int_equal(unit_loader_new(&lo, &paths, &f->loader), 0);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    strcpy(f->root, "/tmp/unit-test-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    unit_loader_free(f->loader);
    remove_all(f->root);
    free(f);
    return 0;
}

/* Writes a file below the root; a text that begins with "->" makes a link. */
static inline void fixture_write(struct fixture *f, const char *path, const char *text)
{
    auto_free char *full = path_join(f->root, path, NULL);

    assert_int_equal(mkdir_parents(full, 0755), 0);
    if (startswith(text, "->"))
        assert_int_equal(symlink(text + 2, full), 0);
    else
        assert_int_equal(file_replace(full, text, strlen(text), 0644), 0);
}

static inline struct unit_config *fixture_text(struct fixture *f, const char *name,
                                               const char *text)
{
    struct unit_config *c = NULL;

    assert_int_equal(unit_load_text(f->loader, name, "/test", text, &c), 0);
    return c;
}

static inline struct unit_config *fixture_load(struct fixture *f, const char *name)
{
    struct unit_config *c = NULL;

    assert_int_equal(unit_load(f->loader, name, &c), 0);
    return c;
}

/* The property of the unit as `show` prints it; a new string. */
static inline char *property(const struct unit_config *c, const char *name)
{
    const struct directive *d = directive_find_property((enum unit_type) c->type, name);
    struct strbuf text = {};

    assert_non_null(d);
    directive_format(c, d, &text);
    return strbuf_take(&text);
}
