/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Pools of fastmem in the place of mempools: one source compiled for both does
 * the same with each. What only fastmem's have is tested here.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include <rte_fastmem_mempool.h>

#include "test_fastmem_pool.h"
#include "test_fastmem_util.h"

#define N_POOLS 64
#define N_OBJS 3000

static struct rte_fastmem_mempool *pools[N_POOLS];
static void *objs[N_OBJS];

/* Both have seen the same. */
static int
compare(const struct fastmem_pool_notes *mempool,
	const struct fastmem_pool_notes *fastmem)
{
	unsigned int i;

	TEST_ASSERT(mempool->n <= FASTMEM_POOL_MAX_NOTES, "too many notes");
	TEST_ASSERT_EQUAL(mempool->n, fastmem->n, "%u and %u notes",
		mempool->n, fastmem->n);
	for (i = 0; i < mempool->n; i++)
		TEST_ASSERT(mempool->list[i].value == fastmem->list[i].value,
			"note %u, %s: %" PRIu64 " of mempool, %" PRIu64
			" of fastmem", i, mempool->list[i].what,
			mempool->list[i].value, fastmem->list[i].value);
	return 0;
}

static int
test_borders(void)
{
	struct fastmem_pool_notes mempool = { 0 }, fastmem = { 0 };

	TEST_ASSERT_SUCCESS(fastmem_pool_mempool.borders(&mempool),
		"mempool fails");
	TEST_ASSERT_SUCCESS(fastmem_pool_fastmem.borders(&fastmem),
		"fastmem fails");
	TEST_ASSERT(mempool.n > 20, "%u notes only", mempool.n);
	if (compare(&mempool, &fastmem) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_life(void)
{
	static const struct {
		unsigned int n, elt_size, cache_size, flags;
	} params[] = {
		{ 1, 24, 0, 0 },
		{ 1, 24, 0, RTE_MEMPOOL_F_NO_CACHE_ALIGN },
		{ 7, 24, 2, 0 },
		{ 100, 72, 16, RTE_MEMPOOL_F_NO_CACHE_ALIGN },
		{ 777, 200, 0, 0 },
		{ 2000, 64, 512, RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET },
		{ 5000, 24, 250, RTE_MEMPOOL_F_NO_CACHE_ALIGN },
		{ 40, 9000, 20, 0 },
	};
	struct fastmem_pool_notes mempool, fastmem;
	unsigned int i;

	for (i = 0; i < RTE_DIM(params); i++) {
		memset(&mempool, 0, sizeof(mempool));
		memset(&fastmem, 0, sizeof(fastmem));
		TEST_ASSERT_SUCCESS(fastmem_pool_mempool.life(&mempool,
			params[i].n, params[i].elt_size, params[i].cache_size,
			params[i].flags), "%u: mempool fails", i);
		TEST_ASSERT_SUCCESS(fastmem_pool_fastmem.life(&fastmem,
			params[i].n, params[i].elt_size, params[i].cache_size,
			params[i].flags), "%u: fastmem fails", i);
		TEST_ASSERT(mempool.n > 20, "%u notes only", mempool.n);
		if (compare(&mempool, &fastmem) != 0)
			return TEST_FAILED;
	}
	return fastmem_test_all_back();
}

static int
test_token(void)
{
	TEST_ASSERT_SUCCESS(fastmem_pool_mempool.token(), "mempool fails");
	TEST_ASSERT_SUCCESS(fastmem_pool_fastmem.token(), "fastmem fails");
	return fastmem_test_all_back();
}

static int
test_stress(void)
{
	unsigned int cache_sizes[] = { 0, 1, 32, 256 }, i;

	for (i = 0; i < RTE_DIM(cache_sizes); i++) {
		TEST_ASSERT_SUCCESS(fastmem_pool_mempool.stress(cache_sizes[i]),
			"mempool fails, cache of %u", cache_sizes[i]);
		TEST_ASSERT_SUCCESS(fastmem_pool_fastmem.stress(cache_sizes[i]),
			"fastmem fails, cache of %u", cache_sizes[i]);
	}
	return fastmem_test_all_back();
}

/* Not judged: the machine may have other things to do. */
static int
test_cycles(void)
{
	struct fastmem_pool_cycles mempool, fastmem;

	mempool = fastmem_pool_mempool.cycles();
	fastmem = fastmem_pool_fastmem.cycles();
	TEST_ASSERT(mempool.single > 0 && mempool.bulk > 0, "mempool is empty");
	TEST_ASSERT(fastmem.single > 0 && fastmem.bulk > 0, "fastmem is empty");
	printf("TSC cycles of get + put per object, mempool / fastmem: %.1f / %.1f, in bulks of 32 %.2f / %.2f\n",
		mempool.single, fastmem.single, mempool.bulk, fastmem.bulk);
	return TEST_SUCCESS;
}

/* The library is initialized by the first pool. */
static int
test_init(void)
{
	struct rte_fastmem_mempool *mp;

	rte_fastmem_deinit();
	mp = rte_fastmem_mempool_lookup("init");
	TEST_ASSERT(mp == NULL && rte_errno == ENOENT, "found, errno %d",
		rte_errno);
	mp = rte_fastmem_mempool_create("init", 10, 64, 0, 0, NULL, NULL, NULL,
		NULL, SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool: %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_init(), -EBUSY, "not initialized");
	rte_fastmem_mempool_free(mp);
	return fastmem_test_all_back();
}

static struct rte_fastmem_mempool *
create(const char *name, unsigned int n, unsigned int elt_size,
	unsigned int private_data_size, int socket_id)
{
	rte_errno = 0;
	return rte_fastmem_mempool_create(name, n, elt_size, 0,
		private_data_size, NULL, NULL, NULL, NULL, socket_id, 0);
}

/* What is refused, and leaves nothing behind. */
static int
test_limits(void)
{
	int missing = fastmem_test_missing_socket();
	struct rte_fastmem_mempool *mp;
	unsigned int i;
	char name[16];

	TEST_ASSERT(create("a", 1, RTE_FASTMEM_MEMPOOL_CACHE_MAX_SIZE <<
		12, 0, SOCKET_ID_ANY) == NULL && rte_errno == E2BIG,
		"2 MiB: %d", rte_errno);
	TEST_ASSERT(create("a", 1, UINT32_MAX, 0, SOCKET_ID_ANY) == NULL &&
		rte_errno == E2BIG, "4 GiB: %d", rte_errno);
	TEST_ASSERT(create("a", 1, 8, 1 << 20, SOCKET_ID_ANY) == NULL &&
		rte_errno == E2BIG, "1 MiB private: %d", rte_errno);
	TEST_ASSERT(create("a", 1, 8, UINT32_MAX, SOCKET_ID_ANY) == NULL &&
		rte_errno == E2BIG, "4 GiB private: %d", rte_errno);
	TEST_ASSERT(create(NULL, 1, 8, 0, SOCKET_ID_ANY) == NULL &&
		rte_errno == EINVAL, "no name: %d", rte_errno);
	TEST_ASSERT(create("01234567890123456789012345", 1, 8, 0,
		SOCKET_ID_ANY) == NULL && rte_errno == ENAMETOOLONG,
		"26 characters: %d", rte_errno);
	TEST_ASSERT(create("", 1, 8, 0, SOCKET_ID_ANY) != NULL,
		"empty name: %d", rte_errno);
	rte_fastmem_mempool_free(rte_fastmem_mempool_lookup(""));
	if (missing >= 0)
		TEST_ASSERT(create("a", 1, 8, 0, missing) == NULL &&
			rte_errno == EINVAL, "missing socket: %d", rte_errno);
	TEST_ASSERT(rte_fastmem_mempool_lookup(NULL) == NULL &&
		rte_errno == ENOENT, "no name looked up: %d", rte_errno);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(128), 0, "a pool was left");

	for (i = 0; i < N_POOLS; i++) {
		snprintf(name, sizeof(name), "pool %u", i);
		pools[i] = create(name, 1 + i, 8 + 8 * i, i, SOCKET_ID_ANY);
		TEST_ASSERT_NOT_NULL(pools[i], "pool %u: %d", i, rte_errno);
	}
	mp = create("a", 1, 8, 0, SOCKET_ID_ANY);
	TEST_ASSERT(mp == NULL && rte_errno == ENOSPC, "one more: %d", rte_errno);
	for (i = 0; i < N_POOLS; i++) {
		snprintf(name, sizeof(name), "pool %u", i);
		TEST_ASSERT(rte_fastmem_mempool_lookup(name) == pools[i],
			"pool %u is another one", i);
		TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(pools[i], &objs[i]),
			"cannot get from pool %u", i);
		TEST_ASSERT(rte_fastmem_mempool_from_obj(objs[i]) == pools[i] &&
			rte_fastmem_mempool_in_use_count(pools[i]) == 1,
			"object of pool %u is another one's", i);
		/* there may not be memory for all of them */
		rte_fastmem_mempool_put(pools[i], objs[i]);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(pools[i]->handle),
			"cannot flush pool %u", i);
	}
	for (i = 0; i < N_POOLS; i++)
		rte_fastmem_mempool_free(pools[i]);
	return fastmem_test_all_back();
}

