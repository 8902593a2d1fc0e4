#include "loader.h"

#include "unit/presets.h"
#include "unit/value.h"

static const struct {
    const char *section, *lines, *property, *value;
} cases[] = {
#include "show-257.inc"
};

static char *unit_text(const char *section, const char *lines)
{
    bool service = streq(section, "Service");

    return format("[Unit]\nDescription=t\n%s[Service]\nExecStart=/bin/true\n%s",
                  service ? "" : lines, service ? lines : "");
}

static void shows_what_systemd_257_shows(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = unit_text(cases[i].section, cases[i].lines), *got = NULL;
        struct unit_config *c = fixture_text(*state, "u.service", text);
        const char *load_state = load_state_to_string(c->load_state);

        if (!*cases[i].property)
            got = strdup(load_state);
        else if (c->load_state != LOAD_LOADED)
            got = format("(%s)", load_state);
        else
            got = property(c, cases[i].property);
        if (!streq(got, cases[i].value))
            fail_msg("%s%s: \"%s\", not \"%s\"", cases[i].lines, cases[i].property, got,
                     cases[i].value);
        unit_config_free(c);
    }
}

/* All settings as unit-file lines, in their sections. */
static char *rewrite(const struct unit_config *c)
{
    struct strbuf out = {};
    const char *section = "";
    const struct directive *d;

    for (unsigned i = 0; (d = directive_next(c->type, &i));) {
        if (!streq(section, directive_section(d, c->type))) {
            section = directive_section(d, c->type);
            strbuf_addf(&out, "[%s]\n", section);
        }
        directive_format_file(c, d, &out);
    }
    return strbuf_take(&out);
}

static void what_is_written_parses_to_the_same(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *text = unit_text(cases[i].section, cases[i].lines), *again = NULL;
        struct unit_config *a = fixture_text(*state, "u.service", text), *b;
        const struct directive *d;

        again = rewrite(a);
        b = fixture_text(*state, "u.service", again);
        for (unsigned k = 0; a->load_state == LOAD_LOADED && (d = directive_next(a->type, &k));)
            if (!directive_equal(a, b, d))
                fail_msg("%s: %s= became another in\n%s", cases[i].lines,
                         d->name ? d->name : d->property, again);
        unit_config_free(a);
        unit_config_free(b);
    }
}

static void every_preset_parses(void **state)
{
    for (int user = 0; user < 2; user++) {
        struct unit_presets *p = unit_presets_new(user);

        assert_non_null(p);
        for (unsigned i = 0; i < n_directives; i++) {
            const struct directive *d = &directives[i];
            struct assignment a = { .directive = d, .group = NULL };
            uint64_t value[8] = { 0 };

            if (!d->type || d->is_item || !*d->preset || d->type == &type_timeout_both)
                continue;
            value_init(d->type, value);
            assert_int_equal(d->type->parse(&a, d->type, d->preset, value), 0);
            if (a.n_faults > 0)
                fail_msg("preset of %s=: \"%s\"", d->name, d->preset);
            if (d->type->clear)
                d->type->clear(value);
        }
        unit_presets_unref(p);
    }
}

static void every_row_is_found(void **state)
{
    for (int type = 0; type < UNIT_TYPE_MAX; type++) {
        const struct directive *d;

        for (unsigned i = 0; (d = directive_next(type, &i));) {
            if (!d->name)
                continue;
            if (directive_find(type, directive_section(d, type), d->name, NULL) != d ||
                directive_find_property(type, directive_property(d)) != d)
                fail_msg("%s= of a %s", d->name, unit_type_to_string(type));
        }
    }
    for (unsigned i = 0; i < n_directives; i++)
        if (directives[i].alias_name && directives[i].group == GROUP_UNIT)
            assert_non_null(directive_find(UNIT_TARGET, "Unit", directives[i].name, NULL));
}

