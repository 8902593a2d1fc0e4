/* launch/credentials.h -- LoadCredential= and its family (systemd.exec(5), "Credentials"). */
#pragma once

struct child;
struct spawn_manager;

/* Reads them and puts them where the process finds them: a ramfs of the unit's own that only it can
 * read, where one can be mounted, else a private folder. CREDENTIALS. */
int child_make_credentials(struct child *c);

/* Takes them away again. Best effort. */
void credentials_remove(const struct spawn_manager *m, const char *unit);
