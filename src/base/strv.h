/* base/strv.h -- NULL-terminated arrays of strings that own their strings.
 *
 * NULL is the empty array everywhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define auto_strv _cleanup_(auto_strv_p)
void auto_strv_p(char ***v);

void strv_free(char **v);
size_t strv_length(char *const *v);
/* Returns a deep copy, or NULL where memory is out; *an empty array's copy is an allocated one*. */
char **strv_copy(char *const *v);
/* Adds a copy of s (strv_push: s itself, which the array owns from then on, freed on failure as
 * well). Return 0 or -ENOMEM, the array then unchanged. */
int strv_add(char ***v, const char *s);
int strv_push(char ***v, char *s);
int strv_addf(char ***v, const char *fmt, ...) _printf_(2, 3);
/* Adds copies of all strings of `more`, without those already there if `unique`. */
int strv_extend(char ***v, char *const *more, bool unique);
bool strv_contains(char *const *v, const char *s);
bool strv_equal(char *const *a, char *const *b);
/* Removes and frees every string equal to s. */
void strv_remove(char **v, const char *s);
void strv_sort(char **v);
/* Removes later duplicates, keeping order. */
void strv_unique(char **v);
/* The strings with the separator between them. NULL where memory is out. */
char *strv_join(char *const *v, const char *separator);
/* Splits at any of the separator characters, leaving empty parts out. NULL where memory is out. */
char **strv_split(const char *s, const char *separators);
/* An array of the given strings; ends with NULL. */
char **strv_new(const char *first, ...) __attribute__((sentinel));

/* "NAME=VALUE" arrays. strv_env_set() replaces an assignment of the same name. strv_env_get()
 * returns the value within the array, or NULL. */
int strv_env_set(char ***env, const char *assignment);
const char *strv_env_get(char *const *env, const char *name);
void strv_env_unset(char **env, const char *name);

#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; s++)
