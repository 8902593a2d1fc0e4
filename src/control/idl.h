/* control/idl.h -- Varlink's interface language: what a method takes and gives.
 *
 * The table of methods holds the types as the description of the interface has them, so that
 * requests are checked against the very text that clients are shown. */
#pragma once

#include <jansson.h>

/* Named types: the text of each begins behind "type NAME ". Ends with a NULL name. */
struct idl_type {
    const char *name;
    const char *text; /* "(unit: string, job: ?int)" or "(start, stop)" */
    const char *doc;
};

/* Whether `value`, an object or NULL (which is an empty one), is a struct as `type` has it:
 * "(name: string, mode: ?string)". Members that are not in the type are refused. `types` may be
 * NULL. Returns 0, or -EINVAL with the name of the first wrong or missing member in
 * ret_member (cut to its size). A type that is itself wrong is -EPROTO. */
#define IDL_MEMBER_MAX 64
int idl_check(const char *type, const struct idl_type *types, const json_t *value,
              char ret_member[static IDL_MEMBER_MAX]);