static void unknown_names_get_a_hint(void **state)
{
    static const struct {
        const char *text, *hint;
    } hints[] = {
        { "[Service]\nExecStrat=/bin/true\n", "did you mean ExecStart=?" },
        { "[Service]\nDescription=x\n", "it belongs in [Unit]" },
        { "[Unit]\nExecStart=/x\n", "it belongs in [Service]" },
        { "[Service]\nListenStream=80\n", "it belongs in [Socket] of a .socket unit" },
        { "[service]\nExecStart=/x\n", "write [Service]" },
        { "[Service]\nType=simpel\n",
          "write one of: simple, exec, forking, oneshot, dbus, notify, notify-reload, idle" },
        { "Type=simple\n", "put it below a section header as [Unit] or [Service]" },
    };

    for (size_t i = 0; i < ELEMENTSOF(hints); i++) {
        struct unit_config *c = fixture_text(*state, "u.service", hints[i].text);

        if (c->n_messages == 0 || !streq_ptr(c->messages[0].remedy, hints[i].hint))
            fail_msg("%s: \"%s\"", hints[i].text,
                     c->n_messages ? strempty(c->messages[0].remedy) : "(no message)");
        unit_config_free(c);
    }
}

static void wrong_properties_change_nothing(void **state)
{
    struct unit_config *c = fixture_text(
        *state, "u.service", "[Service]\nExecStart=/bin/true\nEnvironment=A=1\nNice=5\n");
    const struct directive *nice = directive_find_property(UNIT_SERVICE, "Nice");
    const struct directive *env = directive_find_property(UNIT_SERVICE, "Environment");

    assert_int_equal(directive_set(c, nice, "99"), -EINVAL);
    assert_int_equal(c->exec->nice, 5);
    assert_int_equal(directive_set(c, nice, "7"), 0);
    assert_int_equal(c->exec->nice, 7);
    assert_int_equal(directive_set(c, env, "B=2 1C=3"), -EINVAL);
    assert_int_equal(strv_length(c->exec->environment), 1);
    assert_int_equal(directive_unset(c, nice), 0);
    assert_int_equal(c->exec->nice, NICE_UNSET);
    assert_false(directive_is_set(c, nice));
    unit_config_free(c);
}

/* Everything but the settings of [Unit] differs from another one here. */
static void groups_that_are_equal_are_shared(void **state)
{
    static const char text[] = "[Unit]\nDescription=d\nAfter=a.target\n[Service]\n"
                               "Environment=A=%n\nExecStart=/bin/true\n";
    struct unit_config *a = fixture_text(*state, "a.service", text);
    struct unit_config *b = fixture_text(*state, "b.service", text);

    unit_config_share(a);
    assert_ptr_not_equal(a->unit, b->unit);
    unit_config_share(b);
    assert_ptr_equal(a->unit, b->unit);
    assert_ptr_equal(a->service, b->service);
    assert_ptr_not_equal(a->exec, b->exec);

    /* Whoever changes a setting has a copy from then on; the other one keeps what it had. */
    const struct directive *d = directive_find_property(UNIT_SERVICE, "Description");
    assert_int_equal(directive_set(b, d, "changed"), 0);
    assert_ptr_not_equal(a->unit, b->unit);
    assert_string_equal(a->unit->description, "d");
    assert_string_equal(b->unit->description, "changed");
    assert_string_equal(b->unit->after[0], "a.target");

    /* What was shared last may be changed, and is then no model for others. */
    assert_int_equal(directive_set(a, d, "also"), 0);
    struct unit_config *c = fixture_text(*state, "c.service", text);
    unit_config_share(c);
    assert_string_equal(c->unit->description, "d");
    assert_ptr_equal(c->service, a->service);
    unit_config_free(a);
    unit_config_free(b);
    assert_string_equal(c->service->exec_start->path, "/bin/true");
    unit_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_what_systemd_257_shows, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_written_parses_to_the_same, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(every_preset_parses),
        cmocka_unit_test(every_row_is_found),
        cmocka_unit_test_setup_teardown(groups_that_are_equal_are_shared, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(unknown_names_get_a_hint, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(wrong_properties_change_nothing, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
