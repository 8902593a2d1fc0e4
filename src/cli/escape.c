/* cli/escape.c -- reeve escape: systemd-escape(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/str.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "unit/enums.h"
#include "unit/name.h"

enum action { ESCAPE, UNESCAPE, MANGLE };

struct escape_options {
    enum action action;
    const char *suffix, *template;
    bool path, instance;
};

static const char options_help[] =
    "  -h --help             Show this help\n"
    "     --version          Show the version\n"
    "     --suffix=SUFFIX    Append a unit suffix to escaped strings\n"
    "     --template=NAME    Insert strings as the instance into a template\n"
    "     --instance         With --unescape, print the instance of a unit name only\n"
    "  -u --unescape         Unescape\n"
    "  -m --mangle           Turn into unit names what is not one yet\n"
    "  -p --path             Strings are paths\n";

static int fail(const char *what, int r)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-r));
    return r;
}

/* With --path: what is no path can be escaped, but does not come back. */
static int escape_path(const char *s, char **ret)
{
    bool absolute = path_is_absolute(s);

    if (!*s) {
        fprintf(stderr,
                "Input '%s' is not a valid file system path, escaping is likely not going to be "
                "reversible.\n",
                s);
        *ret = strdup("-");
        return *ret ? 0 : -ENOMEM;
    }
    int r = name_escape_path(s, ret);
    if (r == -EINVAL)
        fprintf(stderr, "Input '%s' is not %s file system path, failed to escape.\n", s,
                absolute ? "a normalized" : "an absolute");
    else if (r >= 0 && !absolute)
        fprintf(stderr,
                "Input '%s' is not an absolute file system path, escaping is likely not going to "
                "be reversible.\n",
                s);
    return r;
}

static int escape_one(const struct escape_options *o, const char *s, char **ret)
{
    auto_free char *text = NULL;
    int r = 0;

    if (o->path)
        r = escape_path(s, &text);
    else if (!(text = name_escape(s)))
        r = -ENOMEM;
    if (r < 0)
        return r;

    if (o->template) {
        r = unit_name_with_instance(o->template, text, ret);
        /* A name that is too long is merely not valid to systemd-escape. */
        return r < 0 ? fail("Failed to replace instance", r == -ENOMEM ? r : -EINVAL) : 0;
    }
    *ret = o->suffix ? format("%s.%s", text, o->suffix) : take_ptr(text);
    return *ret ? 0 : -ENOMEM;
}

/* The instance of a unit name, whose template has to be `template`, if one is given. */
static int extract_instance(const char *name, const char *template, char **ret)
{
    auto_free char *instance = NULL, *own_template = NULL;
    int r = unit_name_instance(name, &instance);

    if (r < 0)
        return fail("Failed to extract instance", r);
    if (isempty(instance)) {
        fprintf(stderr, "Unit %s is missing the instance name.\n", name);
        return -EINVAL;
    }
    if (template) {
        r = unit_name_template(name, &own_template);
        if (r < 0)
            return fail("Failed to extract template", r);
        if (!streq(template, own_template)) {
            fprintf(stderr, "Unit %s template %s does not match specified template %s.\n", name,
                    own_template, template);
            return -EINVAL;
        }
    }
    *ret = take_ptr(instance);
    return 0;
}

static int unescape_one(const struct escape_options *o, const char *s, char **ret)
{
    auto_free char *instance = NULL;

    if (o->template || o->instance) {
        int r = extract_instance(s, o->template, &instance);
        if (r < 0)
            return r;
        s = instance;
    }
    int r = o->path ? name_unescape_path(s, ret) : name_unescape(s, ret);
    return r < 0 ? fail("Failed to unescape string", r) : 0;
}

static int print_all(const struct escape_options *o, char *const *strings)
{
    for (char *const *s = strings; *s; s++) {
        auto_free char *text = NULL;
        int r;

        switch (o->action) {
        case ESCAPE:
            r = escape_one(o, *s, &text);
            break;
        case UNESCAPE:
            r = unescape_one(o, *s, &text);
            break;
        case MANGLE:
            r = unit_name_mangle(*s, false, ".service", &text);
            if (r < 0)
                fail("Failed to mangle name", r);
            break;
        default:
            assert_unreachable();
        }
        if (r < 0)
            return EXIT_FAILURE;
        printf("%s%s", s == strings ? "" : " ", text);
    }
    fputc('\n', stdout);
    return EXIT_SUCCESS;
}

/* Options that contradict each other. Returns what is wrong with them, or NULL. */
static const char *contradiction(const struct escape_options *o)
{
    if (o->template && o->suffix)
        return "--suffix= and --template= may not be combined.";
    if ((o->template || o->suffix) && o->action == MANGLE)
        return "--suffix= and --template= are not compatible with --mangle.";
    if (o->suffix && o->action == UNESCAPE)
        return "--suffix is not compatible with --unescape.";
    if (o->path && o->action == MANGLE)
        return "--path may not be combined with --mangle.";
    if (o->instance && o->action != UNESCAPE)
        return "--instance must be used in conjunction with --unescape.";
    if (o->instance && o->template)
        return "--instance may not be combined with --template.";
    return NULL;
}

/* Returns 0 to go on, 1 when all is done, -EINVAL. */
static int parse_options(int argc, char **argv, struct escape_options *o)
{
    enum { OPTION_VERSION = 0x100, OPTION_SUFFIX, OPTION_TEMPLATE, OPTION_INSTANCE };
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "suffix", required_argument, NULL, OPTION_SUFFIX },
        { "template", required_argument, NULL, OPTION_TEMPLATE },
        { "unescape", no_argument, NULL, 'u' },
        { "mangle", no_argument, NULL, 'm' },
        { "path", no_argument, NULL, 'p' },
        { "instance", no_argument, NULL, OPTION_INSTANCE },
        { 0 },
    };

    optind = 0;
    for (int c; (c = verb_getopt(argc, argv, "hump", options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            verb_print_help(argv[0], options_help);
            return 1;
        case OPTION_VERSION:
            print_version(argv[0]);
            return 1;
        case OPTION_SUFFIX:
            if (unit_type_from_string(optarg) < 0) {
                fprintf(stderr, "Invalid unit suffix type \"%s\".\n", optarg);
                return -EINVAL;
            }
            o->suffix = optarg;
            break;
        case OPTION_TEMPLATE:
            if (!unit_name_is_valid(optarg, UNIT_NAME_TEMPLATE)) {
                fprintf(stderr, "Template name %s is not valid.\n", optarg);
                return -EINVAL;
            }
            o->template = optarg;
            break;
        case OPTION_INSTANCE:
            o->instance = true;
            break;
        case 'u':
            o->action = UNESCAPE;
            break;
        case 'm':
            o->action = MANGLE;
            break;
        case 'p':
            o->path = true;
            break;
        default:
            return -EINVAL;
        }
    return 0;
}

int verb_escape(int argc, char **argv)
{
    struct escape_options o = { .action = ESCAPE };
    int r = parse_options(argc, argv, &o);

    if (r != 0)
        return r < 0 ? usage_status(argv[0]) : EXIT_SUCCESS;
    const char *wrong = optind >= argc ? "Not enough arguments." : contradiction(&o);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        return usage_status(argv[0]);
    }
    return print_all(&o, argv + optind);
}
