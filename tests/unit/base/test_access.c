#include "base/access.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

static char folder[] = "/tmp/test_access.XXXXXX";

static int make_tree(void **state)
{
    static const struct {
        const char *path, *link;
        mode_t mode;
    } tree[] = {
        { "open", NULL, S_IFDIR | 0755 },        { "open/file", NULL, S_IFREG | 0640 },
        { "open/script", NULL, S_IFREG | 0755 }, { "closed", NULL, S_IFDIR | 0700 },
        { "closed/file", NULL, S_IFREG | 0666 }, { "to-file", "open/file", 0 },
        { "to-nothing", "open/nothing", 0 },     { "round", "round", 0 },
        { "through", "closed/file", 0 },         { "to-folder", "open", 0 },
        { "far", "open/nothing/x", 0 },          { "up", "open/../open/script", 0 },
        { "absolute", "/open/script", 0 },
    };

    if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTSOF(tree); i++) {
        auto_free char *path = path_join(folder, tree[i].path, NULL);
        int r = tree[i].link            ? symlink(tree[i].link, path)
                : S_ISDIR(tree[i].mode) ? mkdir(path, tree[i].mode & 0777)
                                        : mknod(path, S_IFREG | 0600, 0);

        if (r < 0 || (!tree[i].link && chmod(path, tree[i].mode & 0777) < 0))
            return -1;
    }
    return 0;
}

static int remove_tree(void **state)
{
    return remove_all(folder);
}

static void verdicts(void **state)
{
    uid_t me = getuid();
    gid_t mine = getgid();
    gid_t groups[] = { mine };
    const struct identity stranger = { .uid = 54321, .gid = 54321 };
    const struct identity member = { .uid = 54321, .gid = 1, .groups = groups, .n_groups = 1 };
    const struct identity owner = { .uid = me, .gid = 54321 };
    const struct identity powerful = { .uid = 54321, .gid = 1, .capabilities = 1 << 1 };
    const struct {
        const char *path;
        const struct identity *who;
        int want;
        enum access_verdict verdict;
        const char *object;
    } cases[] = {
        { "open/file", &stranger, ACCESS_READ, ACCESS_NO_PERMISSION, "open/file" },
        { "open/file", &member, ACCESS_READ, ACCESS_OK, "open/file" },
        { "open/file", &member, ACCESS_WRITE, ACCESS_NO_PERMISSION, "open/file" },
        { "open/file", &owner, ACCESS_READ | ACCESS_WRITE, ACCESS_OK, "open/file" },
        { "open/file", &powerful, ACCESS_READ | ACCESS_WRITE, ACCESS_OK, "open/file" },
        { "open/file", &powerful, ACCESS_EXECUTE, ACCESS_NO_PERMISSION, "open/file" },
        { "open/script", &stranger, ACCESS_READ | ACCESS_EXECUTE, ACCESS_OK, "open/script" },
        { "open/script/x", &stranger, 0, ACCESS_NOT_DIRECTORY, "open/script" },
        { "closed/file", &stranger, ACCESS_READ, ACCESS_NO_SEARCH, "closed" },
        { "closed/file", &powerful, ACCESS_READ, ACCESS_OK, "closed/file" },
        { "through", &stranger, ACCESS_READ, ACCESS_NO_SEARCH, "closed" },
        { "to-file", &member, ACCESS_READ, ACCESS_OK, "open/file" },
        { "to-nothing", &stranger, 0, ACCESS_DANGLING, "open/nothing" },
        { "nothing", &stranger, 0, ACCESS_MISSING, "nothing" },
        { "to-folder/nothing", &stranger, 0, ACCESS_MISSING, "open/nothing" },
        { "far", &stranger, 0, ACCESS_DANGLING, "open/nothing" },
        { "nothing/below", &stranger, 0, ACCESS_MISSING, "nothing" },
        { "round", &stranger, 0, ACCESS_LOOP, "round" },
        { "up", &stranger, ACCESS_EXECUTE, ACCESS_OK, "open/script" },
        { "open/./../open//script", &stranger, 0, ACCESS_OK, "open/script" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *path = path_join(folder, cases[i].path, NULL);
        auto_free char *object = path_join(folder, cases[i].object, NULL);
        struct access_result got;

        assert_int_equal(access_evaluate(NULL, path, cases[i].who, cases[i].want, &got), 0);
        if (got.verdict != cases[i].verdict || !streq_ptr(got.object, object))
            fail_msg("case %zu %s: %s at %s", i, cases[i].path, access_verdict_name(got.verdict),
                     got.object);
        access_result_done(&got);
    }
}

static void below_another_root(void **state)
{
    const struct identity stranger = { .uid = 54321, .gid = 54321 };
    struct access_result got;

    assert_int_equal(access_evaluate(folder, "/absolute", &stranger, ACCESS_EXECUTE, &got), 0);
    assert_int_equal(got.verdict, ACCESS_OK);
    assert_string_equal(got.object, "/open/script");
    access_result_done(&got);
}

static void acl_cases(void **state)
{
    /* version 2; user::rw-, user:54321:rwx, group::r--, mask::r--, other::--- */
    static const unsigned char acl[] = {
        2,  0, 0, 0,                         /* */
        1,  0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* */
        2,  0, 7, 0, 0x31, 0xd4, 0x00, 0x00, /* 54321 */
        4,  0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* */
        16, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* */
        32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* */
    };
    const struct identity named = { .uid = 54321, .gid = 9 }, other = { .uid = 2, .gid = 2 },
                          owner = { .uid = 1000, .gid = 2 }, group = { .uid = 2, .gid = 1000 };

    assert_int_equal(access_granted(S_IFREG | 0640, 1000, 1000, acl, sizeof acl, &named), 4);
    assert_int_equal(access_granted(S_IFREG | 0640, 1000, 1000, acl, sizeof acl, &other), 0);
    assert_int_equal(access_granted(S_IFREG | 0640, 1000, 1000, acl, sizeof acl, &owner), 6);
    assert_int_equal(access_granted(S_IFREG | 0640, 1000, 1000, acl, sizeof acl, &group), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(below_another_root),
        cmocka_unit_test(acl_cases),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
