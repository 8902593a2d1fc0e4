/* unit/install.h -- enabling and masking units: what `systemctl enable` and its like do to links in
 * the configuration folders, without a manager (systemctl(1), Unit File Commands).
 *
 * Every function records what it changed, in order, so that the caller can tell; after changes the
 * loader's index is stale until unit_loader_refresh(). */
#pragma once

#include <stdbool.h>

struct unit_loader;

enum install_change_type {
    INSTALL_SYMLINK,        /* path was made and points to source */
    INSTALL_UNLINK,         /* path was removed */
    INSTALL_MISSING_WANTER, /* source is the unit that does not exist and now wants path */
    INSTALL_NO_SUCH_UNIT,   /* path is masked though there is no such unit */
    INSTALL_CHANGE_TYPE_MAX,
};

struct install_change {
    enum install_change_type type;
    char *path, *source;
};

struct install_options {
    struct unit_loader *loader; /* of the scope and root that is meant */
    bool runtime;               /* below /run */
    bool force;                 /* replace links that point elsewhere */
    bool dry_run;               /* record, but change nothing */
};

struct install_result {
    struct install_change *changes;
    unsigned n_changes;
    char *error;      /* why it failed, as systemctl says it after "Failed to enable unit: " */
    bool has_install; /* enable, disable: one of the units has an [Install] section */
};
void install_result_done(struct install_result *r);

/* All take names of units, enable, reenable and link also paths of files outside of the search
 * path. Return 0 or a negative errno, with error filled in but for -ENOMEM; changes made until then
 * stay and are told. -ENOENT no such unit, -ERFKILL masked, -EEXIST something else is in the way,
 * -EUCLEAN a template where that is not possible, -EINVAL no unit name. */
int install_enable(const struct install_options *o, char *const *names,
                   struct install_result *result);
int install_disable(const struct install_options *o, char *const *names,
                    struct install_result *result);
int install_reenable(const struct install_options *o, char *const *names,
                     struct install_result *result);
int install_mask(const struct install_options *o, char *const *names,
                 struct install_result *result);
int install_unmask(const struct install_options *o, char *const *names,
                   struct install_result *result);
int install_link(const struct install_options *o, char *const *paths,
                 struct install_result *result);
/* Removes drop-ins, masks, and, where another file of that name exists below /usr, the file in
 * /etc. */
int install_revert(const struct install_options *o, char *const *names,
                   struct install_result *result);
/* `dependency` is "wants" or "requires". */
int install_add_dependency(const struct install_options *o, char *const *names, const char *target,
                           const char *dependency, struct install_result *result);
int install_set_default(const struct install_options *o, const char *target,
                        struct install_result *result);
/* The unit that default.target stands for; -ENOENT. */
int install_get_default(struct unit_loader *l, char **ret);

/* systemd.preset(5): which half of it is applied. */
enum preset_mode { PRESET_FULL, PRESET_ENABLE_ONLY, PRESET_DISABLE_ONLY };
int install_preset(const struct install_options *o, char *const *names, enum preset_mode mode,
                   struct install_result *result);
int install_preset_all(const struct install_options *o, enum preset_mode mode,
                       struct install_result *result);
/* 1 if presets enable the unit, 0 if they disable it, -ENOMEM. */
int install_preset_enables(struct unit_loader *l, const char *name);

/* What `is-enabled` says. */
/* clang-format off */
#define UNIT_FILE_STATES(X) \
    X(UNIT_FILE_ENABLED, "enabled") \
    X(UNIT_FILE_ENABLED_RUNTIME, "enabled-runtime") \
    X(UNIT_FILE_LINKED, "linked") X(UNIT_FILE_LINKED_RUNTIME, "linked-runtime") \
    X(UNIT_FILE_ALIAS, "alias") X(UNIT_FILE_MASKED, "masked") \
    X(UNIT_FILE_MASKED_RUNTIME, "masked-runtime") X(UNIT_FILE_STATIC, "static") \
    X(UNIT_FILE_DISABLED, "disabled") X(UNIT_FILE_INDIRECT, "indirect") \
    X(UNIT_FILE_GENERATED, "generated") X(UNIT_FILE_TRANSIENT, "transient") \
    X(UNIT_FILE_BAD, "bad") X(UNIT_FILE_NOT_FOUND, "not-found")
/* clang-format on */
#define UNIT_FILE_STATE_MEMBER(id, text) id,
enum unit_file_state { UNIT_FILE_STATES(UNIT_FILE_STATE_MEMBER) UNIT_FILE_STATE_MAX };
#undef UNIT_FILE_STATE_MEMBER
const char *unit_file_state_to_string(int state);

/* -EINVAL (no unit name) or -ENOMEM. */
int install_state(struct unit_loader *l, const char *name, enum unit_file_state *ret);
