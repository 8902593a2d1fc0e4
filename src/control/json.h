/* control/json.h -- values of systemd's world as JSON and back.
 *
 * Infinity is null, and bytes that are not UTF-8 (or hold a NUL) are {"bytes": base64}: JSON and
 * jansson have neither. */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "base/time.h"

/* A new string value, or {"bytes": ...}; null for NULL. NULL where memory is out. */
json_t *json_text(const char *s);
json_t *json_text_n(const void *data, size_t n);
/* An array of texts (strv; NULL gives an empty one). */
json_t *json_texts(char *const *v);
/* A number; null for UINT64_MAX; numbers past INT64_MAX are texts. */
json_t *json_u64(uint64_t n);

/* The bytes of a text as above: *ret is a new NUL-terminated string and the caller's. Returns 0,
 * -EINVAL (of another kind, or bad base64), -ENOMEM. ret_size may be NULL. */
int json_text_get(const json_t *v, char **ret, size_t *ret_size);
/* The same for an array of texts: a new strv. */
int json_texts_get(const json_t *v, char ***ret);
/* A number as json_u64() gives it; UINT64_MAX for null. Returns 0 or -EINVAL. */
int json_u64_get(const json_t *v, uint64_t *ret);
