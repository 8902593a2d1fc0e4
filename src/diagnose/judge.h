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

/* Whether the unit, or the run that is explained, ended with this result. */
bool judge_result_is(const struct facts *facts, const char *result);

/* SERVICE_TYPE_*; simple where the unit is not known. */
unsigned judge_service_type(const struct facts *facts);

/* The last line of the manager about the explained run that has `words`; NULL. */
const struct facts_line *judge_manager_said(const struct facts *facts, const char *words);

/* The last exit of the main process in the explained run; NULL. */
const struct facts_exit *judge_main_exit(const struct facts *facts);

/* The arguments as one line, a new string; NULL for no command. */
char *judge_command_text(const struct exec_command *c);

/* Adds how it ended, if it did (e may be NULL). */
void judge_exit_evidence(struct finding *f, const struct facts_exit *e);

/* The last telling call that failed so (`call` NULL: any): what a program gave up over stands at
 * the end. NULL if there is none. */
const struct trace_event *judge_last_call(const struct facts *facts, const char *call, int error);

/* Whether [Service] sets the directive to something. */
bool judge_is_set(const struct facts *facts, const char *directive);

/* The first command of ExecStart=; NULL. */
const struct exec_command *judge_main_command(const struct facts *facts);

/* What the files give the directive, line for line as it is written, as new strings: all of them,
 * or the last one; NULL. */
char **judge_raw_settings(const struct facts *facts, const char *directive);
char *judge_raw_setting(const struct facts *facts, const char *directive);
