/* interface.c -- types, errors and methods of io.reeve.Manager. */
#include "base/alloc.h"
#include "base/str.h"
#include "control/manager_service.h"
#include "control/server.h"
#include "fill.h"

void put_types(void)
{
    for (const struct idl_type *t = manager_interface.types; t->name; t++) {
        auto_free char *text = format(" %s", t->text);

        put_entry("", t->name, strempty(text), t->doc);
    }
}

void put_errors(void)
{
    for (const struct varlink_error *e = manager_interface.errors; e->name; e++) {
        auto_free char *text = format(" %s", e->parameters);

        put_entry("", e->name, strempty(text), e->doc);
    }
}

void put_methods(void)
{
    static const char *const accesses[] = {
        [NEEDS_READ] = "everybody",
        [NEEDS_OUTPUT] = "output",
        [NEEDS_CHANGE] = "changes",
    };

    for (const struct varlink_method *m = manager_interface.methods; m->name; m++) {
        auto_free char *types = format("%s -> %s", m->in, m->out);
        auto_free char *text = format("For: %s.%s\n%s", accesses[m->access],
                                      m->more ? " Answered as a stream only." : "", m->doc);

        put_entry("", m->name, strempty(types), strempty(text));
    }
}
