/* cli/state_symbol.h -- the sign that stands for a unit's state. */
#pragma once

#include "cli/term.h"

/* "●" active, "○" inactive, "×" failed, "↻" reloading; the colour in *ret_color (may be NULL).
 * Where the terminal has no UTF-8, "*", "o" and "x". */
const char *state_symbol(const char *active_state, enum color *ret_color);
/* Prints it in its colour. `load_state`, if not NULL, turns it yellow for what could not be loaded.
 */
void print_state_symbol(const char *active_state, const char *load_state);
