#include "cli/verdict_line.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/str.h"
#include "diagnose/cause.h"
#include "diagnose/run.h"

/* In a process of its own, since probes may block; a verdict that takes longer is left out. */
#define LIMIT (3 * USEC_PER_SEC)

char *verdict_line(const char *unit, bool user)
{
    const char *argv[] = { "/proc/self/exe",
                           "why",
                           user ? "--user" : "--system",
                           "--again=no",
                           "-o",
                           "json",
                           "--",
                           unit,
                           NULL };
    auto_free char *text = NULL;
    char *line = NULL;

    if (run_program(argv, (size_t) 1 << 20, LIMIT, &text, NULL) != 0)
        return NULL;
    json_t *report = json_loads(text, 0, NULL), *cause = json_object_get(report, "cause");
    const char *id = json_string_value(json_object_get(cause, "id"));
    const char *summary = json_string_value(json_object_get(cause, "summary"));

    if (id && summary && json_number_value(json_object_get(cause, "confidence")) >= SURE_PROVEN)
        line = format("%s: %s (reeve why%s %s)", id, summary, user ? " --user" : "", unit);
    json_decref(report);
    return line;
}
