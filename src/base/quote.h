/* base/quote.h -- words out of text and back: quotes and C escapes (systemd.syntax(7), QUOTING). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum quote_flags {
    QUOTE_UNQUOTE = 1 << 0,   /* "..." and '...' at any place of a word lose their quotes */
    QUOTE_CUNESCAPE = 1 << 1, /* \n, \x41, \u2026 ... are what they stand for; others -EINVAL */
    QUOTE_RELAX = 1 << 2,     /* an unbalanced quote ends at the end of the text; a lone "\" at the
                                 end is kept out; unknown escapes stay as they are */
    QUOTE_KEEP_UNKNOWN = 1 << 3, /* with CUNESCAPE: unknown escapes stay, their backslash too */
    QUOTE_KEEP_QUOTE = 1 << 4,   /* quotes protect separators, and stay in the word */
    QUOTE_UNESCAPE_SEPARATORS = 1 << 5, /* "\" before a separator or backslash makes it literal */
    QUOTE_RETAIN_ESCAPE = 1 << 6,       /* backslashes are ordinary characters */
    QUOTE_KEEP_EMPTY = 1 << 7, /* each separator ends a word, empty ones between two count */
};

/* Takes the next word off *p, which moves past it and the separators behind it. `separators` NULL
 * means white space. *ret is a new string.
 * Returns 1; 0 at the end, with *ret NULL; -EINVAL (unbalanced quote, bad escape; *p then is where
 * the fault is), -ENOMEM. */
int quote_next_word(const char **p, char **ret, const char *separators, unsigned flags);

/* All words of a text as a string array (base/strv.h). Returns their number or as above. */
int quote_split(const char *s, char ***ret, const char *separators, unsigned flags);

/* One C escape, `s` pointing behind the backslash, at most n characters. Writes the value, a byte
 * or (ret_unicode true) a code point. Returns the number of characters used or -EINVAL. \x00, \0
 * and the like are -EINVAL unless accept_nul. */
int c_unescape_one(const char *s, size_t n, bool accept_nul, unsigned *ret, bool *ret_unicode);

/* Resolves all escapes. `relax` leaves what is no escape as it is, else -EINVAL. *ret is a new
 * string. Returns its length. */
ssize_t c_unescape(const char *s, bool relax, char **ret);

/* Bytes as C escapes: \n, \t, \\, \", \', and \x1f or octal \037 for others outside of printable
 * ASCII and, if `utf8`, of valid UTF-8. NULL where memory is out. */
char *c_escape(const char *s, size_t n, bool utf8);

/* The text as one word of a POSIX shell, as it is if it needs no quotes; in "..." with \ before
 * ", \, ` and $ else (control characters as $'...'). This is what systemctl prints for values in
 * show-environment and env files. NULL where memory is out. */
char *shell_quote_maybe(const char *s);

/* A command line for display: words joined by spaces, each quoted where it has to be so that
 * QUOTE_UNQUOTE | QUOTE_CUNESCAPE splits it again. NULL where memory is out. */
char *quote_command_line(char *const *argv);