/* What belongs to no pool. */
static int
test_from_obj(void)
{
	const struct rte_fastmem_type_params params = {
		.name = "MP_like",
		.size = 64,
		.socket_id = SOCKET_ID_ANY,
	};
	rte_fastmem_handle_t type;
	void *obj;

	TEST_ASSERT_NULL(rte_fastmem_mempool_from_obj(NULL), "pool of NULL");
	TEST_ASSERT_NULL(rte_fastmem_mempool_from_obj(&type), "of the stack");
	obj = rte_fastmem_alloc(64, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "no memory");
	TEST_ASSERT_NULL(rte_fastmem_mempool_from_obj(obj), "of a class");
	rte_fastmem_free(obj);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_create(&params, &type), "no type");
	obj = rte_fastmem_halloc(type, 0);
	TEST_ASSERT_NOT_NULL(obj, "no memory");
	TEST_ASSERT_NULL(rte_fastmem_mempool_from_obj(obj), "of a type");
	TEST_ASSERT(rte_fastmem_mempool_lookup("like") == NULL &&
		rte_errno == ENOENT, "a type is no pool");
	rte_fastmem_hfree(type, obj);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(type), "type in use");
	return fastmem_test_all_back();
}

/* Memory follows use, and a pool that is freed leaves none behind. */
static int
test_memory(void)
{
	const size_t size = 2048;
	struct rte_fastmem_mempool *mp;
	uint64_t before, used;
	unsigned int i;

	mp = rte_fastmem_mempool_create("memory", 1000000, size, 0, 0, NULL,
		NULL, NULL, NULL, fastmem_test_socket(), 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool: %d", rte_errno);
	before = fastmem_test_backing();
	TEST_ASSERT(before <= 4 * FASTMEM_TEST_SLAB_SIZE,
		"%" PRIu64 " B for an unused pool", before);
	for (i = 0; i < N_OBJS; i++)
		TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(mp, &objs[i]),
			"cannot get object %u", i);
	used = fastmem_test_backing() - before;
	TEST_ASSERT(used <= 2 * N_OBJS * size + 4 * FASTMEM_TEST_SLAB_SIZE,
		"%" PRIu64 " B for %u objects", used, N_OBJS);
	/* all of them are still in use */
	rte_fastmem_mempool_free(mp);
	return fastmem_test_all_back();
}

