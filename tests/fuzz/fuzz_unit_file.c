/* Unit files of every type: whatever they hold, loading ends, and what is written out of the config
 * parses to the same. The first byte chooses the type. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "unit/directive.h"
#include "unit/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct unit_loader *loader(void)
{
    static struct unit_loader *l;
    struct unit_loader_options options = { .root = "/nonexistent" };
    struct unit_paths_options where = { .root = "/nonexistent" };
    struct unit_paths paths = {};

    if (!l)
        assert(unit_paths_new(&where, &paths) >= 0 && unit_loader_new(&options, &paths, &l) >= 0);
    return l;
}

static char *rewrite(const struct unit_config *c)
{
    struct strbuf out = {};
    const char *section = "";
    const struct directive *d;

    for (unsigned i = 0; (d = directive_next((enum unit_type) c->type, &i));) {
        const char *own = directive_section(d, (enum unit_type) c->type);

        if (!streq(section, own))
            strbuf_addf(&out, "[%s]\n", section = own);
        directive_format_file(c, d, &out);
    }
    return strbuf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "u.service",   "u.socket", "u.timer",    "u.path",
                                         "u.mount",     "u.swap",   "u.slice",    "u.scope",
                                         "u@i.service", "u.target", "u.automount" };
    struct unit_config *a = NULL, *b = NULL;
    const struct directive *d;

    if (size == 0)
        return 0;
    const char *name = names[data[0] % ELEMENTSOF(names)];
    auto_free char *text = memdup0(data + 1, size - 1), *again = NULL;
    if (!text || unit_load_text(loader(), name, "/fuzz", text, &a) < 0)
        return 0;
    again = rewrite(a);
    if (a->load_state == LOAD_LOADED && unit_load_text(loader(), name, "/fuzz", again, &b) >= 0)
        for (unsigned i = 0; (d = directive_next((enum unit_type) a->type, &i));)
            if (!directive_equal(a, b, d)) {
                fprintf(stderr, "%s= is not what it was in\n%s", directive_property(d), again);
                abort();
            }
    unit_config_free(a);
    unit_config_free(b);
    return 0;
}
