/* unit/command.h -- command lines (systemd.service(5), COMMAND LINES). */
#pragma once

#include <stdbool.h>

#include "unit/types.h"

struct specifier_context;

void commands_free(struct exec_command *list);
/* A deep copy of a list; -ENOMEM. */
int commands_copy(const struct exec_command *list, struct exec_command **ret);
unsigned commands_count(const struct exec_command *list);

/* What is wrong with a command line: where a prefix, word or path could not be taken. */
struct command_fault {
    char text[160];     /* what is wrong, for people */
    const char *remedy; /* or NULL */
};

/* Parses one line, which may hold several commands separated by " ; ", and appends them to *list
 * (nothing on failure). Specifiers are resolved if `specifiers` is not NULL.
 * Returns 0; -ENOEXEC, fault filled in; -ENOMEM. */
int commands_parse(const char *text, const struct specifier_context *specifiers,
                   struct exec_command **list, struct command_fault *fault);

/* One command as a unit file has it, prefixes and quoting included, so that it parses to the same;
 * and as plain text for people (`status`), words quoted as in a shell. NULL where memory is out. */
char *command_format(const struct exec_command *c);
char *command_text(const struct exec_command *c);

/* The letters of ExecStartEx= flags: "ignore-failure", "privileged", "no-setuid",
 * "no-env-expand", separated by spaces. NULL where memory is out. */
char *command_flags_text(unsigned flags);

/* What the variables in the words become when the command runs: ${NAME} is replaced within a word,
 * $NAME as a word of its own becomes none, one or more words, split at white space with quotes as
 * in a shell; $$ is one $. Unknown names give nothing. `env` is the environment the process will
 * have. COMMAND_NO_ENV commands are copied as they are. *ret_unset, if not NULL, lists the names
 * that had no value (each once), *ret_bad those that no environment variable can have; both the
 * caller's. Returns 0 and a new array that is never empty, or -ENOMEM. */
int command_expand(const struct exec_command *c, char *const *env, char ***ret_argv,
                   char ***ret_unset, char ***ret_bad);

/* One word without splitting: ${NAME} is replaced, $$ is one $. -ENOMEM. */
int command_expand_word(const char *word, char *const *env, char **ret);

/* Finds a bare name in `search_path` (folders; NULL or empty: COMMAND_PATH_DEFAULT) below `root`
 * (NULL for /). An absolute path is returned as it is if it can be executed. *ret is the path
 * without root. Returns 0, -ENOENT, or -EACCES where files were found and none is executable. */
int command_find(const char *name, char *const *search_path, const char *root, char **ret);

/* Where systemd 257 looks up programs, and PATH of the services of a system manager. */
#define COMMAND_PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
#define COMMAND_PATH_WITH_SBIN COMMAND_PATH_DEFAULT ":/sbin:/bin"
