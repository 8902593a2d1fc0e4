/* diagnose/judge.h -- what several judges share. */
#pragma once

#include "diagnose/cause.h"
#include "diagnose/facts.h"

/* The first absolute path that begins with `prefix` in the last words of the service, a new string;
 * NULL if there is none. */
char *judge_path_in_output(const struct facts *f, const char *prefix);

/* Adds what is wrong with the link on the way to `path` whose target `missing` is not there, and
 * where it might have to point. */
void judge_dangling_link(struct facts *facts, struct finding *f, const char *path,
                         const char *missing);

/* The lines that a program said last, at most n, as evidence. */
void judge_last_words(const struct facts *facts, struct finding *f, size_t n);

/* Adds the fix for a line of an environment file that uses $NAME: the line with the value written
 * out, where an earlier line of the file sets it. */
void judge_expand(const struct facts *facts, struct finding *f, const char *path, const char *line);

/* Adds the drop-in that has a misplaced setting in the section where it belongs. */
void judge_moved_setting(const struct facts *facts, struct finding *f,
                         const struct unit_message *m);

/* Where the program itself says that an address is in use, and a probe finds a port of its command
 * line or words held by somebody else: sets the facts "address" and "port". Else leaves the finding
 * alone. */
void judge_port_in_words(struct facts *facts, struct finding *f);

/* The port that the command line, environment or last words name; 0: none. */
unsigned judge_port_of_command(const struct facts *facts);

/* The path in the last line of the service that has `words`; a new string, or NULL. */
char *judge_path_after(const struct facts *f, const char *words);

/* A path that ends in .lock or .pid, or has "lock" in it, in the last words; a new string, or NULL.
 */
char *judge_lock_in_output(const struct facts *f);

/* Whether its process did nothing of note after the failed call: neither opened, listened,
 * connected nor executed. What it went on after was not what it gave up over. */
bool judge_gave_up_after(const struct facts *facts, const struct trace_event *e);

/* Whether the text of the program, or of the script that it runs, has this word: it is about it. */
bool judge_program_has(const struct facts *facts, const char *word);

/* Adds the drop-in in which the commands of that program name another one, with their arguments. */
void judge_other_program(const struct facts *facts, struct finding *f, const char *text,
                         const char *program, const char *other);

/* Whether the service's own output has the text. */
bool judge_said(const struct facts *f, const char *text);

/* How sure it is that a program lacks something: it said so, its text uses it, or both. */
double judge_said_or_used(bool said, bool uses);
