/* unit/condition-private.h -- the tests behind conditions, one for each kind, in the files
 * condition-path.c and condition-system.c. Each returns 1, 0, or a negative errno; "!" is not
 * their business. */
#pragma once

#include "unit/condition.h"

typedef int (*condition_test)(const char *parameter, const struct condition_context *ctx);

/* condition-path.c */
int test_path_exists(const char *parameter, const struct condition_context *ctx);
int test_path_exists_glob(const char *parameter, const struct condition_context *ctx);
int test_path_is_directory(const char *parameter, const struct condition_context *ctx);
int test_path_is_symbolic_link(const char *parameter, const struct condition_context *ctx);
int test_path_is_mount_point(const char *parameter, const struct condition_context *ctx);
int test_path_is_read_write(const char *parameter, const struct condition_context *ctx);
int test_path_is_encrypted(const char *parameter, const struct condition_context *ctx);
int test_directory_not_empty(const char *parameter, const struct condition_context *ctx);
int test_file_not_empty(const char *parameter, const struct condition_context *ctx);
int test_file_is_executable(const char *parameter, const struct condition_context *ctx);
int test_needs_update(const char *parameter, const struct condition_context *ctx);
int test_first_boot(const char *parameter, const struct condition_context *ctx);
int test_credential(const char *parameter, const struct condition_context *ctx);

/* condition-system.c */
int test_architecture(const char *parameter, const struct condition_context *ctx);
int test_firmware(const char *parameter, const struct condition_context *ctx);
int test_virtualization(const char *parameter, const struct condition_context *ctx);
int test_host(const char *parameter, const struct condition_context *ctx);
int test_kernel_command_line(const char *parameter, const struct condition_context *ctx);
int test_kernel_version(const char *parameter, const struct condition_context *ctx);
int test_security(const char *parameter, const struct condition_context *ctx);
int test_capability(const char *parameter, const struct condition_context *ctx);
int test_ac_power(const char *parameter, const struct condition_context *ctx);
int test_user(const char *parameter, const struct condition_context *ctx);
int test_group(const char *parameter, const struct condition_context *ctx);
int test_control_group_controller(const char *parameter, const struct condition_context *ctx);
int test_cpus(const char *parameter, const struct condition_context *ctx);
int test_memory(const char *parameter, const struct condition_context *ctx);
int test_environment(const char *parameter, const struct condition_context *ctx);
int test_cpu_feature(const char *parameter, const struct condition_context *ctx);
int test_os_release(const char *parameter, const struct condition_context *ctx);
int test_memory_pressure(const char *parameter, const struct condition_context *ctx);
int test_cpu_pressure(const char *parameter, const struct condition_context *ctx);
int test_io_pressure(const char *parameter, const struct condition_context *ctx);

/* Takes a comparison ("<", "<=", "=", "==", "!=", "<>", ">=", ">"; with `patterns` also "=$" and
 * "!=$", shell patterns) off *p; COMPARE_NONE if there is none. */
enum comparison {
    COMPARE_NONE,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_EQUAL,
    COMPARE_UNEQUAL,
    COMPARE_GREATER_EQUAL,
    COMPARE_GREATER,
    COMPARE_PATTERN,
    COMPARE_NO_PATTERN,
};
enum comparison comparison_take(const char **p, bool patterns);
/* Whether `order` (negative, 0, positive) is what the comparison asks for. */
bool comparison_holds(enum comparison c, int order);
