/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The audit of the fastmem library has to find damage that is done on purpose,
 * and the library has to survive it until it is torn down.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

#define N_OBJS 800

static void *objs[N_OBJS];

/*
 * Expect the audit to fail and to say why. The damaged object's address or,
 * where it cannot know that, the size of its class has to stand in the log.
 */
static int
expect_damage(const void *obj, size_t size)
{
	char address[32], class_size[32];
	unsigned int named;
	char *text;
	int ret;

	snprintf(address, sizeof(address), "%p", obj);
	snprintf(class_size, sizeof(class_size), " %zu B", size);
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	ret = rte_fastmem_audit();
	text = fastmem_test_log_stop();
	named = fastmem_test_log_lines(text, address) +
		fastmem_test_log_lines(text, class_size);
	if (ret != -EFAULT || named == 0)
		printf("audit returned %d and logged:\n%s", ret, text);
	free(text);
	TEST_ASSERT_EQUAL(ret, -EFAULT, "damage was not found");
	TEST_ASSERT(named > 0, "the log names neither %p nor%s", obj,
		class_size);
	return 0;
}

/* Damage must not keep the library from being torn down and set up again. */
static int
expect_recovery(void)
{
	unsigned int i;

	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_deinit();
	free(fastmem_test_log_stop());
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0, "memzones left");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize again");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damage survived");
	for (i = 0; i < N_OBJS; i++) {
		objs[i] = rte_fastmem_alloc(fastmem_test_sizes[i % 10], 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	rte_fastmem_free_bulk(objs, N_OBJS);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damage survived");
	return fastmem_test_all_back();
}

static int
alloc_objs(unsigned int n, size_t size)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n, size, 8, 0),
		"cannot allocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged before");
	return 0;
}

static void
free_again(void *obj)
{
	rte_fastmem_free(fastmem_test_opaque(obj));
}

/* No damage, whatever was done before: in caches, depots and slabs. */
static int
test_clean(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < N_OBJS; i++) {
		size_t size = fastmem_test_sizes[i % 14];

		objs[n] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[n], "cannot allocate");
		n++;
		if (i % 3 == 0)
			rte_fastmem_free(objs[--n]);
		if (i % 100 == 0) {
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "step %u", i);
			rte_fastmem_cache_flush();
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "step %u", i);
		}
	}
	/* it has changed nothing */
	rte_fastmem_free_bulk(objs, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "at the end");
	return fastmem_test_all_back();
}

static int
test_double_free_in_cache(void)
{
	static const size_t sizes[] = { 8, 64, 4096, 65536 };
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		if (alloc_objs(5, sizes[i]) != 0)
			return TEST_FAILED;
		rte_fastmem_free(objs[0]);
		rte_fastmem_free(objs[1]);
		free_again(objs[0]);
		if (expect_damage(objs[0], sizes[i]) != 0 ||
				expect_recovery() != 0)
			TEST_ASSERT(0, "class %zu", sizes[i]);
	}
	return TEST_SUCCESS;
}

static int
free_two(void *arg)
{
	void **ptrs = arg;

	rte_fastmem_free(ptrs[0]);
	rte_fastmem_free(ptrs[1]);
	return 0;
}

