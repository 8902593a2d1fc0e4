/* cli/state_names.h -- the lists of words that `--type=help`, `--state=help` and `--signal=help`
 * print.
 */
#pragma once

#include <stdbool.h>

void print_unit_types(void);
void print_unit_states(void);
/* All signals; with their numbers if `numbers`. */
void print_signals(bool numbers);
