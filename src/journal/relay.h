/* journal/relay.h -- entries to the journald that keeps this machine's journal, in place of files
 * of our own.
 *
 * They are sent to its native socket. Fields that begin with an underscore are journald's to give,
 * and it gives those of the sender, which is the collector: what the collector knows of who said it
 * is in the fields by which a privileged process speaks of another: OBJECT_SYSTEMD_UNIT= and so on
 * (systemd.journal-fields(7)), so that `journalctl -u` and `reeve log -u` find a unit's entries. A
 * service cannot pretend: what it says comes with its own unit, and others send with their own uid.
 *
 * The streams are the collector's, and so no service notices that journald ends or is restarted:
 * entries wait for it for a moment, then they are kept in files of our own until it is back. */
#pragma once

#include "journal/entry.h"

struct relay;

/* `path`: the socket. NULL where memory is out. */
struct relay *relay_new(const char *path);
void relay_free(struct relay *r);

/* Returns 0 or a negative errno: it is for the caller to keep. */
int relay_send(struct relay *r, const struct entry *e);
