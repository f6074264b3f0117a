/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdio.h>

#include "test.h"

/*
 * The runner of suites of test cases, with the rules of DPDK's: a setup that
 * does not succeed decides the result of its case (of all cases, if it is the
 * suite's), the teardown runs in any case, and only a case that ran to its end
 * counts as executed.
 */

#define RULE " + ------------------------------------------------------- +\n"

static bool
case_is_end(const struct unit_test_case *tc)
{
	return tc->testcase == NULL && tc->testcase_with_data == NULL;
}

static bool
suite_is_end(const struct unit_test_suite *ts)
{
	return ts == NULL || ts->suite_name == NULL;
}

static void
suite_add(struct unit_test_suite *sum, const struct unit_test_suite *ts)
{
	sum->total += ts->total;
	sum->executed += ts->executed;
	sum->succeeded += ts->succeeded;
	sum->skipped += ts->skipped;
	sum->failed += ts->failed;
	sum->unsupported += ts->unsupported;
}

static void
suite_reset(struct unit_test_suite *suite)
{
	suite->total = 0;
	suite->executed = 0;
	suite->succeeded = 0;
	suite->skipped = 0;
	suite->failed = 0;
	suite->unsupported = 0;
}

static const char *
suite_count(struct unit_test_suite *suite, int result)
{
	switch (result) {
	case TEST_SUCCESS:
		suite->executed++;
		suite->succeeded++;
		return "succeeded";
	case TEST_SKIPPED:
		suite->skipped++;
		return "skipped";
	case -ENOTSUP:
		suite->unsupported++;
		return "unsupported";
	default:
		suite->executed++;
		suite->failed++;
		return "failed";
	}
}

/* Count all cases of a suite whose setup did not succeed. */
static void
suite_count_unrun(struct unit_test_suite *suite, int result)
{
	const struct unit_test_case *tc;
	unsigned int i;

	for (tc = suite->unit_test_cases; !case_is_end(tc); tc++) {
		suite->total++;
		if (!tc->enabled || result == TEST_SKIPPED)
			suite->skipped++;
		else
			suite->failed++;
	}

	if (suite->unit_test_suites == NULL)
		return;
	for (i = 0; !suite_is_end(suite->unit_test_suites[i]); i++) {
		suite_reset(suite->unit_test_suites[i]);
		suite_count_unrun(suite->unit_test_suites[i], result);
		suite_add(suite, suite->unit_test_suites[i]);
	}
}

static int
case_run(const struct unit_test_case *tc)
{
	int result = TEST_SUCCESS;

	if (tc->setup != NULL)
		result = tc->setup();
	if (result == TEST_SUCCESS)
		result = tc->testcase != NULL ? tc->testcase() :
			tc->testcase_with_data(tc->data);
	if (tc->teardown != NULL)
		tc->teardown();

	return result;
}

static void
suite_run(struct unit_test_suite *suite)
{
	const struct unit_test_case *tc;
	unsigned int i;
	int result;

	for (tc = suite->unit_test_cases; !case_is_end(tc); tc++) {
		if (!tc->enabled) {
			suite->total++;
			suite->skipped++;
			continue;
		}
		result = case_run(tc);
		printf(" + TestCase [%2u] : %s %s\n", suite->total, tc->name,
			suite_count(suite, result));
		fflush(stdout);
		suite->total++;
	}

	if (suite->unit_test_suites == NULL)
		return;
	for (i = 0; !suite_is_end(suite->unit_test_suites[i]); i++) {
		unit_test_suite_runner(suite->unit_test_suites[i]);
		suite_add(suite, suite->unit_test_suites[i]);
	}
}

int
unit_test_suite_runner(struct unit_test_suite *suite)
{
	int result = TEST_SUCCESS;

	suite_reset(suite);
	printf(RULE " + Test Suite : %s\n" RULE, suite->suite_name);

	if (suite->setup != NULL)
		result = suite->setup();
	if (result == TEST_SUCCESS) {
		suite_run(suite);
		if (suite->teardown != NULL)
			suite->teardown();
	} else {
		suite_count_unrun(suite, result);
	}

	printf(RULE " + Test Suite Summary : %s\n" RULE
		" + Tests Total :       %2u\n"
		" + Tests Skipped :     %2u\n"
		" + Tests Executed :    %2u\n"
		" + Tests Unsupported:  %2u\n"
		" + Tests Passed :      %2u\n"
		" + Tests Failed :      %2u\n" RULE,
		suite->suite_name, suite->total, suite->skipped,
		suite->executed, suite->unsupported, suite->succeeded,
		suite->failed);
	fflush(stdout);

	last_test_result = suite->failed;

	if (suite->failed > 0)
		return TEST_FAILED;
	if (suite->skipped == suite->total)
		return TEST_SKIPPED;
	return TEST_SUCCESS;
}
