#include "loader.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/stat.h>

#include "unit/name.h"

#define ETC "etc/systemd/system/"
#define RUN "run/systemd/system/"
#define USR "usr/lib/systemd/system/"

static void dropins_in_order(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, USR "a-b@.service",
                  "[Service]\nExecStart=/bin/true\nEnvironment=ORDER=fragment\n");
    fixture_write(f, ETC "a-b@.service.d/10-x.conf", "[Service]\nEnvironment=A=template-etc\n");
    fixture_write(f, USR "a-b@.service.d/10-x.conf", "[Service]\nEnvironment=A=template-usr\n");
    fixture_write(f, USR "a-b@i.service.d/20.conf", "[Service]\nEnvironment=B=instance\n");
    fixture_write(f, ETC "a-@.service.d/30.conf", "[Service]\nEnvironment=C=prefix\n");
    fixture_write(f, ETC "service.d/05.conf",
                  "[Service]\nEnvironment=D=type\nEnvironment=A=type\n");
    fixture_write(f, ETC "a-b@i.service.d/ignored.txt", "[Service]\nEnvironment=E=no\n");
    fixture_open(f);

    struct unit_config *c = fixture_load(f, "a-b@i.service");
    auto_free char *env = strv_join(c->exec->environment, " ");
    assert_string_equal(env, "ORDER=fragment D=type A=template-etc B=instance C=prefix");
    assert_int_equal(strv_length(c->dropin_paths), 4);
    assert_non_null(endswith(c->dropin_paths[1], ETC "a-b@.service.d/10-x.conf"));
    unit_config_free(c);
}

static void aliases_and_instances(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, USR "real.service", "[Service]\nExecStart=/bin/true\n");
    fixture_write(f, ETC "other.service", "->/usr/lib/systemd/system/real.service");
    fixture_write(f, ETC "third.service", "->other.service");
    fixture_write(f, ETC "bad.socket", "->/usr/lib/systemd/system/real.service");
    fixture_write(f, USR "t@.service", "[Service]\nExecStart=/bin/echo %i %I %p %n\n");
    fixture_write(f, ETC "u@.service", "->/usr/lib/systemd/system/t@.service");
    fixture_write(f, "opt/l.service", "[Service]\nExecStart=/bin/linked\n");
    fixture_write(f, ETC "l.service", "->/opt/l.service");
    fixture_open(f);

    struct unit_config *c = fixture_load(f, "third.service");
    auto_free char *names = strv_join(c->names, " ");
    assert_string_equal(c->name, "real.service");
    assert_string_equal(names, "third.service other.service");
    unit_config_free(c);

    c = fixture_load(f, "u@x-y.service");
    assert_string_equal(c->name, "t@x-y.service");
    auto_free char *argv = strv_join(c->service->exec_start->argv, " ");
    assert_string_equal(argv, "/bin/echo x-y x/y t t@x-y.service");
    unit_config_free(c);

    c = fixture_load(f, "bad.socket");
    assert_int_equal(c->load_state, LOAD_NOT_FOUND);
    unit_config_free(c);
}

