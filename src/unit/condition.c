#include "unit/condition.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "unit/condition-private.h"

static const condition_test tests[CONDITION_TYPE_MAX] = {
    [CONDITION_ARCHITECTURE] = test_architecture,
    [CONDITION_FIRMWARE] = test_firmware,
    [CONDITION_VIRTUALIZATION] = test_virtualization,
    [CONDITION_HOST] = test_host,
    [CONDITION_KERNEL_COMMAND_LINE] = test_kernel_command_line,
    [CONDITION_KERNEL_VERSION] = test_kernel_version,
    [CONDITION_CREDENTIAL] = test_credential,
    [CONDITION_SECURITY] = test_security,
    [CONDITION_CAPABILITY] = test_capability,
    [CONDITION_AC_POWER] = test_ac_power,
    [CONDITION_NEEDS_UPDATE] = test_needs_update,
    [CONDITION_FIRST_BOOT] = test_first_boot,
    [CONDITION_PATH_EXISTS] = test_path_exists,
    [CONDITION_PATH_EXISTS_GLOB] = test_path_exists_glob,
    [CONDITION_PATH_IS_DIRECTORY] = test_path_is_directory,
    [CONDITION_PATH_IS_SYMBOLIC_LINK] = test_path_is_symbolic_link,
    [CONDITION_PATH_IS_MOUNT_POINT] = test_path_is_mount_point,
    [CONDITION_PATH_IS_READ_WRITE] = test_path_is_read_write,
    [CONDITION_PATH_IS_ENCRYPTED] = test_path_is_encrypted,
    [CONDITION_DIRECTORY_NOT_EMPTY] = test_directory_not_empty,
    [CONDITION_FILE_NOT_EMPTY] = test_file_not_empty,
    [CONDITION_FILE_IS_EXECUTABLE] = test_file_is_executable,
    [CONDITION_USER] = test_user,
    [CONDITION_GROUP] = test_group,
    [CONDITION_CONTROL_GROUP_CONTROLLER] = test_control_group_controller,
    [CONDITION_CPUS] = test_cpus,
    [CONDITION_MEMORY] = test_memory,
    [CONDITION_ENVIRONMENT] = test_environment,
    [CONDITION_CPU_FEATURE] = test_cpu_feature,
    [CONDITION_OS_RELEASE] = test_os_release,
    [CONDITION_MEMORY_PRESSURE] = test_memory_pressure,
    [CONDITION_CPU_PRESSURE] = test_cpu_pressure,
    [CONDITION_IO_PRESSURE] = test_io_pressure,
};

void conditions_free(struct condition *list)
{
    while (list) {
        struct condition *next = list->next;

        free(list->parameter);
        free(list);
        list = next;
    }
}

int conditions_copy(const struct condition *list, struct condition **ret)
{
    struct condition *head = NULL, **end = &head;

    for (; list; list = list->next) {
        struct condition *c = new0(struct condition, 1);

        if (c) {
            *c = *list;
            c->next = NULL;
            c->parameter = strdup(list->parameter);
        }
        if (!c || !c->parameter) {
            free(c);
            conditions_free(head);
            return -ENOMEM;
        }
        *end = c;
        end = &c->next;
    }
    *ret = head;
    return 0;
}

int condition_evaluate(struct condition *c, const struct condition_context *ctx)
{
    static const struct condition_context here;
    int r = tests[c->type](c->parameter, ctx ? ctx : &here);

    if (r < 0) {
        c->result = -2;
        return r;
    }
    c->result = (r > 0) != c->negate;
    return c->result;
}

int conditions_evaluate(struct condition *list, bool asserts, const struct condition_context *ctx,
                        const struct condition **ret_failed)
{
    const struct condition *failed_trigger = NULL;
    bool triggered = false;

    for (struct condition *c = list; c; c = c->next)
        if (c->is_assert == asserts)
            c->result = -1;
    for (struct condition *c = list; c; c = c->next) {
        if (c->is_assert != asserts)
            continue;
        bool holds = condition_evaluate(c, ctx) > 0;
        if (!c->trigger && !holds) {
            if (ret_failed)
                *ret_failed = c;
            return 0;
        }
        triggered = triggered || (c->trigger && holds);
        if (c->trigger && !holds)
            failed_trigger = c;
    }
    if (!failed_trigger || triggered)
        return 1;
    if (ret_failed)
        *ret_failed = failed_trigger;
    return 0;
}

