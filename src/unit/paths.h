/* unit/paths.h -- the folders that unit files are in (systemd.unit(5), UNIT FILE LOAD PATH). */
#pragma once

#include <stdbool.h>

struct unit_paths {
    char **search; /* all folders, the first one wins; with the root in front */
    /* Members of `search` that tools write to; NULL if there is none. */
    char *persistent_config;                    /* /etc/systemd/system */
    char *runtime_config;                       /* /run/systemd/system */
    char *global_config;                        /* /etc/systemd/user, for --global */
    char *transient;                            /* /run/systemd/transient */
    char *persistent_control, *runtime_control; /* /etc/systemd/system.control, /run/... */
    char *generator, *generator_early, *generator_late;
    char *root;
    bool user;
};

enum unit_scope { UNIT_SCOPE_SYSTEM, UNIT_SCOPE_USER, UNIT_SCOPE_GLOBAL };

struct unit_paths_options {
    enum unit_scope scope;
    const char *root;        /* folder that stands for /; NULL for / */
    const char *runtime_dir; /* NULL: /run, or $XDG_RUNTIME_DIR for a user */
    /* In place of /run/systemd (transient, generators ...), when reeve runs beside a real systemd;
     * NULL for systemd's place. */
    const char *runtime_base;
    char *const *extra; /* folders searched before all others; NULL */
};

/* The search path; $SYSTEMD_UNIT_PATH is heeded (with a ":" at its end the usual folders follow).
 * Folders that do not exist are kept. Returns 0, -ENXIO where a user has no home, -ENOMEM. */
int unit_paths_new(const struct unit_paths_options *options, struct unit_paths *ret);
void unit_paths_done(struct unit_paths *p);

/* Folders of generators in order, and of presets ("system-preset"), for the same scope; new arrays,
 * NULL where memory is out. */
char **generator_paths(const struct unit_paths_options *options);
char **preset_paths(const struct unit_paths_options *options);
