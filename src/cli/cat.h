/* cli/cat.h -- configuration files as they are, for people. */
#pragma once

#include <stdbool.h>

/* Prints the file with its path as a heading, an empty line before it unless it is the *first; with
 * `brief` without comments and empty lines. What goes wrong is told. 0 or a negative errno. */
int cat_file(const char *path, bool *first, bool brief);