char *condition_format(const struct condition *c)
{
    return format("%s%s=%s%s%s", c->is_assert ? "Assert" : "Condition",
                  condition_type_to_string(c->type), c->trigger ? "|" : "", c->negate ? "!" : "",
                  c->parameter);
}

enum comparison comparison_take(const char **p, bool patterns)
{
    /* Longer ones before their beginnings. */
    static const struct {
        const char *text;
        enum comparison c;
        bool pattern;
    } all[] = { { "!$=", COMPARE_NO_PATTERN, true }, { "$=", COMPARE_PATTERN, true },
                { "<=", COMPARE_LESS_EQUAL, false }, { "<>", COMPARE_UNEQUAL, false },
                { "<", COMPARE_LESS, false },        { ">=", COMPARE_GREATER_EQUAL, false },
                { ">", COMPARE_GREATER, false },     { "==", COMPARE_EQUAL, false },
                { "=", COMPARE_EQUAL, false },       { "!=", COMPARE_UNEQUAL, false } };

    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        const char *rest = startswith(*p, all[i].text);

        if (rest && (patterns || !all[i].pattern)) {
            *p = rest;
            return all[i].c;
        }
    }
    return COMPARE_NONE;
}

bool comparison_holds(enum comparison c, int order)
{
    switch (c) {
    case COMPARE_LESS:
        return order < 0;
    case COMPARE_LESS_EQUAL:
        return order <= 0;
    case COMPARE_EQUAL:
    case COMPARE_NONE:
    case COMPARE_PATTERN:
        return order == 0;
    case COMPARE_UNEQUAL:
    case COMPARE_NO_PATTERN:
        return order != 0;
    case COMPARE_GREATER_EQUAL:
        return order >= 0;
    case COMPARE_GREATER:
        return order > 0;
    }
    assert_unreachable();
}

static bool is_version_char(char c)
{
    return isalnum((unsigned char) c) || (c && strchr("~-^.", c));
}

/* Where one of the versions has the separator and the other has not, in this order of rank. */
static int separator_order(const char **a, const char **b, char separator)
{
    bool in_a = **a == separator, in_b = **b == separator;

    if (in_a && in_b) {
        (*a)++;
        (*b)++;
        return 0;
    }
    return in_a ? -1 : in_b ? 1 : 0;
}

static int number_order(const char **a, const char **b)
{
    while (**a == '0')
        (*a)++;
    while (**b == '0')
        (*b)++;
    size_t n = strspn(*a, "0123456789"), m = strspn(*b, "0123456789");
    int r = n != m ? (n < m ? -1 : 1) : strncmp(*a, *b, n);
    *a += n;
    *b += m;
    return r;
}

static int letter_order(const char **a, const char **b)
{
    size_t n = 0, m = 0;

    while (isalpha((unsigned char) (*a)[n]))
        n++;
    while (isalpha((unsigned char) (*b)[m]))
        m++;
    int r = strncmp(*a, *b, MIN(n, m));
    if (r == 0)
        r = n < m ? -1 : n > m;
    *a += n;
    *b += m;
    return r;
}

int version_order(const char *a, const char *b)
{
    for (;;) {
        while (*a && !is_version_char(*a))
            a++;
        while (*b && !is_version_char(*b))
            b++;
        int r = separator_order(&a, &b, '~');
        if (r != 0)
            return r;
        if (!*a || !*b)
            return !*a && !*b ? 0 : !*a ? -1 : 1;
        r = separator_order(&a, &b, '-');
        if (r == 0)
            r = separator_order(&a, &b, '^');
        if (r == 0)
            r = separator_order(&a, &b, '.');
        if (r != 0)
            return r;
        if (isdigit((unsigned char) *a) || isdigit((unsigned char) *b))
            r = number_order(&a, &b);
        else
            r = letter_order(&a, &b);
        if (r != 0)
            return r;
    }
}
