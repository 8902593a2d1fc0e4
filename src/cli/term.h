/* cli/term.h -- the terminal: colours, width, pager. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum color {
    COLOR_NONE,
    COLOR_BOLD,
    COLOR_DIM,
    COLOR_RED,
    COLOR_GREEN,
    COLOR_YELLOW,
    COLOR_BLUE,
    COLOR_UNDERLINE,
    COLOR_MAX,
};

/* Whether standard output shows colours: a terminal, and neither NO_COLOR nor TERM=dumb;
 * SYSTEMD_COLORS=yes|no decides where it is set. A pager that was started counts as the terminal.
 */
bool term_has_color(void);

/* The sequence that begins a colour, or that ends all ("" without colours). */
const char *term_color(enum color c);
const char *term_reset(void);

/* Columns of the terminal: COLUMNS, or what the terminal says, or 80. */
size_t term_width(void);
/* Whether standard output is a terminal (not a pager). */
bool term_is_terminal(void);

/* Sends standard output through a pager (SYSTEMD_PAGER, PAGER, less, more, cat), where it is a
 * terminal; what systemctl does unless --no-pager. term_pager_close() waits for its end; it is
 * called at exit. */
void term_pager_open(void);
void term_pager_close(void);

/* Whether symbols outside of ASCII can be printed: LC_ALL, LC_CTYPE or LANG name UTF-8, or none is
 * set; SYSTEMD_UTF8=yes|no decides where it is set. */
bool term_is_utf8(void);
