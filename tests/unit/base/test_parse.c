#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/names.h"
#include "base/str.h"

static void booleans(void **state)
{
    static const char *const yes[] = { "1", "yes", "Y", "TRUE", "t", "On" };
    static const char *const no[] = { "0", "no", "N", "False", "f", "OFF" };
    static const char *const neither[] = { "", " yes", "yes ", "2", "01", "enable", "yess" };

    for (size_t i = 0; i < ELEMENTSOF(yes); i++)
        assert_int_equal(parse_boolean(yes[i]), 1);
    for (size_t i = 0; i < ELEMENTSOF(no); i++)
        assert_int_equal(parse_boolean(no[i]), 0);
    for (size_t i = 0; i < ELEMENTSOF(neither); i++)
        assert_int_equal(parse_boolean(neither[i]), -EINVAL);
}

static void integers(void **state)
{
    static const struct {
        const char *text;
        int r;
        int64_t value;
    } cases[] = {
        { "0", 0, 0 },
        { "-0", 0, 0 },
        { "+5", 0, 5 },
        { " 7", 0, 7 },
        { "-17", 0, -17 },
        { "0x1F", 0, 31 },
        { "-0x1f", 0, -31 },
        { "0b101", 0, 5 },
        { "0o17", 0, 15 },
        { "017", 0, 15 },
        { "9223372036854775807", 0, INT64_MAX },
        { "-9223372036854775808", 0, INT64_MIN },
        { "9223372036854775808", -ERANGE, 0 },
        { "-9223372036854775809", -ERANGE, 0 },
        { "99999999999999999999", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "5 ", -EINVAL, 0 },
        { "5x", -EINVAL, 0 },
        { "--5", -EINVAL, 0 },
        { "-+5", -EINVAL, 0 },
        { "- 5", -EINVAL, 0 },
        { "0b2", -EINVAL, 0 },
        { "0x", -EINVAL, 0 },
        { "0b", -EINVAL, 0 },
        { "08", -EINVAL, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        int64_t got = 42;
        int r = parse_i64(cases[i].text, &got);

        if (r != cases[i].r || got != (r < 0 ? 42 : cases[i].value))
            fail_msg("\"%s\": %d %" PRId64, cases[i].text, r, got);
    }
    uint64_t u = 42;
    unsigned small = 42;
    int number = 42;
    assert_int_equal(parse_u64("-1", &u), -ERANGE);
    assert_int_equal(parse_u64("18446744073709551616", &u), -ERANGE);
    assert_int_equal(u, 42);
    assert_int_equal(parse_u64("18446744073709551615", &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(parse_unsigned("4294967296", &small), -ERANGE);
    assert_int_equal(parse_int("-2147483649", &number), -ERANGE);
    assert_int_equal(parse_int("-2147483648", &number), 0);
}

static void restricted_integers(void **state)
{
    mode_t mode = 0;
    uid_t uid = 0;
    pid_t pid = 0;
    uint16_t port = 0;

    assert_int_equal(parse_mode("0755", &mode), 0);
    assert_int_equal(mode, 0755);
    assert_int_equal(parse_mode("10000", &mode), -ERANGE);
    assert_int_equal(parse_mode("8", &mode), -EINVAL);
    assert_int_equal(parse_uid("1000", &uid), 0);
    assert_int_equal(uid, 1000);
    assert_int_equal(parse_uid("01000", &uid), -EINVAL);
    assert_int_equal(parse_uid("+1", &uid), -EINVAL);
    assert_int_equal(parse_uid("65535", &uid), -ENXIO);
    assert_int_equal(parse_uid("4294967295", &uid), -ENXIO);
    assert_int_equal(parse_pid("0", &pid), -ERANGE);
    assert_int_equal(parse_pid("1", &pid), 0);
    assert_int_equal(parse_port("0", &port), -ERANGE);
    assert_int_equal(parse_port("65536", &port), -ERANGE);
    assert_int_equal(parse_port("8080", &port), 0);
    assert_int_equal(port, 8080);
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int r;
        uint64_t base, value;
    } cases[] = {
        { "0", 0, 1024, 0 },
        { "111", 0, 1024, 111 },
        { "111B", 0, 1024, 111 },
        { "4K", 0, 1024, 4096 },
        { "4K", 0, 1000, 4000 },
        { "1.5 M", 0, 1024, 1572864 },
        { "1G 512M", 0, 1024, UINT64_C(1610612736) },
        { "12K 3", 0, 1024, 12291 },
        { "3.25G", 0, 1024, UINT64_C(3489660928) },
        { "15E", 0, 1024, UINT64_C(15) << 60 },
        { "16E", -ERANGE, 1024, 0 },
        { "15E 1024P", -ERANGE, 1024, 0 },
        { "512M 1G", -EINVAL, 1024, 0 },
        { "1M 1M", -EINVAL, 1024, 0 },
        { "5 5", -EINVAL, 1024, 0 },
        { "-1", -ERANGE, 1024, 0 },
        { "1KB", -EINVAL, 1024, 0 },
        { "1k", -EINVAL, 1024, 0 },
        { "", -EINVAL, 1024, 0 },
        { "K", -EINVAL, 1024, 0 },
        { "1.", -EINVAL, 1024, 0 },
        { "infinity", -EINVAL, 1024, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        uint64_t got = 42;
        int r = parse_size(cases[i].text, cases[i].base, &got);

        if (r != cases[i].r || got != (r < 0 ? 42 : cases[i].value))
            fail_msg("\"%s\": %d %" PRIu64, cases[i].text, r, got);
    }
}

static void sizes_as_text(void **state)
{
    /* What systemd 257 prints: what is left over of each unit is dropped before the next. */
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {
        { 0, "0B" },
        { 1023, "1023B" },
        { 1024, "1K" },
        { 2028, "1.9K" },
        { 1024 * 1024 - 1, "1023.9K" },
        { 2 * 1024 * 1024, "2M" },
        { 138064400, "131.6M" },
        { 102 * 1024 + 512 + 1024 * 1024, "1M" },
        { UINT64_MAX, "15.9E" },
    };
    char text[SIZE_TEXT_MAX];

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        assert_string_equal(size_format(text, cases[i].n), cases[i].text);
}

static void parts_of_ten_thousand(void **state)
{
    static const struct {
        const char *text;
        int r;
        unsigned value;
    } cases[] = {
        { "20%", 0, 2000 },    { "12.5%", 0, 1250 },
        { "12.34%", 0, 1234 }, { "12.345%", -EINVAL, 0 },
        { "3‰", 0, 30 },       { "3.1‰", 0, 31 },
        { "15‱", 0, 15 },      { "1.5‱", -EINVAL, 0 },
        { "100%", 0, 10000 },  { "101%", -ERANGE, 0 },
        { "-1%", -EINVAL, 0 }, { "%", -EINVAL, 0 },
        { "5", -EINVAL, 0 },   { "5 %", -EINVAL, 0 },
        { "5.%", -EINVAL, 0 }, { "99999999999%", -ERANGE, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        unsigned got = 42;
        int r = parse_permyriad(cases[i].text, &got);

        if (r != cases[i].r || got != (r < 0 ? 42 : cases[i].value))
            fail_msg("\"%s\": %d %u", cases[i].text, r, got);
    }
    unsigned more;
    assert_int_equal(parse_permyriad_unbounded("250%", &more), 0);
    assert_int_equal(more, 25000);
}

static void signals(void **state)
{
    assert_int_equal(signal_from_name("TERM"), SIGTERM);
    assert_int_equal(signal_from_name("SIGTERM"), SIGTERM);
    assert_int_equal(signal_from_name("15"), SIGTERM);
    assert_int_equal(signal_from_name("RTMIN"), SIGRTMIN);
    assert_int_equal(signal_from_name("SIGRTMIN+3"), SIGRTMIN + 3);
    assert_int_equal(signal_from_name("RTMAX-1"), SIGRTMAX - 1);
    assert_int_equal(signal_from_name("RTMIN+99"), -ERANGE);
    assert_int_equal(signal_from_name("RTMIN-1"), -EINVAL);
    assert_int_equal(signal_from_name("RTMIN+ 1"), -EINVAL);
    assert_int_equal(signal_from_name("0"), -ERANGE);
    assert_int_equal(signal_from_name("65"), -ERANGE);
    assert_int_equal(signal_from_name("term"), -EINVAL);
    assert_int_equal(signal_from_name(""), -EINVAL);
    /* names and numbers of `systemctl kill --signal=list` */
    assert_string_equal(signal_name(SIGRTMIN), "RTMIN+0");
    assert_string_equal(signal_name(32), "32");
    assert_string_equal(signal_name(29), "IO");
    assert_string_equal(signal_name(16), "STKFLT");
    for (int i = 1; i <= SIGRTMAX; i++)
        if (signal_from_name(signal_name(i)) != i)
            fail_msg("%d is %s", i, signal_name(i));
}

static void errors(void **state)
{
    assert_string_equal(errno_name(ENOENT), "ENOENT");
    assert_string_equal(errno_name(-ENOENT), "ENOENT");
    assert_null(errno_name(0));
    assert_null(errno_name(41)); /* was EWOULDBLOCK on other systems */
    assert_int_equal(errno_from_name("EWOULDBLOCK"), EAGAIN);
    assert_int_equal(errno_from_name("ENOTSUP"), EOPNOTSUPP);
    assert_int_equal(errno_from_name("13"), EACCES);
    assert_int_equal(errno_from_name("enoent"), -EINVAL);
    assert_int_equal(errno_from_name("0"), -EINVAL);
    assert_int_equal(errno_from_name("4096"), -EINVAL);
    for (int i = 1; i <= EHWPOISON; i++)
        if (i != 41 && i != 58 && errno_from_name(strempty(errno_name(i))) != i)
            fail_msg("%d", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans),
        cmocka_unit_test(integers),
        cmocka_unit_test(restricted_integers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(sizes_as_text),
        cmocka_unit_test(parts_of_ten_thousand),
        cmocka_unit_test(signals),
        cmocka_unit_test(errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
