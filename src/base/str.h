/* base/str.h -- strings: comparing, and a growing text buffer. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/macro.h"

#define WHITESPACE " \t\n\r"

static inline bool streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* NULL equals only NULL. */
static inline bool streq_ptr(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

static inline bool isempty(const char *s)
{
    return !s || !*s;
}

static inline const char *strempty(const char *s)
{
    return s ? s : "";
}

/* What follows the prefix, or NULL if s does not begin with it. */
static inline const char *startswith(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Where the suffix begins, or NULL if s does not end with it. */
const char *endswith(const char *s, const char *suffix);

/* Like asprintf(), but returns the new string, or NULL where memory is out. */
char *format(const char *fmt, ...) _printf_(1, 2);
char *vformat(const char *fmt, va_list ap) _printf_(1, 0);

/* Replaces the string *p by a copy of s (NULL allowed). Returns 0 or -ENOMEM (then *p is
 * unchanged). */
int str_replace(char **p, const char *s);

/* Cuts white space off both ends, in place; returns where the rest begins. */
char *strstrip(char *s);

/* The path's components joined by one "/"; ends with NULL. It is absolute if the first that is not
 * empty is. Returns a new string or NULL. */
char *path_join(const char *first, ...) __attribute__((sentinel));

/* Whether the path begins with "/", whether it has no "." or ".." component and no double slash. */
static inline bool path_is_absolute(const char *p)
{
    return p && *p == '/';
}
bool path_is_normalized(const char *p);
/* Removes doubled and trailing slashes and "." components, in place; returns p. */
char *path_simplify(char *p);
/* What follows the last "/" of p (p itself if there is none). */
const char *path_basename(const char *p);
/* What is left of path after the folder prefix, without leading slash; NULL if it is not below. */
const char *path_startswith(const char *path, const char *prefix);

/* How many insertions, deletions, changes and swaps of neighbours make one word of the other;
 * limit + 1 where it is more than that, or a word has more than 255 bytes. `fold`: case does not
 * count. */
unsigned edit_distance(const char *a, const char *b, unsigned limit, bool fold);

/* Writes v in decimal, at most U64_DIGITS characters and no NUL, where snprintf(3) would be most of
 * the work. Returns how many. */
#define U64_DIGITS 20
size_t put_u64(char *at, uint64_t v);

/* A growing text. Zero-initialise it; after a failed allocation `failed` is set, nothing more is
 * added, and strbuf_take() returns NULL, so that callers check once. */
struct strbuf {
    char *text; /* NUL-terminated once anything was added, else NULL */
    size_t length, allocated;
    bool failed;
};

#define auto_strbuf _cleanup_(strbuf_done)
void strbuf_done(struct strbuf *b);
void strbuf_add(struct strbuf *b, const char *text);
void strbuf_add_n(struct strbuf *b, const void *data, size_t n);
void strbuf_add_char(struct strbuf *b, char c);
/* In decimal; several times cheaper than strbuf_addf(). */
void strbuf_add_u64(struct strbuf *b, uint64_t n);
/* Two lower-case digits for each byte. */
void strbuf_add_hex(struct strbuf *b, const void *data, size_t n);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) _printf_(2, 0);
/* Empties it, keeping its memory. */
void strbuf_clear(struct strbuf *b);
/* The text, never NULL ("" while empty); the buffer keeps it. */
static inline const char *strbuf_text(const struct strbuf *b)
{
    return b->text ? b->text : "";
}
/* Hands the text over ("" if nothing was added), or NULL where memory was out. */
char *strbuf_take(struct strbuf *b);
