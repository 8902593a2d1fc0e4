/* manager/hostname.h -- the name of the machine, as hostname(5) has it. */
#pragma once

/* The name that the file gives: its first line that is no comment. Returns 0 and the caller's
 * string, -ENOENT where there is no file or no such line, -EINVAL if it is no host name. */
int hostname_read(const char *path, char **ret);

/* Gives the machine the file's name. Without a file, a valid name or the permission it keeps the
 * one that it has, and so it does in a container that shares it with its host. */
void hostname_set_up(const char *path);
