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
