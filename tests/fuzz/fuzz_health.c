/* Answers of servers to probes (the first byte says which), and the texts of probes. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "health/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *kind, *value; /* %s: the socket */
} asked[] = {
    { "redis", "%s" },
    { "mysql", "%s" },
    { "postgres", "%s" },
    { "postgres", "%s,user=a,password=/dev/null" },
    { "http", "http://h/,body=^a+$,unix=%s" },
    { "mysql", "%s,user=a,password=/dev/null" },
};

static char name[64]; /* of the listening socket, an abstract one */
static int listener = -1;
static const uint8_t *answer;
static size_t answer_size;

/* Answers one connection, and waits until the other side has had enough. */
static void *serve(void *unused)
{
    char waste[4096];
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return NULL;
    (void) send(fd, answer, answer_size, MSG_NOSIGNAL);
    (void) shutdown(fd, SHUT_WR);
    while (recv(fd, waste, sizeof waste, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void open_listener(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    snprintf(name, sizeof name, "@reeve-fuzz-%d", (int) getpid());
    memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *) &a,
             (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0 ||
        listen(listener, 8) < 0)
        abort();
}

static void ask(size_t which)
{
    const struct check_context context = { .user = "fuzz" };
    auto_free char *value = NULL;
    struct check_outcome o = {};
    pthread_t server;

    /* The formats are the table's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    value = format(asked[which].value, name);
#pragma GCC diagnostic pop
    if (!value || pthread_create(&server, NULL, serve, NULL) != 0)
        abort();
    check_kind_find(asked[which].kind, CHECK_WHILE)
        ->run(value, &context, usec_add(now_usec(CLOCK_MONOTONIC), 5 * USEC_PER_SEC), &o);
    pthread_join(server, NULL);
    check_outcome_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (listener < 0)
        open_listener();
    if (size < 1)
        return 0;
    if (data[0] < ELEMENTSOF(asked)) {
        answer = data + 1;
        answer_size = size - 1;
        ask(data[0]);
        return 0;
    }

    auto_free char *text = memdup0(data + 1, size - 1);
    for (const struct check_kind *k = check_kinds; text && k->option; k++) {
        const char *error = NULL;
        struct probe p = {};

        if (probe_parse(k, text, &p, &error) < 0 && !error)
            abort();
        probe_done(&p);
    }
    return 0;
}
