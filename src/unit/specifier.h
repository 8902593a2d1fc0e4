/* unit/specifier.h -- %n, %i, %t and the like (systemd.unit(5), SPECIFIERS). */
#pragma once

#include <stdbool.h>

struct unit_config;

/* What the text is expanded for. Zero: the system manager of this machine. */
struct specifier_context {
    const char *name;          /* the unit's name; may be a template's */
    const char *fragment_path; /* %y, %Y; NULL if none */
    const char *root;          /* folder that stands for / when files are read; NULL or "" for / */
    const char *runtime_dir;   /* %t; NULL for /run, or $XDG_RUNTIME_DIR for a user */
    bool user;                 /* for a manager of one user */
};

/* Replaces every specifier. "%" before anything but an ASCII letter or digit stays; an unknown
 * letter
 * (-EBADSLT) and one that cannot be resolved now (%m ...) are errors: *ret_letter is its letter
 * then (may be NULL). *ret is a new string. Returns 0, -ENAMETOOLONG if the result is longer than
 * `max`, -ENOMEM, -ENOMEDIUM, -EINVAL ... */
int specifier_expand(const struct specifier_context *ctx, const char *text, unsigned max,
                     char **ret, char *ret_letter);

/* Whether %LETTER is known. */
bool specifier_is_known(char letter);
