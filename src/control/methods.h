/* control/methods.h -- the functions behind methods.def, and what they share. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "control/json.h"
#include "control/server.h"
#include "manager/unit.h"

/* Every method's userdata is the manager. */
#define METHOD(name, function, ...) \
    int method_##function(struct varlink_call *c, const json_t *in, void *manager);
#include "control/methods.def"
#undef METHOD

/* What the interface tells of a unit and a job; NULL where memory is out. */
json_t *describe_unit(const struct unit *u);
json_t *describe_job(const struct job *j);
json_t *describe_job_end(uint32_t id, const struct unit *u, enum job_result result);
/* Its properties: those named (an array of strings; null or NULL: all), without what is for the
 * privileged only unless `may_see_all`. */
json_t *describe_properties(const struct unit *u, const json_t *names, bool may_see_all);

/* Answers with what the manager refused: NoSuchUnit, or Refused. Returns what varlink_error() does.
 */
int reply_refused(struct varlink_call *c, int r, const struct op_error *e);
json_t *describe_refusal(const char *unit, int r, const struct op_error *e);
/* The empty answer, or reply_refused() for a negative r. */
int reply_result(struct varlink_call *c, int r, const struct op_error *e);

/* The unit that the parameter "unit" names, loading it. 1 with *ret; 0 or a negative errno where
 * the call was answered already, to be returned. */
int method_unit(struct varlink_call *c, const json_t *in, struct manager *m, struct unit **ret);

/* The same for a unit that has to be in memory already: NoSuchUnit else, "Unit x not loaded.". */
int method_loaded_unit(struct varlink_call *c, const json_t *in, struct manager *m,
                       struct unit **ret);

/* Whether a text matches one of the patterns, glob(7), of a JSON array; null: any. */
bool matches_any(const json_t *patterns, const char *text);
/* Whether it equals one of them; false for null. */
bool is_one_of(const json_t *texts, const char *text);
