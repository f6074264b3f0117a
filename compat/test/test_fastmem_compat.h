/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_COMPAT_H
#define TEST_FASTMEM_COMPAT_H

/*
 * Registration of tests as DPDK has it since 24.03 (26.07 for the names of the
 * arguments), in terms of what every release has. The test suites are lists in
 * app/test/meson.build in older trees, so the arguments are not needed here.
 */

#include <rte_common.h>
#include <rte_lcore.h>

#ifndef REGISTER_FAST_TEST
#define REGISTER_FAST_TEST(cmd, no_huge, asan, func) REGISTER_TEST_COMMAND(cmd, func)
#endif

#ifndef REGISTER_PERF_TEST
#define REGISTER_PERF_TEST REGISTER_TEST_COMMAND
#endif

#ifndef REGISTER_STRESS_TEST
#define REGISTER_STRESS_TEST REGISTER_TEST_COMMAND
#endif

/* A function in DPDK, of the same effect. */
#ifndef test_scale_iterations
#define test_scale_iterations(base, min) \
	RTE_MAX((unsigned int)(base) / rte_lcore_count(), (unsigned int)(min))
#endif

/* Older ones compare their arguments without parentheses around them. */
#ifdef RTE_TEST_ASSERT_EQUAL
#undef RTE_TEST_ASSERT_EQUAL
#define RTE_TEST_ASSERT_EQUAL(a, b, ...) RTE_TEST_ASSERT((a) == (b), __VA_ARGS__)
#undef RTE_TEST_ASSERT_NOT_EQUAL
#define RTE_TEST_ASSERT_NOT_EQUAL(a, b, ...) RTE_TEST_ASSERT((a) != (b), __VA_ARGS__)
#undef RTE_TEST_ASSERT_SUCCESS
#define RTE_TEST_ASSERT_SUCCESS(val, ...) RTE_TEST_ASSERT((val) == 0, __VA_ARGS__)
#undef RTE_TEST_ASSERT_FAIL
#define RTE_TEST_ASSERT_FAIL(val, ...) RTE_TEST_ASSERT((val) != 0, __VA_ARGS__)
#undef RTE_TEST_ASSERT_NULL
#define RTE_TEST_ASSERT_NULL(val, ...) RTE_TEST_ASSERT((val) == NULL, __VA_ARGS__)
#undef RTE_TEST_ASSERT_NOT_NULL
#define RTE_TEST_ASSERT_NOT_NULL(val, ...) RTE_TEST_ASSERT((val) != NULL, __VA_ARGS__)
#endif

#endif /* TEST_FASTMEM_COMPAT_H */
