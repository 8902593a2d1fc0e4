#include "journal/output.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "journal/output-entry.h"

static const char *const mode_names[ENTRY_MODE_MAX] = {
    [ENTRY_SHORT] = "short",
    [ENTRY_SHORT_FULL] = "short-full",
    [ENTRY_SHORT_ISO] = "short-iso",
    [ENTRY_SHORT_ISO_PRECISE] = "short-iso-precise",
    [ENTRY_SHORT_PRECISE] = "short-precise",
    [ENTRY_SHORT_MONOTONIC] = "short-monotonic",
    [ENTRY_SHORT_DELTA] = "short-delta",
    [ENTRY_SHORT_UNIX] = "short-unix",
    [ENTRY_WITH_UNIT] = "with-unit",
    [ENTRY_VERBOSE] = "verbose",
    [ENTRY_EXPORT] = "export",
    [ENTRY_JSON] = "json",
    [ENTRY_JSON_PRETTY] = "json-pretty",
    [ENTRY_JSON_SSE] = "json-sse",
    [ENTRY_JSON_SEQ] = "json-seq",
    [ENTRY_CAT] = "cat",
    [ENTRY_LOGFMT] = "logfmt",
};

int entry_mode_from_name(const char *name, enum entry_mode *ret)
{
    for (size_t i = 0; i < ENTRY_MODE_MAX; i++) {
        if (streq(mode_names[i], name)) {
            *ret = (enum entry_mode) i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *entry_mode_name(enum entry_mode mode)
{
    return mode_names[mode];
}

struct output *output_new(const struct output_options *options, struct strbuf *buffer)
{
    struct output *o = new0(struct output, 1);

    if (!o)
        return NULL;
    o->options = *options;
    o->out = buffer;
    o->slots = new0(struct slot, OUTPUT_SLOTS);
    if (!o->slots) {
        free(o);
        return NULL;
    }
    return o;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < OUTPUT_SLOTS; i++)
        free(o->slots[i].text);
    for (size_t i = 0; i < o->n_names; i++)
        free(o->names[i].text);
    strbuf_done(&o->stripped);
    free(o->slots);
    free(o);
}

int output_entry(struct output *o, struct journal_file *f, const struct entry_object *e,
                 const size_t highlight[2])
{
    if (!e)
        return -EBADMSG;
    switch (o->options.mode) {
    case ENTRY_SHORT:
    case ENTRY_SHORT_FULL:
    case ENTRY_SHORT_ISO:
    case ENTRY_SHORT_ISO_PRECISE:
    case ENTRY_SHORT_PRECISE:
    case ENTRY_SHORT_MONOTONIC:
    case ENTRY_SHORT_DELTA:
    case ENTRY_SHORT_UNIX:
    case ENTRY_WITH_UNIT:
        return output_short(o, f, e, highlight);
    case ENTRY_VERBOSE:
        return output_verbose(o, f, e);
    case ENTRY_EXPORT:
        return output_export(o, f, e);
    case ENTRY_JSON:
    case ENTRY_JSON_PRETTY:
    case ENTRY_JSON_SSE:
    case ENTRY_JSON_SEQ:
        return output_json(o, f, e);
    case ENTRY_CAT:
        return output_cat(o, f, e, highlight);
    case ENTRY_LOGFMT:
        return output_logfmt(o, f, e);
    case ENTRY_MODE_MAX:
        break;
    }
    assert_unreachable();
}