/* Once here and once by a thread that puts it into the depot. */
static int
test_double_free_in_depot(void)
{
	if (alloc_objs(5, 256) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(free_two, objs), "thread");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "no damage so far");
	free_again(objs[1]);
	if (expect_damage(objs[1], 256) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* Twice by threads, with a full magazine between. */
static int
test_double_free_far_apart(void)
{
	unsigned int i;

	if (alloc_objs(N_OBJS, 128) != 0)
		return TEST_FAILED;
	for (i = 0; i < N_OBJS; i++)
		rte_fastmem_free(objs[i]);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "no damage so far");
	free_again(objs[0]);
	if (expect_damage(objs[0], 128) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* The first free has reached the slab, the second stays in the cache. */
static int
test_double_free_of_slab(void)
{
	if (alloc_objs(5, 512) != 0)
		return TEST_FAILED;
	rte_fastmem_free(objs[0]);
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "no damage so far");
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	free_again(objs[0]);
	free(fastmem_test_log_stop());
	if (expect_damage(objs[0], 512) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* Both have reached the slab: a flush may not make an object of it twice. */
static int
test_double_free_flushed(void)
{
	unsigned int lines;
	char *text;

	if (alloc_objs(5, 1024) != 0)
		return TEST_FAILED;
	rte_fastmem_free(objs[0]);
	free_again(objs[0]);
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_cache_flush();
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT(lines > 0, "slab took an object twice");
	/* what is counted no longer agrees with what is there */
	if (expect_damage(objs[0], 1024) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* The same with nothing else in use: more objects freed than allocated. */
static int
test_double_free_of_only_object(void)
{
	if (alloc_objs(1, 1024) != 0)
		return TEST_FAILED;
	rte_fastmem_free(objs[0]);
	free_again(objs[0]);
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_cache_flush();
	free(fastmem_test_log_stop());
	if (expect_damage(objs[0], 1024) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* A slot of a slab that nobody has been given. */
static int
test_free_beyond_carved(void)
{
	uintptr_t last;

	if (alloc_objs(5, 64) != 0)
		return TEST_FAILED;
	last = RTE_ALIGN_FLOOR((uintptr_t)objs[0], FASTMEM_TEST_SLAB_SIZE) +
		FASTMEM_TEST_SLAB_SIZE / 2;
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	free_again((void *)last);
	free(fastmem_test_log_stop());
	if (expect_damage((void *)last, 64) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

static int
check_wrong_handle(size_t size, size_t other, bool bulk)
{
	rte_fastmem_handle_t handle;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(other, 8, SOCKET_ID_ANY,
		&handle), "no handle");
	if (alloc_objs(5, size) != 0)
		return -1;
	if (bulk)
		rte_fastmem_hfree_bulk(handle, objs, 3);
	else
		rte_fastmem_hfree(handle, objs[0]);
	if (expect_damage(objs[0], size) != 0)
		return -1;
	return expect_recovery();
}

static int
test_wrong_handle(void)
{
	static const size_t sizes[] = { 8, 64, 128, 4096, 131072 };
	unsigned int i, j;

	for (i = 0; i < RTE_DIM(sizes); i++)
		for (j = 0; j < RTE_DIM(sizes); j++)
			if (i != j && check_wrong_handle(sizes[i], sizes[j],
					(i + j) % 2) != 0)
				TEST_ASSERT(0, "%zu B freed as %zu B",
					sizes[i], sizes[j]);
	return TEST_SUCCESS;
}

/* Objects that are not aligned, freed by a handle of those that are. */
static int
test_wrong_alignment(void)
{
	static const size_t sizes[] = { 128, 4096, 16384 };
	rte_fastmem_handle_t handle;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(sizes[i], sizes[i],
			SOCKET_ID_ANY, &handle), "no handle");
		if (alloc_objs(5, sizes[i]) != 0)
			return TEST_FAILED;
		rte_fastmem_hfree(handle, objs[0]);
		if (expect_damage(objs[0], sizes[i]) != 0 ||
				expect_recovery() != 0)
			TEST_ASSERT(0, "class %zu", sizes[i]);
	}
	return TEST_SUCCESS;
}

/* Twice, by handles for any alignment and for its own. */
static int
test_double_free_aligned(void)
{
	rte_fastmem_handle_t plain, aligned;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(1024, 8, SOCKET_ID_ANY,
			&plain), "no handle");
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(1024, 1024,
			SOCKET_ID_ANY, &aligned), "no handle");
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, 5, 1024, 1024,
			0), "cannot allocate");
		rte_fastmem_hfree(plain, objs[0]);
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "no damage so far");
		if (i >= 2)
			rte_fastmem_cache_flush();
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "no damage so far");
		rte_fastmem_hfree(i % 2 == 0 ? plain : aligned,
			fastmem_test_opaque(objs[0]));
		if (expect_damage(objs[0], 1024) != 0 || expect_recovery() != 0)
			TEST_ASSERT(0, "way %u", i);
	}
	return TEST_SUCCESS;
}

/*
 * Where the shift of objects starts over, a place of a slab is lost. Its start
 * looks like that of an object.
 */
static int
test_free_lost_place(void)
{
	uintptr_t slab;
	void *lost;
	size_t size;

	for (size = 128; size <= 2048; size *= 2) {
		if (alloc_objs(600, size) != 0)
			return TEST_FAILED;
		slab = RTE_ALIGN_FLOOR((uintptr_t)objs[0],
			FASTMEM_TEST_SLAB_SIZE);
		lost = (void *)(slab + 512 * size - 64);
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(lost), 0,
			"%p of %zu B has a size", lost, size);
		TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "no log");
		free_again(lost);
		free(fastmem_test_log_stop());
		if (expect_damage(lost, size) != 0 || expect_recovery() != 0)
			TEST_ASSERT(0, "class %zu", size);
	}
	return TEST_SUCCESS;
}

/* The same with a handle of the class, but of another socket. */
static int
test_wrong_socket(void)
{
	rte_fastmem_handle_t handle;
	int socket_id = -1;
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++)
		if (rte_socket_id_by_idx(i) != fastmem_test_socket())
			socket_id = rte_socket_id_by_idx(i);
	if (socket_id < 0) {
		printf("one socket only, skipped\n");
		return TEST_SKIPPED;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(256, 8, socket_id, &handle),
		"no handle");
	if (alloc_objs(5, 256) != 0)
		return TEST_FAILED;
	rte_fastmem_hfree(handle, objs[0]);
	if (expect_damage(objs[0], 256) != 0)
		return TEST_FAILED;
	return expect_recovery();
}

/* A freed object that is used on: its owner may do no harm to bookkeeping. */
static int
test_use_after_free(void)
{
	unsigned int i;

	if (alloc_objs(N_OBJS, 64) != 0)
		return TEST_FAILED;
	fastmem_test_free_all(objs, N_OBJS);
	rte_fastmem_cache_flush();
	for (i = 0; i < N_OBJS; i++)
		memset(fastmem_test_opaque(objs[i]), 0xff, 64);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "bookkeeping in objects");
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, N_OBJS, 64, 8, 0),
		"cannot allocate");
	for (i = 0; i < N_OBJS; i++)
		memset(objs[i], 0x11, 64);
	fastmem_test_free_all(objs, N_OBJS);
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_audit_testsuite = {
	.suite_name = "fastmem audit",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_clean),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_use_after_free),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_in_cache),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_in_depot),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_far_apart),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_of_slab),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_flushed),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_of_only_object),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_free_beyond_carved),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_wrong_handle),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_wrong_socket),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_wrong_alignment),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_double_free_aligned),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_damaged,
			test_free_lost_place),
		TEST_CASES_END()
	}
};

static int
test_fastmem_audit(void)
{
	return fastmem_test_run(&fastmem_audit_testsuite);
}

REGISTER_FAST_TEST(fastmem_audit_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_audit);