/* Too little memory is like too few objects, and leaves all as it was. */
static int
test_shortage(void)
{
	struct rte_fastmem_mempool *mp;
	unsigned int n = 0;
	void *obj;

	mp = rte_fastmem_mempool_create("shortage", N_OBJS, 4096, 0, 0, NULL,
		NULL, NULL, NULL, fastmem_test_socket(), 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool: %d", rte_errno);
	TEST_ASSERT_SUCCESS(fastmem_test_limit(4 * FASTMEM_TEST_SLAB_SIZE),
		"no limit");
	while (n < N_OBJS && rte_fastmem_mempool_get(mp, &objs[n]) == 0)
		n++;
	TEST_ASSERT(n > 0 && n < N_OBJS, "%u objects in 8 MiB", n);
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_get(mp, &obj), -ENOBUFS,
		"another errno");
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_in_use_count(mp), n,
		"%u in use, not %u", rte_fastmem_mempool_in_use_count(mp), n);
	rte_fastmem_mempool_put_bulk(mp, objs, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get_bulk(mp, objs, n),
		"they are not there any more");
	rte_fastmem_mempool_put_bulk(mp, objs, n);
	rte_fastmem_mempool_free(mp);
	return fastmem_test_all_back();
}

static unsigned int n_init;

static void
count_init(struct rte_fastmem_mempool *mp, void *opaque, void *obj,
	unsigned int obj_idx)
{
	unsigned int *last = opaque;

	if (rte_fastmem_mempool_from_obj(obj) == mp)
		n_init++;
	*last = obj_idx;
}

