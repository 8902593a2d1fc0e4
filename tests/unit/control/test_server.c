#include "control/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "control/frame.h"
#include "event/event.h"

/* A service with one method of each manner. */
static struct varlink_call *kept;
static bool kept_is_gone;
static int to_produce;

static int echo(struct varlink_call *c, const json_t *in, void *userdata)
{
    return varlink_reply(c, json_pack("{s:O}", "text", json_object_get(in, "text")));
}

static int fail_call(struct varlink_call *c, const json_t *in, void *userdata)
{
    return -(int) json_integer_value(json_object_get(in, "errno"));
}

static void keep_gone(void *state)
{
    *(bool *) state = true;
}

static int keep(struct varlink_call *c, const json_t *in, void *userdata)
{
    kept = c;
    kept_is_gone = false;
    varlink_call_keep(c, &kept_is_gone, keep_gone);
    return 0;
}

static int produce(struct varlink_call *c, void *state)
{
    if (to_produce-- > 0)
        return varlink_notify(c, json_pack("{s:i}", "n", to_produce)) < 0 ? -ECONNRESET : 1;
    varlink_reply(c, NULL);
    return 0;
}

static int count(struct varlink_call *c, const json_t *in, void *userdata)
{
    to_produce = (int) json_integer_value(json_object_get(in, "n"));
    varlink_call_produce(c, produce);
    return 0;
}

static const struct varlink_method methods[] = {
    { "Echo", NEEDS_READ, false, "(text: string)", "(text: string)", "Says it again.", echo },
    { "Fail", NEEDS_CHANGE, false, "(errno: int)", "()", "Fails.", fail_call },
    { "Keep", NEEDS_READ, true, "()", "()", "Never answers.", keep },
    { "Count", NEEDS_READ, true, "(n: int)", "(n: ?int)", "Counts down.", count },
    { 0 },
};
static const struct idl_type no_types[] = { { 0 } };
static const struct varlink_error errors[] = { { "Failed", "(message: string)", "It did." },
                                               { 0 } };
static const struct varlink_interface interface = {
    .name = "io.reeve.Test",
    .doc = "For tests.",
    .vendor = "v",
    .product = "p",
    .version = "1",
    .url = "u",
    .types = no_types,
    .methods = methods,
    .errors = errors,
};

struct fixture {
    struct event_loop *loop;
    struct varlink_server *server;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(event_loop_new(&f->loop), 0);
    assert_int_equal(varlink_server_new(f->loop, &interface, NULL, &f->server), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    varlink_server_free(f->server);
    event_loop_free(f->loop);
    free(f);
    return 0;
}

static int connect_client(struct fixture *f)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(varlink_server_add_client(f->server, fds[0]), 0);
    return fds[1];
}

/* Lets the server do all that it can. */
static void settle(struct fixture *f)
{
    while (event_loop_run_once(f->loop, 0) > 0)
        ;
}

static void say(int fd, const char *message)
{
    size_t n = strlen(message) + 1;

    assert_int_equal(send(fd, message, n, MSG_NOSIGNAL), (ssize_t) n);
}

/* The next answer, or NULL; sets *closed at the end of the stream. */
static const char *hear(struct frame_buffer *in, int fd, bool *closed)
{
    size_t length;
    const char *message;

    *closed = false;
    while (!(message = frame_next(in, &length))) {
        int r = frame_receive(in, fd, NULL);

        if (r == 0 || r == -ECONNRESET)
            *closed = true;
        if (r <= 0)
            return NULL;
    }
    return message;
}

/* Sends a request and checks the answer; NULL stands for a closed connection. */
static void exchange(struct fixture *f, const char *request, const char *answer)
{
    struct frame_buffer in = { 0 };
    auto_close int fd = connect_client(f);
    const char *got;
    bool closed;

    say(fd, request);
    settle(f);
    got = hear(&in, fd, &closed);
    if (!answer && !closed)
        fail_msg("%s: answered %s", request, got ? got : "nothing");
    if (answer && !streq_ptr(got, answer))
        fail_msg("%s: %s", request, got ? got : closed ? "closed" : "no answer");
    frame_done(&in);
    close(take_fd(&fd));
    settle(f);
    assert_int_equal(varlink_server_clients(f->server), 0);
}

