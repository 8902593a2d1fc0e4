#include "cli/state_symbol.h"

#include <stdio.h>

#include "base/str.h"

static const struct {
    const char *state, *symbol, *ascii;
    enum color color;
} symbols[] = {
    { "active", "●", "*", COLOR_GREEN },      { "reloading", "↻", "*", COLOR_GREEN },
    { "refreshing", "↻", "*", COLOR_GREEN },  { "inactive", "○", "o", COLOR_NONE },
    { "failed", "×", "x", COLOR_RED },        { "activating", "●", "*", COLOR_NONE },
    { "deactivating", "●", "*", COLOR_NONE }, { "maintenance", "○", "o", COLOR_NONE },
};

const char *state_symbol(const char *active_state, enum color *ret_color)
{
    for (size_t i = 0; i < ELEMENTSOF(symbols); i++)
        if (streq(symbols[i].state, active_state)) {
            if (ret_color)
                *ret_color = symbols[i].color;
            return term_is_utf8() ? symbols[i].symbol : symbols[i].ascii;
        }
    if (ret_color)
        *ret_color = COLOR_NONE;
    return " ";
}

void print_state_symbol(const char *active_state, const char *load_state)
{
    enum color color;
    const char *symbol = state_symbol(active_state, &color);

    if (load_state && (streq(load_state, "not-found") || streq(load_state, "bad-setting") ||
                       streq(load_state, "error")))
        color = COLOR_YELLOW;
    if (color == COLOR_NONE)
        fputs(symbol, stdout);
    else
        printf("%s%s%s", term_color(color), symbol, term_reset());
}
