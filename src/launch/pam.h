/* launch/pam.h -- what is said between the child of a unit with PAMName= and its helper, reeve-pam.
 *
 * The static binary cannot load PAM's modules, so a program that is linked dynamically calls them:
 *
 *     reeve-pam SERVICE USER UID GID TTY
 *
 * with a stream socket as descriptor 3. It reads a message, the environment of the service; opens
 * the session; answers with a message, the environment as PAM left it, or the reason why not; and
 * waits until the socket is closed: meanwhile its limits, groups and so on, which modules change in
 * the process that calls them, are taken over by the child. Then it becomes the user and stays, and
 * closes the session when the child, which is the service by then, has ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAM_HELPER "reeve-pam"
#define PAM_HELPER_FD 3
#define PAM_TEXTS_MAX (8U * 1024 * 1024)

/* The path of the helper: beside the program, as in a build folder, or in libexec; where it is in
 * none of them, the last one. A new string; NULL where memory is out. */
char *pam_find_helper(bool *ret_found);

/* Followed by `size` bytes: strings, each with its NUL. */
struct pam_texts {
    int32_t failed; /* PAM's code; the string is "the step that failed: why" */
    uint32_t size;
};
