#include "unit/install.h"

#include "loader.h"

#define USR "usr/lib/systemd/system/"

/* The units and the answers of systemctl 257 to the same commands. */
static void fill(struct fixture *f)
{
    fixture_write(f, USR "multi-user.target", "[Unit]\nDescription=x\n");
    fixture_write(f, USR "a.service",
                  "[Service]\nExecStart=/bin/true\n[Install]\n"
                  "WantedBy=multi-user.target\nAlias=a-alias.service\nAlso=b.service\n");
    fixture_write(f, USR "b.service",
                  "[Service]\nExecStart=/bin/true\n[Install]\n"
                  "RequiredBy=multi-user.target\nUpheldBy=x.service\n");
    fixture_write(f, USR "also.service",
                  "[Service]\nExecStart=/bin/true\n[Install]\nAlso=b.service\n");
    fixture_write(f, USR "st.service", "[Service]\nExecStart=/bin/true\n");
    fixture_write(f, USR "t@.service",
                  "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n");
    fixture_write(f, USR "d@.service",
                  "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n"
                  "DefaultInstance=one\n");
    fixture_write(f, USR "va.service", "->a.service");
    fixture_write(f, "opt/o.service",
                  "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n");
    fixture_open(f);
}

typedef int (*verb)(const struct install_options *, char *const *, struct install_result *);

/* Runs the verb and compares what it tells: "+path>source -path !missing", or "error text". */
static void expect(struct fixture *f, const char *what, verb v, const char *name, bool runtime,
                   const char *expected)
{
    struct install_options o = { .loader = f->loader, .runtime = runtime };
    struct install_result result = {};
    char *const names[] = { (char *) name, NULL };
    auto_strbuf struct strbuf got = {};
    int r = v(&o, names, &result);

    for (unsigned i = 0; i < result.n_changes; i++) {
        const struct install_change *c = &result.changes[i];
        const char *path = startswith(c->path, f->root);

        path = path_basename(path ? path : c->path);
        if (c->type == INSTALL_SYMLINK)
            strbuf_addf(&got, "+%s>%s ", path, c->source);
        else if (c->type == INSTALL_UNLINK)
            strbuf_addf(&got, "-%s ", path);
        else
            strbuf_addf(&got, "!%s ", c->source ? c->source : c->path);
    }
    if (r < 0)
        strbuf_add(&got, strempty(result.error));
    if (!streq(strbuf_text(&got), expected))
        fail_msg("%s %s: \"%s\"", what, name, strbuf_text(&got));
    install_result_done(&result);
    unit_loader_refresh(f->loader);
}

static void expect_state(struct fixture *f, const char *name, const char *expected)
{
    enum unit_file_state s = UNIT_FILE_BAD;

    fixture_open(f);
    assert_int_equal(install_state(f->loader, name, &s), 0);
    if (!streq(unit_file_state_to_string(s), expected))
        fail_msg("%s: %s", name, unit_file_state_to_string(s));
}

#define ENABLE "enable", install_enable
#define DISABLE "disable", install_disable
#define MASK "mask", install_mask
#define UNMASK "unmask", install_unmask
#define VENDOR "/usr/lib/systemd/system/"

static void states_before(void **state)
{
    struct fixture *f = *state;

    fill(f);
    expect_state(f, "a.service", "disabled");
    expect_state(f, "also.service", "indirect");
    expect_state(f, "st.service", "static");
    expect_state(f, "t@.service", "disabled");
    expect_state(f, "t@x.service", "disabled");
    expect_state(f, "va.service", "alias");
    expect_state(f, "nope.service", "not-found");
}