/* What is idle can be given back, and is initialized when it is taken again. */
static int
test_give_back(void)
{
	struct rte_fastmem_mempool *mp;
	unsigned int last = 0;
	void *obj;

	mp = rte_fastmem_mempool_create("idle", N_OBJS, 64, 0, 0, NULL, NULL,
		count_init, &last, SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool: %d", rte_errno);
	n_init = 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get_bulk(mp, objs, N_OBJS),
		"cannot get all");
	rte_fastmem_mempool_put_bulk(mp, objs, N_OBJS);
	/* the first one is not known to be the pool's before the others */
	TEST_ASSERT(n_init == N_OBJS && last == N_OBJS - 1,
		"%u initializations, the last number is %u", n_init, last);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(mp->handle), "cannot flush");
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_obj_iter(mp, count_init, &last),
		0, "objects are left");
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_avail_count(mp), N_OBJS,
		"not all are available");
	n_init = 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(mp, &obj), "cannot get");
	TEST_ASSERT(n_init > 0 && last >= N_OBJS,
		"%u initializations, the last number is %u", n_init, last);
	rte_fastmem_mempool_free(mp);
	return fastmem_test_all_back();
}

static int
test_dump(void)
{
	struct rte_fastmem_mempool *mp;
	char *text = NULL;
	size_t len;
	void *obj;
	bool good;
	FILE *f;

	mp = create("dump", 123, 456, 0, SOCKET_ID_ANY);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool: %d", rte_errno);
	TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(mp, &obj), "cannot get");
	f = open_memstream(&text, &len);
	TEST_ASSERT_NOT_NULL(f, "no memory");
	rte_fastmem_mempool_dump(f, mp);
	fclose(f);
	good = strstr(text, "<dump>") != NULL &&
		strstr(text, "size=123\n") != NULL &&
		strstr(text, "elt_size=456\n") != NULL &&
		strstr(text, "in_use_count=1\n") != NULL;
	free(text);
	TEST_ASSERT(good, "the dump lacks something");
	rte_fastmem_mempool_free(mp);
	return fastmem_test_all_back();
}

static struct unit_test_suite mempool_wrap_testsuite = {
	.suite_name = "fastmem mempool wrapper",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_borders),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_life),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_token),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_stress),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cycles),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_init),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limits),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_from_obj),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_memory),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_shortage),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_give_back),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_dump),
		TEST_CASES_END()
	}
};

static int
test_fastmem_mempool_wrap(void)
{
	return fastmem_test_run(&mempool_wrap_testsuite);
}

REGISTER_FAST_TEST(fastmem_mempool_wrap_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_mempool_wrap);
