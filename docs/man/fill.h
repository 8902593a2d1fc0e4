/* fill.h -- what the files of fill share. */
#pragma once

/* "*TERM* ARGUMENTS", and what it is below. `prefix` is printed as a part of the term. `text`
 * is not empty. */
void put_entry(const char *prefix, const char *term, const char *arguments, const char *text);

/* interface.c: the control interface. Its own file, since the names of access rights of that
 * interface and of files are the same. */
void put_types(void);
void put_errors(void);
void put_methods(void);
