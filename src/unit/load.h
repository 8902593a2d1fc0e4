/* unit/load.h -- from a unit's name to its config: where files are, and in which order they count
 * (systemd.unit(5), UNIT FILE LOAD PATH and DESCRIPTION).
 *
 * A loader keeps an index of all unit files, made by reading the folders once; loading a unit then
 * opens only its own files. Nothing here knows the manager. */
#pragma once

#include <stdbool.h>

#include "unit/config.h"
#include "unit/paths.h"

struct unit_loader;
struct unit_presets;

struct unit_loader_options {
    bool user;
    const char *root;             /* folder that stands for /; NULL for / */
    const char *runtime_dir;      /* %t of a user's manager; NULL for $XDG_RUNTIME_DIR */
    struct unit_presets *presets; /* NULL for those of the rows; a reference is taken */
    bool no_builtins;             /* do not fall back to the built-in targets and slices */
    /* Somebody else has booted the machine: the targets of early boot (sysinit.target, basic.target
     * and what they want) are the built-in ones alone, without the links and drop-ins of the
     * machine, so that no unit draws in what is for boot only (systemd-tmpfiles --boot empties
     * /tmp). */
    bool booted;
};

/* Takes the paths over (also on failure). -ENOMEM. Folders that cannot be read count as empty. */
int unit_loader_new(const struct unit_loader_options *options, struct unit_paths *paths,
                    struct unit_loader **ret);
struct unit_loader *unit_loader_free(struct unit_loader *l);
const struct unit_paths *unit_loader_paths(const struct unit_loader *l);
/* Other presets for units loaded from now on. */
void unit_loader_set_presets(struct unit_loader *l, struct unit_presets *presets);

/* Reads those folders again that have changed since the last time. Returns 1 if anything had, 0, or
 * -ENOMEM (then the old index stays). unit_load() does not do this by itself. */
int unit_loader_refresh(struct unit_loader *l);
/* The same whether or not they seem to have changed: two changes may have one time stamp. */
int unit_loader_reread(struct unit_loader *l);

/* One more drop-in for every unit loaded from now on, read after its own. `path` is copied. */
int unit_loader_add_drop_in(struct unit_loader *l, const char *path);

/* Loads a unit. Every outcome is a config: look at load_state, load_error and messages.
 * c->name is the real name where `name` was an alias; all names are in c->name and c->names.
 * Returns 0; -EINVAL for what is no unit name or is a template's; -ENOMEM. */
int unit_load(struct unit_loader *l, const char *name, struct unit_config **ret);

/* Loads one file as if it were the fragment of the unit `name` (NULL: the file's own name), with
 * the drop-ins that the loader finds for that name unless `alone`. */
int unit_load_file(struct unit_loader *l, const char *path, const char *name, bool alone,
                   struct unit_config **ret);

/* The same from text, for transient and built-in units, and tests. `path` is what messages say. */
int unit_load_text(struct unit_loader *l, const char *name, const char *path, const char *text,
                   struct unit_config **ret);

/* After properties were set by request (directive_set()): derives what follows from other settings
 * and judges the unit as a whole, as unit_load() does at its end. Sets load_state and load_error.
 */
int unit_config_finish(struct unit_config *c);

/* Whether files of the unit changed on disk since it was loaded: fragment, drop-ins gone, new or
 * newer (NeedDaemonReload=). Reads folders. */
bool unit_needs_reload(struct unit_loader *l, const struct unit_config *c);

/* Takes note of the drop-ins that there are now, without reading them: they say what the config
 * says already. -ENOMEM. */
int unit_find_drop_ins(struct unit_loader *l, struct unit_config *c);

/* Walks the index: every name that a file, link or built-in gives a unit or template, in no order.
 * `path` is the fragment (it lives until the next call), NULL for a built-in one; "/dev/null" for a
 * masked one. Start with
 * *position = 0; false at the end. */
struct unit_file {
    const char *name, *path;
    const char *folder; /* of the search path; NULL for a built-in one */
    bool alias, masked;
};
bool unit_loader_next(const struct unit_loader *l, size_t *position, struct unit_file *ret);

/* The fragment file of a name, following links and templates: 1, 0 if there is none. */
int unit_loader_find(const struct unit_loader *l, const char *name, struct unit_file *ret);

/* The same, and the name that it is a file for in the end: aliases followed, the instance kept.
 * *ret is a new string, written if 1 is returned. -ENOMEM. */
int unit_loader_resolve(const struct unit_loader *l, const char *name, char **ret,
                        struct unit_file *ret_file);
