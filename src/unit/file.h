/* unit/file.h -- the syntax of unit files and of everything else in that form (systemd.syntax(7)):
 * sections, assignments, comments, continuation lines. */
#pragma once

#include <stddef.h>

/* What one line of the file is. */
enum file_line {
    FILE_SECTION,    /* section: the new section's name */
    FILE_ASSIGNMENT, /* section, name, value; section "" before the first header */
    FILE_FAULT,      /* value: what is wrong, name: the line's text (cut); the line is ignored */
};

/* `line` is where it begins. Strings live during the call only. A negative return ends parsing. */
typedef int (*file_handler)(void *userdata, enum file_line kind, unsigned line, const char *section,
                            const char *name, const char *value);

/* Walks the text, which is changed and has to be NUL-terminated at text[size]. CRLF, a byte order
 * mark and a NUL byte as end of line are accepted. Returns 0; what the handler returned; -EBADMSG
 * for a section header without "]" (told as FILE_FAULT first), which systemd takes for an unusable
 * file; -ENOBUFS for a line longer than 1 MiB. */
int file_parse(char *text, size_t size, file_handler handler, void *userdata);
