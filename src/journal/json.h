/* journal/json.h -- field values as JSON, as the journal writes them (JOURNAL_EXPORT_FORMATS). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Whether the value can be a JSON string: UTF-8 without control characters other than tab and
 * newline. */
bool json_is_text(const char *value, size_t n);
/* Adds a string in quotes; the value has to be UTF-8. */
void json_add_text(struct strbuf *b, const char *value, size_t n);
/* Adds a string, or, where it cannot be one, an array of the bytes' numbers. */
void json_add_value(struct strbuf *b, const char *value, size_t n);
