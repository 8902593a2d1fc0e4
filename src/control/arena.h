/* control/arena.h -- bounded memory for the JSON of one request.
 *
 * In the manager every json_t lives here and nowhere else: memory is handed out from front to back,
 * freeing does nothing, and all of it is taken back when the request is done. A request or a reply
 * that needs more than there is fails with NULL from jansson, which costs its client the connection
 * and nobody else anything. No json_t may be kept from one request to the next. */
#pragma once

#include <stddef.h>

/* Reserves address space of `size` bytes and makes jansson allocate from it, for the rest of the
 * process. Calling it again does nothing. Returns 0 or -ENOMEM. */
int json_arena_install(size_t size);

/* How much is in use; to be given to json_arena_release(), after which every json_t made since is
 * gone. */
size_t json_arena_mark(void);
void json_arena_release(size_t mark);
