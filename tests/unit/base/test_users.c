#include "base/users.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

static char root[] = "/tmp/test_users.XXXXXX";

static const char passwd[] = "# a comment\n"
                             "root:x:0:0:root:/root:/bin/bash\n"
                             "+nis::::::\n"
                             "web:x:33:33:www,,,:/var/www:/usr/sbin/nologin\n"
                             "web2:x:33:34::/second:\n"
                             "short:x:50:50::/home/short\n"
                             "broken:x:abc:1::/:/bin/sh\n"
                             "worse:x:51\n"
                             "last:x:52:52::/last:/bin/last";
static const char group[] = "root:x:0:\n"
                            "web:x:33:\n"
                            "adm:x:4:web,short\n"
                            "ssl:x:110:short,web\n"
                            "weblike:x:111:web2,xweb,webx\n"
                            "again:x:4:web\n";

static int setup(void **state)
{
    assert_non_null(mkdtemp(root));
    auto_free char *etc = path_join(root, "etc", NULL);
    auto_free char *p = path_join(etc, "passwd", NULL), *g = path_join(etc, "group", NULL);

    assert_int_equal(mkdir(etc, 0755), 0);
    assert_int_equal(file_replace(p, passwd, sizeof passwd - 1, 0644), 0);
    assert_int_equal(file_replace(g, group, sizeof group - 1, 0644), 0);
    return 0;
}

static int teardown(void **state)
{
    return remove_all(root);
}

static void users(void **state)
{
    static const struct {
        const char *name;
        int r;
        uid_t uid;
        gid_t gid;
        const char *home, *shell;
        enum users_source source;
    } cases[] = {
        { "web", 0, 33, 33, "/var/www", "/usr/sbin/nologin", USERS_FILES },
        { "33", 0, 33, 33, "/var/www", "/usr/sbin/nologin", USERS_FILES },
        { "web2", 0, 33, 34, "/second", "", USERS_FILES },
        { "short", 0, 50, 50, "/home/short", "", USERS_FILES },
        { "last", 0, 52, 52, "/last", "/bin/last", USERS_FILES },
        { "root", 0, 0, 0, "/root", "/bin/bash", USERS_FILES },
        { "nobody", 0, 65534, 65534, "/", "/usr/sbin/nologin", USERS_BUILTIN },
        { "broken", -EBADMSG, 0, 0, NULL, NULL, USERS_FILES },
        { "worse", -EBADMSG, 0, 0, NULL, NULL, USERS_FILES },
        { "51", -EBADMSG, 0, 0, NULL, NULL, USERS_FILES },
        { "+nis", -ESRCH, 0, 0, NULL, NULL, USERS_FILES },
        { "we", -ESRCH, 0, 0, NULL, NULL, USERS_FILES },
        { "", -ESRCH, 0, 0, NULL, NULL, USERS_FILES },
        { "4711", -ESRCH, 0, 0, NULL, NULL, USERS_FILES },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct users_lookup l = { .root = root };
        struct user u = { .uid = 42 };
        int r = user_find(&l, cases[i].name, &u);

        if (r != cases[i].r || l.source != cases[i].source ||
            (r >= 0 ? u.uid != cases[i].uid || u.gid != cases[i].gid ||
                          !streq(u.home, cases[i].home) || !streq(u.shell, cases[i].shell)
                    : u.uid != 42))
            fail_msg("\"%s\": %d, source %d", cases[i].name, r, l.source);
        if (r >= 0)
            user_done(&u);
    }
}

static void groups(void **state)
{
    struct users_lookup l = { .root = root };
    struct group g = {};
    gid_t *gids;

    assert_int_equal(group_find(&l, "adm", &g), 0);
    assert_int_equal(g.gid, 4);
    assert_int_equal(strv_length(g.members), 2);
    group_done(&g);
    assert_int_equal(group_find_gid(&l, 4, &g), 0);
    assert_string_equal(g.name, "adm");
    group_done(&g);
    assert_int_equal(group_find(&l, "none", &g), -ESRCH);

    assert_int_equal(user_groups(&l, "web", 33, &gids), 3); /* 4 is there twice */
    assert_int_equal(gids[0], 33);
    assert_int_equal(gids[1], 4);
    assert_int_equal(gids[2], 110);
    free(gids);
}

static void without_files(void **state)
{
    struct users_lookup l = { .root = "/nonexistent" };
    struct user u = {};
    struct group g = {};

    assert_int_equal(user_find(&l, "root", &u), 0);
    assert_int_equal(l.source, USERS_BUILTIN);
    assert_string_equal(u.home, "/root");
    user_done(&u);
    assert_int_equal(group_find(&l, "root", &g), 0);
    group_done(&g);
    assert_int_equal(user_find(&l, "web", &u), -ESRCH);
}

/* What no file knows is asked of getent(1), which knows no such user either; an option in place of
 * a name is not for it. */
static void getent_is_asked(void **state)
{
    struct users_lookup l = {}, files = { .files_only = true };
    struct user u = {};

    assert_int_equal(user_find(&l, "no-such-user-here", &u), -ESRCH);
    assert_int_equal(l.source, USERS_GETENT);
    assert_int_equal(user_find(&l, "--help", &u), -ESRCH);
    assert_int_equal(l.source, USERS_FILES);
    assert_int_equal(user_find(&files, "no-such-user-here", &u), -ESRCH);
    assert_int_equal(files.source, USERS_FILES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users),
        cmocka_unit_test(groups),
        cmocka_unit_test(without_files),
        cmocka_unit_test(getent_is_asked),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
