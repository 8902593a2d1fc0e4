/* base/quote.h -- words out of text and back: quotes and C escapes (systemd.syntax(7), QUOTING). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum quote_flags {
    QUOTE_UNQUOTE = 1 << 0,      /* "..." and '...' at any place of a word lose their quotes */
    QUOTE_KEEP_QUOTE = 1 << 1,   /* quotes protect separators, and stay in the word */
    QUOTE_CUNESCAPE = 1 << 2,    /* \n, \x41, \u2026 are what they stand for; others -EINVAL */
    QUOTE_KEEP_UNKNOWN = 1 << 3, /* escapes that are none stay, with their backslash */
    QUOTE_UNESCAPE_SEPARATORS = 1 << 4, /* "\" before a separator or "\" makes it literal */
    QUOTE_RETAIN_ESCAPE = 1 << 5,       /* "\" is an ordinary character */
    QUOTE_RELAX = 1 << 6,      /* an open quote ends with the text; a lone last "\" is dropped */
    QUOTE_KEEP_EMPTY = 1 << 7, /* each separator ends a word: "a::b" are three */
};
/* Without an escape flag "\" takes the meaning off the next character and goes.
 * ExecStart= takes QUOTE_UNQUOTE | QUOTE_CUNESCAPE. */

/* Takes the next word off *p, which moves past it and the separators behind it, and becomes NULL
 * once the text is used up (a NULL *p is the end). `separators` NULL means white space. *ret is a
 * new string.
 * Returns 1; 0 at the end, with *ret NULL; -EINVAL (an open quote, a bad escape; *p then stays) or
 * -ENOMEM. */
int quote_next_word(const char **p, char **ret, const char *separators, unsigned flags);

/* All words of a text as a string array (base/strv.h). Returns their number or as above. */
int quote_split(const char *s, char ***ret, const char *separators, unsigned flags);

/* One C escape, `s` pointing behind the backslash, n characters left: a b f n r t v \ " ' s (a
 * space), xHH, uHHHH, UHHHHHHHH, OOO. Writes the value, a byte or (*ret_unicode) a code point.
 * Returns the number of characters used or -EINVAL, which NUL is, too, unless accept_nul. */
int c_unescape_one(const char *s, size_t n, bool accept_nul, unsigned *ret, bool *ret_unicode);

/* Resolves all escapes of s. `relax` leaves what is no escape as it is, else -EINVAL. *ret is a new
 * string. Returns its length, -EINVAL or -ENOMEM. */
ssize_t c_unescape(const char *s, bool relax, char **ret);

/* Bytes as C escapes: \n, \t, \\, \", \', octal \037 for others outside of printable ASCII; valid
 * UTF-8 stays if `utf8`. NULL where memory is out. */
char *c_escape(const char *s, size_t n, bool utf8);

enum shell_quote_flags {
    SHELL_QUOTE_POSIX = 1 << 0, /* $'...' in place of "..." */
    SHELL_QUOTE_EMPTY = 1 << 1, /* an empty string becomes "" and not nothing */
};

/* The text as one word of a shell: as it is where it needs no quotes, else in "..." with \ before
 * ", \, ` and $, control characters as C escapes. systemctl show-environment prints values with
 * SHELL_QUOTE_POSIX. NULL where memory is out. */
char *shell_quote(const char *s, unsigned flags);

/* A command line for display: words quoted by shell_quote(SHELL_QUOTE_EMPTY), joined by spaces.
 * QUOTE_UNQUOTE | QUOTE_CUNESCAPE | QUOTE_KEEP_UNKNOWN splits it again, but for \` and \$. NULL
 * where memory is out. */
char *quote_command_line(char *const *argv);