static void requests_and_answers(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        { "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":\"a\"}}",
          "{\"parameters\":{\"text\":\"a\"}}" },
        { "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":1}}",
          "{\"parameters\":{\"parameter\":\"text\"},"
          "\"error\":\"org.varlink.service.InvalidParameter\"}" },
        { "{\"method\":\"io.reeve.Test.Echo\"}",
          "{\"parameters\":{\"parameter\":\"text\"},"
          "\"error\":\"org.varlink.service.InvalidParameter\"}" },
        { "{\"method\":\"io.reeve.Test.Nope\"}",
          "{\"parameters\":{\"method\":\"io.reeve.Test.Nope\"},"
          "\"error\":\"org.varlink.service.MethodNotFound\"}" },
        { "{\"method\":\"io.reeve.Other.Echo\"}",
          "{\"parameters\":{\"interface\":\"io.reeve.Other\"},"
          "\"error\":\"org.varlink.service.InterfaceNotFound\"}" },
        { "{\"method\":\"io.reeve.Test.Keep\"}",
          "{\"parameters\":{},\"error\":\"org.varlink.service.ExpectedMore\"}" },
        { "{\"method\":\"io.reeve.Test.Fail\",\"parameters\":{\"errno\":2}}",
          "{\"parameters\":{\"message\":\"No such file or directory\",\"errno\":2},"
          "\"error\":\"io.reeve.Test.Failed\"}" },
        /* out of memory: this client alone is given up */
        { "{\"method\":\"io.reeve.Test.Fail\",\"parameters\":{\"errno\":12}}", NULL },
        { "{\"method\":\"org.varlink.service.GetInfo\"}",
          "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\","
          "\"interfaces\":[\"org.varlink.service\",\"io.reeve.Test\"]}}" },
        { "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":"
          "{\"interface\":\"x\"}}",
          "{\"parameters\":{\"interface\":\"x\"},"
          "\"error\":\"org.varlink.service.InterfaceNotFound\"}" },
        { "garbage", NULL },
        { "", NULL },
        { "[]", NULL },
        { "{}", NULL },
        { "{\"method\":1}", NULL },
        { "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":[]}", NULL },
        { "{\"method\":\"a\",\"method\":\"b\"}", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        exchange(*state, cases[i].request, cases[i].answer);
}

