/* journal/native.h -- the native protocol (JOURNAL_NATIVE_PROTOCOL): entries of NAME=value lines,
 * or, for values with newlines, a NAME line, a 64-bit little-endian length, the value, a newline;
 * an empty line between entries. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

#define NATIVE_FIELDS_MAX 1024

/* Takes the next entry from data[*at ..n), which is written to: fields with a length are put
 * together as "NAME=value" in place. *fields (of *allocated elements) points into data. Fields that
 * clients may not set, and names that are none, are left out. Returns the number of fields, 0 where
 * only empty lines were left; a damaged rest is dropped, together with the entry it is in
 * (-EBADMSG), as is an entry of too many fields (-E2BIG); -ENOMEM. *at is then where to go on. */
int native_next(char *data, size_t n, size_t *at, struct iovec **fields, size_t *allocated);
