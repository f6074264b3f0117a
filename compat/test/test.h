/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef _TEST_H_
#define _TEST_H_

/*
 * What the unit tests use of DPDK's app/test/test.h, for the test application
 * that is built beside an installed DPDK.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_debug.h>
#include <rte_hexdump.h>
#include <rte_lcore.h>
#include <rte_log.h>

#define TEST_SUCCESS 0
#define TEST_FAILED (-1)
#define TEST_SKIPPED 77

#ifndef TEST_TRACE_FAILURE
#define TEST_TRACE_FAILURE(file, line, func)
#endif

/* Not every release installs rte_test.h, which has these for DPDK. */
#define TEST_ASSERT(cond, msg, ...) do { \
	if (!(cond)) { \
		RTE_LOG(ERR, USER1, "Test assert %s line %d failed: " msg "\n", \
			__func__, __LINE__, ##__VA_ARGS__); \
		TEST_TRACE_FAILURE(__FILE__, __LINE__, __func__); \
		return TEST_FAILED; \
	} \
} while (0)

#define TEST_ASSERT_EQUAL(a, b, msg, ...) \
	TEST_ASSERT((a) == (b), msg, ##__VA_ARGS__)
#define TEST_ASSERT_NOT_EQUAL(a, b, msg, ...) \
	TEST_ASSERT((a) != (b), msg, ##__VA_ARGS__)
#define TEST_ASSERT_SUCCESS(val, msg, ...) \
	TEST_ASSERT((val) == 0, msg, ##__VA_ARGS__)
#define TEST_ASSERT_FAIL(val, msg, ...) \
	TEST_ASSERT((val) != 0, msg, ##__VA_ARGS__)
#define TEST_ASSERT_NULL(val, msg, ...) \
	TEST_ASSERT((val) == NULL, msg, ##__VA_ARGS__)
#define TEST_ASSERT_NOT_NULL(val, msg, ...) \
	TEST_ASSERT((val) != NULL, msg, ##__VA_ARGS__)

#define TEST_ASSERT_BUFFERS_ARE_EQUAL(a, b, len, msg, ...) \
	TEST_ASSERT(memcmp((a), (b), (len)) == 0, msg, ##__VA_ARGS__)

struct unit_test_case {
	int (*setup)(void);
	void (*teardown)(void);
	int (*testcase)(void);
	int (*testcase_with_data)(const void *data);
	const char *name;
	unsigned int enabled;
	const void *data;
};

#define TEST_CASE(fn) \
	{ NULL, NULL, fn, NULL, #fn, 1, NULL }
#define TEST_CASE_NAMED(name, fn) \
	{ NULL, NULL, fn, NULL, name, 1, NULL }
#define TEST_CASE_ST(setup, teardown, fn) \
	{ setup, teardown, fn, NULL, #fn, 1, NULL }
#define TEST_CASE_WITH_DATA(setup, teardown, fn, data) \
	{ setup, teardown, NULL, fn, #fn, 1, data }
#define TEST_CASE_NAMED_ST(name, setup, teardown, fn) \
	{ setup, teardown, fn, NULL, name, 1, NULL }
#define TEST_CASE_NAMED_WITH_DATA(name, setup, teardown, fn, data) \
	{ setup, teardown, NULL, fn, name, 1, data }
#define TEST_CASE_DISABLED(fn) \
	{ NULL, NULL, fn, NULL, #fn, 0, NULL }
#define TEST_CASE_ST_DISABLED(setup, teardown, fn) \
	{ setup, teardown, fn, NULL, #fn, 0, NULL }
#define TEST_CASES_END() \
	{ NULL, NULL, NULL, NULL, NULL, 0, NULL }

struct unit_test_suite {
	const char *suite_name;
	int (*setup)(void);
	void (*teardown)(void);
	unsigned int total;
	unsigned int executed;
	unsigned int succeeded;
	unsigned int skipped;
	unsigned int failed;
	unsigned int unsupported;
	struct unit_test_suite **unit_test_suites;
	struct unit_test_case unit_test_cases[];
};

int unit_test_suite_runner(struct unit_test_suite *suite);

extern int last_test_result;
extern const char *prgname;

/* The name of an action that a second instance of the program shall take. */
#define RECURSIVE_ENV_VAR "RTE_TEST_RECURSIVE"

typedef int (test_callback)(void);

TAILQ_HEAD(test_commands_list, test_command);

struct test_command {
	TAILQ_ENTRY(test_command) next;
	const char *command;
	test_callback *callback;
};

void add_test_command(struct test_command *t);
void add_test_action(struct test_command *t);

#define REGISTER_TEST_COMMAND(cmd, func) \
	static struct test_command test_struct_##cmd = { \
		.command = RTE_STR(cmd), \
		.callback = func, \
	}; \
	RTE_INIT(test_register_##cmd) \
	{ \
		add_test_command(&test_struct_##cmd); \
	}

/*
 * Register what an instance of the program does that is started with the
 * action's name in RECURSIVE_ENV_VAR. DPDK lists these in its test.c instead.
 */
#define REGISTER_TEST_ACTION(action, func) \
	static struct test_command test_action_##action = { \
		.command = RTE_STR(action), \
		.callback = func, \
	}; \
	RTE_INIT(test_action_register_##action) \
	{ \
		add_test_action(&test_action_##action); \
	}

#include "test_fastmem_compat.h"

#endif /* _TEST_H_ */
