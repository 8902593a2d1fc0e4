/* unit/index.h -- which names the files in the unit folders give, found by reading the folders
 * once.
 *
 * Every file with a unit's name is an entry; a symbolic link to another name within the folders is
 * an alias (systemd.unit(5)); a link elsewhere is a linked unit; a link to /dev/null masks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"

struct unit_paths;

struct index_entry {
    char *name;
    const char *folder; /* of unit_paths.search; NULL for a built-in unit */
    char *alias_of;     /* the name that the link points at, NULL if it is a file of its own */
    char **aliases;     /* names of entries that lead here */
    bool masked;        /* a link to /dev/null */
};

struct unit_index {
    struct map entries;         /* by name */
    struct map folders;         /* "NAME.d", "NAME.wants" ...: char ** of their paths, first wins */
    struct index_stamp *stamps; /* one for each folder of the search path */
    size_t n_stamps;
};

/* Reads all folders, and adds the built-in units unless told not to. Returns 0 or -ENOMEM. */
int index_build(const struct unit_paths *paths, bool builtins, struct unit_index *ret);
void index_done(struct unit_index *x);

/* Whether any of the folders has changed since. */
bool index_is_stale(const struct unit_paths *paths, const struct unit_index *x);

/* The entry that the name ends at, following aliases; NULL if there is none, or they run in a
 * circle. An instance without a file of its own is found as its template: *ret_template (may be
 * NULL) tells. */
const struct index_entry *index_find(const struct unit_index *x, const char *name,
                                     bool *ret_template);

/* Paths of folders with that name ("foo.service.d"), the most important first; NULL if there is
 * none. */
char *const *index_folders(const struct unit_index *x, const char *name);
