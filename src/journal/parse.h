/* journal/parse.h -- what programs print, taken apart: level, place in the code, trace id and
 * fields of their own, out of lines of JSON, logfmt (slog, zap, logrus) or Go's log package; and
 * the traces of runtimes, whose lines belong together. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/str.h"

/* LogParse= and `reeve tee --parse=`. The traces of runtimes are known in all of them. */
enum log_parse { LOG_PARSE_NONE, LOG_PARSE_JSON, LOG_PARSE_LOGFMT, LOG_PARSE_GO };

/* -EINVAL for a word that is none. */
int log_parse_from_name(const char *name);

#define PARSED_FIELDS_MAX 32

/* The fields of one line, "NAME=value", beside MESSAGE, which stays as it was. Zero-initialise it;
 * parsed_done() frees it, log_parse_line() uses its memory again. */
struct parsed {
    int priority; /* -1: the line says nothing */
    struct iovec fields[PARSED_FIELDS_MAX];
    size_t n;
    struct strbuf text;
};
void parsed_done(struct parsed *p);

/* A line that is not of the form gives no fields. Names are those of the journal: CODE_FILE,
 * CODE_LINE, CODE_FUNC, TRACE_ID, SPAN_ID; others in upper case, with LOG_ before one that the
 * journal has taken. */
void log_parse_line(enum log_parse mode, const char *line, size_t n, struct parsed *ret);

enum trace_runtime { TRACE_NONE, TRACE_GO, TRACE_PYTHON, TRACE_JAVA, TRACE_NODE };

/* Where in a trace a stream of lines is. */
struct trace_state {
    enum trace_runtime runtime;
    unsigned lines;
    bool over; /* the line that ends it has come; only what continues it may follow */
};

enum trace_step { TRACE_LINE, TRACE_BEGINS, TRACE_GOES_ON };

/* What the next line is: a line of its own, the first of a (possible) trace, or one more of it. */
enum trace_step trace_next(struct trace_state *t, const char *line, size_t n);

/* A whole trace: its level, and LOG_TRACE=go|python|java|node. */
void trace_fields(const char *text, size_t n, struct parsed *ret);
