/* cli/unit_files.h -- unit files on disk, for the verbs that need no manager. */
#pragma once

#include "cli/systemctl.h"
#include "unit/load.h"

/* A loader for the scope and root that the options name. What goes wrong is told. 0 or a negative
 * errno; the loader is freed with unit_loader_free(). */
int unit_files_open(const struct systemctl *c, struct unit_loader **ret);
DEFINE_AUTO(struct unit_loader, unit_loader, unit_loader_free)
#define auto_unit_loader _cleanup_(auto_unit_loader_p)

/* The files that a unit is made of: loads it without a manager. For a template the fragment alone
 * is found. Returns 0, -ENOENT where there is none, -ERFKILL for a masked one, or another negative
 * errno. *ret_fragment is NULL for a unit that is built in, whose text is in *ret_builtin then.
 * *ret_name is the real name behind an alias. */
struct unit_file_set {
    char *name, *fragment;
    char **drop_ins;
    const char *builtin; /* the text of a unit without a file */
};
int unit_files_find(struct unit_loader *l, const char *name, bool user, struct unit_file_set *ret);
void unit_file_set_done(struct unit_file_set *s);
#define auto_unit_file_set _cleanup_(unit_file_set_done)

/* Has the manager read its files anew, if there is one and the options let it. Returns the exit
 * status. */
int unit_files_reload_manager(struct systemctl *c);
