/* diagnose/probe.h -- questions to the live machine, each asked once, and answered by a JSON object
 * that a recorded document can hold as well.
 *
 * facts_probe(f, "port", "tcp 0.0.0.0:8080") -> {"held": true, "pid": 812, "comm": "nginx", ...} */
#pragma once

#include <jansson.h>

#include "diagnose/facts.h"

/* The answer, which the facts own: never NULL, but empty where the question could not be answered
 * or was not recorded. `argument` is formatted. */
json_t *facts_probe(struct facts *f, const char *kind, const char *argument, ...)
    __attribute__((format(printf, 3, 4)));

/* Reading an answer: "" and 0 and false for what is not there. */
const char *probe_text(json_t *answer, const char *key);
long long probe_number(json_t *answer, const char *key);
bool probe_true(json_t *answer, const char *key);

struct probe_kind {
    const char *name;
    const char *argument; /* what it takes */
    const char *answer;   /* the keys of its answer */
    /* Returns a new object, or NULL (no memory: an empty answer). */
    json_t *(*ask)(struct facts *f, const char *argument);
};

/* Ends with a row whose name is NULL. */
extern const struct probe_kind probe_kinds[];

#define PROBE(function, name, argument, answer) \
    json_t *probe_##function(struct facts *f, const char *argument_);
#include "diagnose/probe-kinds.def"
#undef PROBE

/* Whether two names are a slip of the finger apart: one or two edits, or "-" for "_" and none. */
bool name_is_near(const char *a, const char *b);
