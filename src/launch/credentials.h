/* launch/credentials.h -- LoadCredential= and its family (systemd.exec(5), "Credentials"). */
#pragma once

#include <stdbool.h>

struct child;
struct spawn_manager;

/* Reads them and puts them where the process finds them: a ramfs of the unit's own that only it can
 * read, where one can be mounted, else a private folder. CREDENTIALS. */
int child_make_credentials(struct child *c);

/* Whether the unit has any, of whatever settings. */
bool credentials_exist(const struct spawn_manager *m, const char *unit);
/* Takes them away again. Best effort. */
void credentials_remove(const struct spawn_manager *m, const char *unit);
