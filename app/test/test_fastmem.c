/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The contract of rte_fastmem.h, function by function. Statistics, shortage
 * of memory, threads and processes have tests of their own.
 */

#include "test_fastmem_util.h"

static int
test_fastmem(void)
{
	struct unit_test_suite *suites[] = {
		&fastmem_api_testsuite,
		&fastmem_misuse_testsuite,
		&fastmem_object_testsuite,
		&fastmem_color_testsuite,
		&fastmem_kin_testsuite,
		&fastmem_bulk_testsuite,
		&fastmem_bulk_slabs_testsuite,
		&fastmem_calls_testsuite,
		&fastmem_backing_testsuite,
	};

	return fastmem_test_run_all(suites, RTE_DIM(suites));
}

REGISTER_FAST_TEST(fastmem_autotest, NOHUGE_OK, ASAN_OK, test_fastmem);
