/* unit/install-private.h -- shared by install.c, install-state.c and preset.c. */
#pragma once

#include <stdbool.h>

#include "unit/install.h"
#include "unit/paths.h"

/* A unit file as far as installing it is concerned. */
struct install_unit {
    char *name;         /* as asked for, aliases resolved */
    char *path;         /* of the file, with root; a linked unit's real file */
    char *link;         /* the link in a search folder that makes a linked unit known, else NULL */
    const char *folder; /* the search folder that it was found in */
    bool masked;
    char **alias, **wanted_by, **required_by, **upheld_by, **also; /* specifiers resolved */
    char *default_instance;
};
void install_unit_done(struct install_unit *u);

/* Finds the file of a name and reads its [Install]. -ENOENT, -EINVAL, -ENOMEM. */
int install_unit_read(struct unit_loader *l, const char *name, struct install_unit *ret);
bool install_unit_has_rules(const struct install_unit *u);

/* The folder that changes go to. */
const char *install_config_folder(const struct install_options *o);

/* Whether a folder below the configuration is one of links: "x.wants", "x.requires", "x.upholds".
 */
bool is_links_folder(const char *name);

/* install_disable() without the units that Also= names, as presets do it. */
int install_disable_alone(const struct install_options *o, const char *name,
                          struct install_result *result);