static void load_states(void **state)
{
    static const struct {
        const char *name, *text;
        enum load_state state;
    } cases[] = {
        { "masked.service", "->/dev/null", LOAD_MASKED },
        { "empty.service", "", LOAD_MASKED },
        { "gone.service", NULL, LOAD_NOT_FOUND },
        { "any.slice", NULL, LOAD_LOADED },
        { "header.service", "[Service\nExecStart=/bin/true\n", LOAD_ERROR },
        { "none.service", "[Unit]\nDescription=x\n", LOAD_BAD_SETTING },
        { "two.service", "[Service]\nExecStart=/a\nExecStart=/b\n", LOAD_BAD_SETTING },
        { "reset.service", "[Service]\nExecStart=/a\nExecStart=\nExecStart=/b\n", LOAD_LOADED },
        { "steps.service", "[Service]\nType=oneshot\nExecStart=/a\nExecStart=/b\n", LOAD_LOADED },
        { "again.service", "[Service]\nType=oneshot\nExecStart=/a\nRestart=always\n",
          LOAD_BAD_SETTING },
        { "stop.service", "[Service]\nRemainAfterExit=yes\nExecStop=/a\n", LOAD_LOADED },
        { "simple.service", "[Service]\nType=simple\nRemainAfterExit=yes\nExecStop=/a\n",
          LOAD_BAD_SETTING },
        { "bus.service", "[Service]\nType=dbus\nExecStart=/a\n", LOAD_BAD_SETTING },
        { "crlf.service", "[Service]\r\nExecStart=/a\r\n", LOAD_LOADED },
        { "x.service", "\xef\xbb\xbf[X-Foo]\nA\n[Service]\nX-Bar=1\nExecStart=/a \\\n# no\n b\n",
          LOAD_LOADED },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *path = format(ETC "%s", cases[i].name);

        if (cases[i].text)
            fixture_write(f, path, cases[i].text);
    }
    fixture_open(f);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct unit_config *c = fixture_load(f, cases[i].name);
        bool bad = c->load_state == LOAD_BAD_SETTING;

        if (c->load_state != cases[i].state)
            fail_msg("%s: %s", cases[i].name, load_state_to_string(c->load_state));
        if (bad && c->n_messages == 0)
            fail_msg("%s: refused without a reason", cases[i].name);
        if (c->load_state == LOAD_LOADED && c->n_messages > 0)
            fail_msg("%s: %s", cases[i].name, c->messages[0].text);
        unit_config_free(c);
    }
    struct unit_config *c;
    assert_int_equal(unit_load(f->loader, "t@.service", &c), -EINVAL);
    assert_int_equal(unit_load(f->loader, "nothing", &c), -EINVAL);
}

static void links_are_dependencies(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, USR "multi-user.target", "[Unit]\nWants=c.service\n");
    fixture_write(f, ETC "multi-user.target.wants/b.service",
                  "->/usr/lib/systemd/system/b.service");
    fixture_write(f, ETC "multi-user.target.wants/off.service", "->/dev/null");
    fixture_write(f, ETC "multi-user.target.requires/t@x.service", "->../t@.service");
    fixture_open(f);

    struct unit_config *c = fixture_load(f, "multi-user.target");
    auto_free char *wants = strv_join(c->unit->wants, " "),
                   *requires = strv_join(c->unit->requires, " ");
    assert_string_equal(wants, "c.service b.service");
    assert_string_equal(requires, "t@x.service");

    const struct provenance *p[4];
    unsigned n = directive_provenance(c, directive_find_property(UNIT_TARGET, "Wants"), false, p,
                                      4);
    assert_int_equal(n, 2);
    assert_int_equal(p[0]->line, 2);
    assert_non_null(endswith(unit_config_file(c, p[1]->file), "multi-user.target.wants/b.service"));
    unit_config_free(c);
}

static void provenance_tells_what_was_overridden(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, USR "a.service", "[Service]\nExecStart=/old\nRestartSec=1\n");
    fixture_write(f, ETC "a.service.d/x.conf",
                  "[Service]\nExecStart=\nExecStart=/new\nRestartSec=2\n");
    fixture_open(f);

    struct unit_config *c = fixture_load(f, "a.service");
    const struct directive *start = directive_find_property(UNIT_SERVICE, "ExecStart");
    const struct directive *delay = directive_find_property(UNIT_SERVICE, "RestartUSec");
    const struct provenance *p[4];

    assert_int_equal(directive_provenance(c, start, false, p, 4), 1);
    assert_int_equal(p[0]->line, 3);
    assert_int_equal(p[0]->file, 1);
    assert_int_equal(directive_provenance(c, start, true, p, 4), 1);
    assert_int_equal(p[0]->file, 0);
    assert_int_equal(directive_provenance(c, delay, false, p, 4), 1);
    assert_int_equal(p[0]->file, 1);
    assert_int_equal(directive_provenance(c, delay, true, p, 4), 1);
    assert_int_equal(p[0]->line, 3);
    unit_config_free(c);
}

