/* control/manager_service.h -- io.reeve.Manager: the manager's control socket. */
#pragma once

struct manager;
struct manager_service;

/* Makes the service on the manager's loop and listens at manager_socket_dir()/io.reeve.Manager,
 * which everybody may connect to. Returns 0 or a negative errno. */
int manager_service_new(struct manager *m, struct manager_service **ret);
/* Ends all connections. Before the manager is freed. NULL is allowed. */
void manager_service_free(struct manager_service *s);
/* Waits, at most 100 ms, until the last answers are with the clients: before exec or exit. */
void manager_service_flush(struct manager_service *s);

struct varlink_interface;
/* The interface, for its description without a manager. */
extern const struct varlink_interface manager_interface;
/* Handles one client's connected socket: for tests and fuzzing, and the manager's own children. */
int manager_service_add_client(struct manager_service *s, int fd);
