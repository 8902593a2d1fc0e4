/* What a client sends to the manager's control socket: messages, and the parameters of each method
 * against its type. The methods themselves are replaced by one that gives its parameters back. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "control/manager_service.h"
#include "control/server.h"
#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give_back(struct varlink_call *c, const json_t *in, void *userdata)
{
    if (varlink_call_wants_more(c) && varlink_notify(c, NULL) < 0)
        return 0;
    return varlink_reply(c, json_deep_copy(in));
}

static struct varlink_interface interface;
static struct event_loop *loop;
static struct varlink_server *server;

static void set_up(void)
{
    struct varlink_method *methods;
    size_t n = 0;

    while (manager_interface.methods[n].name)
        n++;
    methods = new0(struct varlink_method, n + 1);
    for (size_t i = 0; i < n; i++) {
        methods[i] = manager_interface.methods[i];
        methods[i].call = give_back;
    }
    interface = manager_interface;
    interface.methods = methods;
    if (event_loop_new(&loop) < 0 || varlink_server_new(loop, &interface, NULL, &server) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char sink[1 << 16];
    int fds[2];

    if (!loop)
        set_up();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return 0;
    if (varlink_server_add_client(server, fds[0]) < 0)
        abort();
    while (size > 0) {
        ssize_t n = send(fds[1], data, MIN(size, (size_t) 4096), MSG_NOSIGNAL);

        if (n <= 0)
            break;
        data += n;
        size -= (size_t) n;
        while (event_loop_run_once(loop, 0) > 0)
            while (read(fds[1], sink, sizeof sink) > 0)
                ;
    }
    close(fds[1]);
    while (event_loop_run_once(loop, 0) > 0)
        ;
    if (varlink_server_clients(server) != 0)
        abort();
    return 0;
}
