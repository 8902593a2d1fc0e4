#include "diagnose/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

static char folder[] = "/tmp/test_program.XXXXXX";

static int setup(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    return remove_all(folder);
}

static void script_cases(void **state)
{
    static const struct {
        const char *text;
        enum program_kind kind;
        const char *interpreter, *argument;
        bool carriage_return, byte_order_mark;
    } cases[] = {
        { "#!/bin/sh\necho\n", PROGRAM_SCRIPT, "/bin/sh", NULL, false, false },
        { "#! /usr/bin/env  node --x \n", PROGRAM_SCRIPT, "/usr/bin/env", "node --x", false,
          false },
        { "#!/bin/bash\r\necho\r\n", PROGRAM_SCRIPT, "/bin/bash", NULL, true, false },
        { "\xef\xbb\xbf#!/bin/sh\n", PROGRAM_OTHER, "/bin/sh", NULL, false, true },
        { "\n#!/bin/sh\n", PROGRAM_OTHER, NULL, NULL, false, false },
        { "echo hello\n", PROGRAM_OTHER, NULL, NULL, false, false },
        { "#!", PROGRAM_SCRIPT, NULL, NULL, false, false },
        { "", PROGRAM_EMPTY, NULL, NULL, false, false },
    };
    auto_free char *path = path_join(folder, "script", NULL);

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct program p = {};

        assert_int_equal(file_replace(path, cases[i].text, strlen(cases[i].text), 0755), 0);
        assert_int_equal(program_read(NULL, path, &p), 0);
        if (p.kind != cases[i].kind || !streq_ptr(p.interpreter, cases[i].interpreter) ||
            !streq_ptr(p.argument, cases[i].argument) ||
            p.carriage_return != cases[i].carriage_return ||
            p.byte_order_mark != cases[i].byte_order_mark)
            fail_msg("case %zu: kind %d interpreter %s argument %s", i, p.kind,
                     strempty(p.interpreter), strempty(p.argument));
        program_done(&p);
    }
}

static void this_program_finds_its_libraries(void **state)
{
    struct program p = {};
    struct program_libraries l = {};
    bool libc = false;

    assert_int_equal(program_read(NULL, "/bin/sh", &p), 0);
    assert_int_equal(p.kind, PROGRAM_ELF);
    assert_false(p.foreign);
    assert_int_equal(p.bits, 64);
    assert_non_null(p.loader);
    assert_true(strv_contains(p.needed, "libc.so.6"));
    assert_true(p.n_versions > 0);
    program_done(&p);

    assert_int_equal(program_find_libraries(NULL, "/bin/sh", NULL, &l), 0);
    for (size_t i = 0; i < l.n; i++) {
        assert_non_null(l.items[i].path);
        libc = libc || streq(l.items[i].name, "libc.so.6");
    }
    assert_true(libc);
    assert_int_equal(l.n_missing, 0);
    program_libraries_done(&l);
}

/* A copy of /bin/sh in which a string is replaced by one of the same length. */
static char *patched_shell(const char *from, const char *to)
{
    auto_free char *path = path_join(folder, "patched", NULL), *data = NULL;
    size_t size;

    assert_int_equal(file_read("/bin/sh", 64 << 20, &data, &size), 0);
    for (char *at; (at = memmem(data, size, from, strlen(from)));)
        memcpy(at, to, strlen(to));
    assert_int_equal(file_replace(path, data, size, 0755), 0);
    return take_ptr(path);
}

static void missing_library(void **state)
{
    auto_free char *path = patched_shell("libc.so.6", "libz.so.X");
    auto_free char *lib = path_join(folder, "lib", NULL);
    auto_free char *library = path_join(folder, "lib/libz.so.X", NULL);
    struct program_libraries l = {};

    assert_int_equal(program_find_libraries(NULL, path, NULL, &l), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.items[0].name, "libz.so.X");
    assert_null(l.items[0].path);
    assert_string_equal(l.items[0].wanted_by, path);
    assert_null(l.items[0].elsewhere);
    program_libraries_done(&l);

    /* There, but not where the loader looks; with LD_LIBRARY_PATH it does. */
    assert_int_equal(mkdir_all(lib, 0755), 0);
    assert_int_equal(link(path, library), 0);
    assert_int_equal(program_find_libraries(NULL, path, NULL, &l), 0);
    assert_string_equal(l.items[0].elsewhere, library);
    program_libraries_done(&l);
    assert_int_equal(program_find_libraries(NULL, path, lib, &l), 0);
    assert_string_equal(l.items[0].path, library);
    program_libraries_done(&l);
}

static void newer_libc(void **state)
{
    auto_free char *path = patched_shell("GLIBC_2.34", "GLIBC_9.99");
    struct program_libraries l = {};

    assert_int_equal(program_find_libraries(NULL, path, NULL, &l), 0);
    assert_int_equal(l.n_missing, 1);
    assert_string_equal(l.missing_versions[0].version, "GLIBC_9.99");
    assert_string_equal(l.missing_versions[0].library, "libc.so.6");
    program_libraries_done(&l);
}

static void other_machine(void **state)
{
    auto_free char *path = path_join(folder, "other", NULL), *data = NULL;
    size_t size;
    struct program p = {};
    uint16_t machine = EM_S390;

    assert_int_equal(file_read("/bin/sh", 64 << 20, &data, &size), 0);
    memcpy(data + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
    assert_int_equal(file_replace(path, data, size, 0755), 0);
    assert_int_equal(program_read(NULL, path, &p), 0);
    assert_true(p.foreign);
    assert_string_equal(program_machine_name(p.machine), "s390");
    program_done(&p);
}

static void broken_files_are_refused(void **state)
{
    auto_free char *path = path_join(folder, "broken", NULL), *data = NULL;
    size_t size;

    assert_int_equal(program_read(NULL, "/nonexistent", &(struct program){}), -ENOENT);
    assert_int_equal(program_read(NULL, "/usr", &(struct program){}), -EISDIR);
    assert_int_equal(file_read("/bin/sh", 64 << 20, &data, &size), 0);
    /* Cut short and with bytes turned over: an error or not, but never a crash. */
    for (size_t n = 4; n < MIN(size, (size_t) 4096); n += 61) {
        struct program p = {};

        assert_int_equal(file_replace(path, data, n, 0755), 0);
        if (program_read(NULL, path, &p) >= 0)
            program_done(&p);
        data[n] ^= 0x55;
        assert_int_equal(file_replace(path, data, size, 0755), 0);
        if (program_read(NULL, path, &p) >= 0)
            program_done(&p);
        data[n] ^= 0x55;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(script_cases),    cmocka_unit_test(this_program_finds_its_libraries),
        cmocka_unit_test(missing_library), cmocka_unit_test(newer_libc),
        cmocka_unit_test(other_machine),   cmocka_unit_test(broken_files_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
