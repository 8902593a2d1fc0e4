/* cli/unit_list.h -- the units that the manager has in memory, as a list of JSON objects. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "cli/systemctl.h"

/* Each as ListUnits gives it (type Unit), sorted by type and name. Zero-initialise it. */
struct unit_list {
    json_t **units;
    size_t n;
};
void unit_list_done(struct unit_list *l);
#define auto_unit_list _cleanup_(unit_list_done)

/* Those that match one of the patterns (NULL: all) and the options --type=, --state= and --all;
 * `type` ("timer") stands for --type=, if not NULL. What fails is told. Returns 0 or a negative
 * errno. */
int unit_list_fetch(struct systemctl *c, char *const *patterns, const char *type,
                    struct unit_list *ret);

/* A member of a listed unit as text, "" if there is none. */
const char *listed_text(const json_t *unit, const char *member);

/* Whether the text matches one of the patterns (glob(7)); true if there are none. */
bool matches_patterns(char *const *patterns, const char *text);