static void deep_nesting_costs_the_connection_only(void **state)
{
    static char request[60000];

    strcpy(request, "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":");
    memset(request + strlen(request), '[', 50000);
    exchange(*state, request, NULL);
    exchange(*state, "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":\"a\"}}",
             "{\"parameters\":{\"text\":\"a\"}}");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct frame_buffer in = { 0 };
    auto_close int fd = connect_client(*state);
    bool closed;

    for (int i = 0; i < 100; i++) {
        char request[128];

        snprintf(request, sizeof request,
                 "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":\"%d\"}%s}", i,
                 i % 2 ? ",\"oneway\":true" : "");
        say(fd, request);
    }
    settle(*state);
    for (int i = 0; i < 100; i += 2) {
        char answer[64];

        snprintf(answer, sizeof answer, "{\"parameters\":{\"text\":\"%d\"}}", i);
        assert_string_equal(hear(&in, fd, &closed), answer);
    }
    assert_null(hear(&in, fd, &closed));
    assert_false(closed);
    frame_done(&in);
}

static void a_kept_call_holds_the_next_one_up(void **state)
{
    struct frame_buffer in = { 0 };
    int fd = connect_client(*state);
    bool closed;

    say(fd, "{\"method\":\"io.reeve.Test.Keep\",\"more\":true}");
    say(fd, "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":\"a\"}}");
    settle(*state);
    assert_null(hear(&in, fd, &closed));
    assert_int_equal(varlink_notify(kept, NULL), 0);
    settle(*state);
    assert_string_equal(hear(&in, fd, &closed), "{\"parameters\":{},\"continues\":true}");
    assert_null(hear(&in, fd, &closed));
    assert_int_equal(varlink_reply(kept, NULL), 0);
    assert_true(kept_is_gone);
    settle(*state);
    assert_string_equal(hear(&in, fd, &closed), "{\"parameters\":{}}");
    assert_string_equal(hear(&in, fd, &closed), "{\"parameters\":{\"text\":\"a\"}}");

    /* The keeper is told when its client goes. */
    say(fd, "{\"method\":\"io.reeve.Test.Keep\",\"more\":true}");
    settle(*state);
    assert_false(kept_is_gone);
    close(fd);
    settle(*state);
    assert_true(kept_is_gone);
    assert_int_equal(varlink_server_clients(((struct fixture *) *state)->server), 0);
    frame_done(&in);
}

static void a_long_stream_follows_its_reader(void **state)
{
    struct fixture *f = *state;
    struct frame_buffer in = { 0 };
    auto_close int fd = connect_client(f);
    int n = 0, before;
    bool closed;

    say(fd, "{\"method\":\"io.reeve.Test.Count\",\"parameters\":{\"n\":200000},\"more\":true}");
    settle(f);
    before = to_produce;
    assert_true(before > 100000); /* it waits for the reader */
    settle(f);
    assert_int_equal(to_produce, before);
    do {
        while (hear(&in, fd, &closed))
            n++;
        settle(f);
    } while (!closed && n < 200001);
    assert_int_equal(n, 200001);
    frame_done(&in);
}

static void who_does_not_read_is_dropped(void **state)
{
    struct fixture *f = *state;
    auto_close int fd = connect_client(f);
    auto_close int other = connect_client(f);
    struct frame_buffer in = { 0 };
    static char text[1 << 16];
    int n = 0;
    bool closed;

    say(fd, "{\"method\":\"io.reeve.Test.Keep\",\"more\":true}");
    settle(f);
    memset(text, 'x', sizeof text - 1);
    while (varlink_notify(kept, json_pack("{s:s}", "text", text)) == 0)
        assert_true(++n < 200);
    assert_true(kept_is_gone);
    assert_true(n > 60); /* 4 MiB, and what the socket holds */
    settle(f);
    assert_int_equal(varlink_server_clients(f->server), 1);
    say(other, "{\"method\":\"io.reeve.Test.Echo\",\"parameters\":{\"text\":\"a\"}}");
    settle(f);
    assert_string_equal(hear(&in, other, &closed), "{\"parameters\":{\"text\":\"a\"}}");
    frame_done(&in);
}

static void a_message_without_end_is_dropped(void **state)
{
    struct fixture *f = *state;
    auto_close int fd = connect_client(f);
    static char text[1 << 14];
    size_t sent = 0;
    ssize_t n = 0;

    memset(text, ' ', sizeof text);
    while (varlink_server_clients(f->server) > 0 && sent < 4 << 20) {
        n = send(fd, text, sizeof text, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t) n;
        settle(f);
    }
    assert_int_equal(varlink_server_clients(f->server), 0);
    assert_true(sent <= FRAME_IN_MAX + 2 * sizeof text);
}

static void one_uid_has_so_many_clients(void **state)
{
    struct fixture *f = *state;
    int fds[SERVER_CLIENTS_PER_UID], more[2];

    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        fds[i] = connect_client(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, more), 0);
    assert_int_equal(varlink_server_add_client(f->server, more[0]), -EUSERS);
    close(more[1]);
    close(fds[0]);
    settle(f);
    fds[0] = connect_client(f);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        close(fds[i]);
    settle(f);
    assert_int_equal(varlink_server_clients(f->server), 0);
}

static void the_description_has_all(void **state)
{
    auto_free char *text = varlink_describe(&interface);

    assert_string_equal(text, "# For tests.\ninterface io.reeve.Test\n\n"
                              "# Says it again.\nmethod Echo(text: string) -> (text: string)\n\n"
                              "# Fails.\nmethod Fail(errno: int) -> ()\n\n"
                              "# Never answers.\nmethod Keep() -> ()\n\n"
                              "# Counts down.\nmethod Count(n: int) -> (n: ?int)\n\n"
                              "# It did.\nerror Failed (message: string)\n");
}

#define SERVER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(requests_and_answers),
        SERVER_TEST(deep_nesting_costs_the_connection_only),
        SERVER_TEST(pipelined_requests_are_answered_in_order),
        SERVER_TEST(a_kept_call_holds_the_next_one_up),
        SERVER_TEST(a_long_stream_follows_its_reader),
        SERVER_TEST(who_does_not_read_is_dropped),
        SERVER_TEST(a_message_without_end_is_dropped),
        SERVER_TEST(one_uid_has_so_many_clients),
        SERVER_TEST(the_description_has_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