static void builtin_units_load(void **state)
{
    static const char *const names[] = {
        "basic.target",          "sysinit.target", "multi-user.target", "default.target",
        "shutdown.target",       "reboot.target",  "system.slice",      "-.slice",
        "network-online.target", "timers.target",  "exit.target",       "systemd-poweroff.service"
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        struct unit_config *c = fixture_load(f, names[i]);

        if (c->load_state != LOAD_LOADED || !c->builtin || c->n_messages > 0)
            fail_msg("%s: %s %s", names[i], load_state_to_string(c->load_state),
                     c->n_messages ? c->messages[0].text : "");
        unit_config_free(c);
    }
    fixture_write(f, ETC "basic.target", "[Unit]\nDescription=mine\n");
    assert_int_equal(unit_loader_refresh(f->loader), 1);
    assert_int_equal(unit_loader_refresh(f->loader), 0);
    struct unit_config *c = fixture_load(f, "basic.target");
    assert_false(c->builtin);
    assert_string_equal(c->unit->description, "mine");
    unit_config_free(c);
}

static void changes_on_disk_are_seen(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, ETC "a.service", "[Service]\nExecStart=/a\n");
    fixture_open(f);
    struct unit_config *c = fixture_load(f, "a.service");
    assert_false(unit_needs_reload(f->loader, c));
    fixture_write(f, ETC "a.service.d/x.conf", "[Service]\nNice=1\n");
    assert_int_equal(unit_loader_refresh(f->loader), 1);
    assert_true(unit_needs_reload(f->loader, c));
    unit_config_free(c);
}

/* At most 2.4 KiB of heap for an ordinary loaded unit, the manager's share included. */
static void an_ordinary_unit_is_small(void **state)
{
    enum { UNITS = 200 };
    struct unit_config *units[UNITS];
    struct mallinfo2 before = mallinfo2();

    for (int i = 0; i < UNITS; i++)
        units[i] = fixture_text(
            *state, "ordinary.service",
            "[Unit]\nDescription=An ordinary service\nAfter=network.target\n"
            "[Service]\nType=notify\nExecStart=/usr/sbin/ordinary --foreground\n"
            "ExecReload=/bin/kill -HUP $MAINPID\nRestart=on-failure\n"
            "[Install]\nWantedBy=multi-user.target\n");
    size_t each = (mallinfo2().uordblks - before.uordblks) / UNITS;
    if (each > 1600)
        fail_msg("%zu bytes", each);
    for (int i = 0; i < UNITS; i++)
        unit_config_free(units[i]);
}

/* Every unit of Debian packages that is at hand loads without an error or a warning other than
 * those of the table. */
static void units_of_packages_load(void **state)
{
    static const char *const known[] = {
        "directive not",          "is an old word for journal", "is below the old folder",
        "this is an old setting", "leaves processes behind",
    };
    const char *folder = getenv("SERVICE_UNITS");
    struct fixture *f = *state;
    DIR *packages = opendir(folder ? folder : "../shared/services/units");
    unsigned n = 0;

    if (!packages)
        skip();
    for (struct dirent *p; (p = readdir(packages));) {
        auto_free char *system = format("%s/%s/lib/systemd/system",
                                        folder ? folder : "../shared/services/units", p->d_name);
        DIR *d = *p->d_name == '.' ? NULL : opendir(system);

        for (struct dirent *de; d && (de = readdir(d));) {
            auto_free char *path = path_join(system, de->d_name, NULL);
            auto_free char *instance = NULL;
            struct unit_config *c;
            struct stat st;

            if (unit_name_is_valid(de->d_name, UNIT_NAME_TEMPLATE))
                assert_int_equal(unit_name_with_instance(de->d_name, "test", &instance), 0);
            /* Links were copied as files that hold their targets: those are small. */
            if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 50 ||
                unit_load_file(f->loader, path, instance, true, &c) < 0)
                continue;
            n++;
            for (unsigned m = 0; m < c->n_messages; m++) {
                bool expected = false;

                for (size_t k = 0; k < ELEMENTSOF(known); k++)
                    expected = expected || strstr(c->messages[m].text, known[k]);
                if (!expected)
                    fail_msg("%s:%u: %s= %s", path, c->messages[m].line,
                             strempty(c->messages[m].directive), c->messages[m].text);
            }
            unit_config_free(c);
        }
        if (d)
            closedir(d);
    }
    closedir(packages);
    assert_true(n > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dropins_in_order),
        TEST(aliases_and_instances),
        TEST(load_states),
        TEST(links_are_dependencies),
        TEST(provenance_tells_what_was_overridden),
        TEST(builtin_units_load),
        TEST(changes_on_disk_are_seen),
        TEST(an_ordinary_unit_is_small),
        TEST(units_of_packages_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
