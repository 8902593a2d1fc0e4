#include "diagnose/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

const struct probe_kind probe_kinds[] = {
#define PROBE(function, name, argument, answer) { name, argument, answer, probe_##function },
#include "diagnose/probe-kinds.def"
#undef PROBE
    {},
};

static json_t *ask(struct facts *f, const char *kind, const char *argument)
{
    for (const struct probe_kind *k = probe_kinds; k->name; k++)
        if (streq(k->name, kind))
            return f->recorded ? NULL : k->ask(f, argument);
    return NULL;
}

json_t *facts_probe(struct facts *f, const char *kind, const char *argument, ...)
{
    static json_t *empty;
    va_list ap;

    if (!empty)
        empty = json_object();
    va_start(ap, argument);
    auto_free char *text = vformat(argument, ap);
    va_end(ap);
    auto_free char *question = text ? format("%s %s", kind, text) : NULL;
    if (!question)
        return empty;
    if (!f->probes_owner)
        f->probes_owner = json_object();
    json_t *answer = json_object_get(f->probes_owner, question);
    if (answer)
        return answer;
    answer = ask(f, kind, text);
    if (!answer)
        answer = json_object();
    if (!answer || json_object_set_new_nocheck(f->probes_owner, question, answer) < 0)
        return empty;
    return answer;
}

const char *probe_text(json_t *answer, const char *key)
{
    return strempty(json_string_value(json_object_get(answer, key)));
}

long long probe_number(json_t *answer, const char *key)
{
    return json_integer_value(json_object_get(answer, key));
}

bool probe_true(json_t *answer, const char *key)
{
    return json_is_true(json_object_get(answer, key));
}
