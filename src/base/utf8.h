/* base/utf8.h -- UTF-8: validity, width on a terminal, cutting to a width. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point from at most n bytes. Returns the number of bytes (1..4), or -EINVAL for
 * what RFC 3629 forbids (overlong, surrogates, past U+10FFFF, truncated). NUL decodes to itself. */
int utf8_decode(const char *s, size_t n, uint32_t *ret);

/* Writes the code point, which must be valid, and returns the number of bytes. */
size_t utf8_put(uint32_t c, char bytes[static 4]);

bool utf8_is_valid(const char *s);
bool utf8_is_valid_n(const char *s, size_t n);

/* Cells that the code point takes on a terminal: 0 (combining, control), 1, or 2 (East Asian wide,
 * emoji). */
int utf8_cells(uint32_t c);

/* Cells of a whole string; each invalid byte counts as one. Escape sequences (ESC [ ... letter)
 * take none. */
size_t utf8_width(const char *s);

/* A copy that takes at most `width` cells, with "…" in the middle, at `percent` of the width (100:
 * at the end). The copy of a string that fits is unchanged. NULL where memory is out. */
char *utf8_ellipsize(const char *s, size_t width, unsigned percent);

/* A copy in which invalid bytes are U+FFFD and, if `controls`, control characters other than tab
 * and newline as well. NULL where memory is out. */
char *utf8_sanitize(const char *s, size_t n, bool controls);