static void enable_and_disable(void **state)
{
    struct fixture *f = *state;

    fill(f);
    expect(f, ENABLE, "a.service", false,
           "+a-alias.service>" VENDOR "a.service +a.service>" VENDOR "a.service "
           "+b.service>" VENDOR "b.service +b.service>" VENDOR "b.service !x.service ");
    expect_state(f, "a.service", "enabled");
    expect_state(f, "a-alias.service", "alias");
    expect_state(f, "b.service", "enabled");
    expect(f, ENABLE, "a.service", false, "!x.service ");
    expect(f, DISABLE, "a.service", false, "-b.service -a.service -b.service -a-alias.service ");
    expect_state(f, "a.service", "disabled");
    expect(f, ENABLE, "st.service", false, "");
    expect(f, ENABLE, "nope.service", false, "Unit nope.service does not exist");
}

static void templates(void **state)
{
    struct fixture *f = *state;

    fill(f);
    expect(
        f, ENABLE, "t@.service", false,
        "Refusing to operate on template unit t@.service when destination unit multi-user.target "
        "is a non-template unit");
    expect(f, ENABLE, "t@x.service", false, "+t@x.service>" VENDOR "t@.service ");
    expect_state(f, "t@x.service", "enabled");
    expect_state(f, "t@.service", "indirect");
    expect(f, ENABLE, "d@.service", false, "+d@one.service>" VENDOR "d@.service ");
    expect_state(f, "d@.service", "enabled");
    expect_state(f, "d@two.service", "disabled");
    expect(f, DISABLE, "d@.service", false, "-d@one.service ");
}

static void linked_files(void **state)
{
    struct fixture *f = *state;

    fill(f);
    expect(f, ENABLE, "/opt/o.service", false,
           "+o.service>/opt/o.service +o.service>/opt/o.service ");
    expect_state(f, "o.service", "enabled");
    expect(f, DISABLE, "o.service", false, "-o.service -o.service ");
    expect(f, "link", install_link, "/opt/o.service", false, "+o.service>/opt/o.service ");
    expect_state(f, "o.service", "linked");
}

static void masks(void **state)
{
    struct fixture *f = *state;

    fill(f);
    expect(f, MASK, "a.service", false, "+a.service>/dev/null ");
    expect_state(f, "a.service", "masked");
    expect(f, MASK, "a.service", false, "");
    expect(f, ENABLE, "a.service", false, "Unit /etc/systemd/system/a.service is masked");
    expect(f, UNMASK, "a.service", false, "-a.service ");
    expect(f, UNMASK, "a.service", false, "");
    expect(f, MASK, "b.service", true, "+b.service>/dev/null ");
    expect_state(f, "b.service", "masked-runtime");
    fixture_write(f, "etc/systemd/system/loc.service", "[Service]\nExecStart=/x\n");
    fixture_open(f);
    expect(f, MASK, "loc.service", false, "File '/etc/systemd/system/loc.service' already exists");
}

static void presets(void **state)
{
    struct fixture *f = *state;
    struct install_options o = { 0 };
    struct install_result result = {};
    char *const names[] = { (char *) "a.service", (char *) "t@.service", NULL };

    fill(f);
    fixture_write(f, "etc/systemd/system-preset/00.preset",
                  "# mine\ndisable a.service\nenable t@.service foo bar\n");
    o.loader = f->loader;
    assert_int_equal(install_preset(&o, names, PRESET_FULL, &result), 0);
    assert_int_equal(result.n_changes, 2);
    install_result_done(&result);
    expect_state(f, "t@foo.service", "enabled");
    expect_state(f, "a.service", "disabled");
    assert_int_equal(install_preset_enables(f->loader, "a.service"), 0);
    assert_int_equal(install_preset_enables(f->loader, "b.service"), 1);
}

static void default_target(void **state)
{
    struct fixture *f = *state;
    struct install_result result = {};
    char *target = NULL;

    fill(f);
    struct install_options o = { .loader = f->loader };
    assert_int_equal(install_set_default(&o, "multi-user.target", &result), 0);
    install_result_done(&result);
    fixture_open(f);
    assert_int_equal(install_get_default(f->loader, &target), 0);
    assert_string_equal(target, "multi-user.target");
    free(target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(states_before),  TEST(enable_and_disable),
        TEST(templates),      TEST(linked_files),
        TEST(masks),          TEST(presets),
        TEST(default_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
