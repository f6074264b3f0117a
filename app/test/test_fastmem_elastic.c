/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Elastic mempools, function by function: that they are mempools like others.
 * What of their memory is where, and load, are tested apart.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <rte_mempool_fastmem.h>

#include "test_fastmem_elastic.h"
#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define N_OBJS FASTMEM_TEST_ELASTIC_OBJS
#define ELT_SIZE FASTMEM_TEST_ELASTIC_SIZE
#define BUILT UINT64_C(0xb1117b1117b1117b)

unsigned int fastmem_test_n_built;

static void *objs[N_OBJS + 1];

int
fastmem_test_elastic_setup(void)
{
	fastmem_test_n_built = 0;
	return fastmem_test_setup();
}

/* A case that has failed leaves its pool. */
void
fastmem_test_elastic_teardown(void)
{
	static const char *const names[] = { "elastic", "mbufs", "plain" };
	unsigned int i;

	for (i = 0; i < RTE_DIM(names); i++)
		rte_mempool_free(rte_mempool_lookup(names[i]));
	fastmem_test_teardown();
}

void
fastmem_test_elastic_init(struct rte_mempool *mp, void *arg, void *obj,
	unsigned int idx)
{
	uint64_t *words = obj;

	if (rte_mempool_from_obj(obj) == mp && arg == &fastmem_test_n_built && idx == 0)
		fastmem_test_n_built++;
	words[0] = BUILT;
	words[1] = (uintptr_t)obj;
}

bool
fastmem_test_elastic_built(const void *obj)
{
	const uint64_t *words = obj;

	return words[0] == BUILT && words[1] == (uintptr_t)obj;
}

struct rte_mempool *
fastmem_test_elastic(unsigned int n, unsigned int elt_size,
	unsigned int cache_size)
{
	return rte_fastmem_elastic_create("elastic", n, elt_size, cache_size, 0,
		fastmem_test_elastic_init, &fastmem_test_n_built,
		fastmem_test_socket(), 0);
}

unsigned int
fastmem_test_constructed(const struct rte_mempool *mp)
{
	struct rte_fastmem_elastic_stats stats;

	return rte_fastmem_elastic_stats(mp, &stats) == 0 ?
		stats.n_constructed : UINT_MAX;
}

static void
iter_count(struct rte_mempool *mp, void *arg, void *obj, unsigned int idx)
{
	unsigned int *n = arg;

	if (idx == *n && fastmem_test_elastic_built(obj) && rte_mempool_from_obj(obj) == mp)
		(*n)++;
}

/* Mempool's list has all objects that there are, each once. */
int
fastmem_test_elastic_list(struct rte_mempool *mp)
{
	unsigned int n = 0, expected = fastmem_test_constructed(mp);

	TEST_ASSERT_EQUAL(rte_mempool_obj_iter(mp, iter_count, &n), expected,
		"other number of objects than %u", expected);
	TEST_ASSERT_EQUAL(n, expected, "%u good objects of %u", n, expected);
	n = 0;
	TEST_ASSERT_EQUAL(rte_fastmem_elastic_obj_iter(mp, iter_count, &n),
		expected, "other number of objects");
	TEST_ASSERT_EQUAL(mp->populated_size, mp->size, "populated");
	rte_mempool_audit(mp);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return 0;
}

int
fastmem_test_elastic_counts(struct rte_mempool *mp, unsigned int in_use)
{
	TEST_ASSERT_EQUAL(rte_mempool_in_use_count(mp), in_use,
		"%u in use, not %u", rte_mempool_in_use_count(mp), in_use);
	TEST_ASSERT_EQUAL(rte_mempool_avail_count(mp), mp->size - in_use,
		"%u available", rte_mempool_avail_count(mp));
	TEST_ASSERT_EQUAL(rte_mempool_full(mp), in_use == 0, "full");
	TEST_ASSERT_EQUAL(rte_mempool_empty(mp), in_use == mp->size, "empty");
	return 0;
}

static __rte_unused int
test_create(void)
{
	int socket_id = fastmem_test_socket();
	struct rte_fastmem_elastic_policy policy =
		RTE_FASTMEM_ELASTIC_POLICY_DEFAULT;
	struct rte_fastmem_elastic_stats stats;
	struct rte_mempool *mp, *other, *plain;
	const char *longest = "a_name_of_25_characters__";

	rte_errno = 0;
	TEST_ASSERT(fastmem_test_elastic(0, 100, 0) == NULL && rte_errno == EINVAL,
		"no objects: %d", rte_errno);
	TEST_ASSERT(fastmem_test_elastic(100, 100, 1000) == NULL && rte_errno == EINVAL,
		"cache too large: %d", rte_errno);
	TEST_ASSERT(fastmem_test_elastic(10, 2 << 20, 0) == NULL && rte_errno == E2BIG,
		"object too large: %d", rte_errno);
	/* what becomes 0, or less than is needed, when something is added */
	rte_errno = 0;
	TEST_ASSERT(fastmem_test_elastic(10, UINT32_MAX, 0) == NULL && rte_errno == E2BIG,
		"object of 4 GiB: %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT(rte_fastmem_elastic_create("elastic", 10, 100, 0, UINT32_MAX,
		NULL, NULL, socket_id, 0) == NULL && rte_errno == E2BIG,
		"4 GiB of private data: %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT(fastmem_test_elastic(UINT32_MAX, 8, 0) == NULL && rte_errno == E2BIG,
		"2^32 - 1 objects: %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT(fastmem_test_elastic(1 << 28, 8, 0) == NULL && rte_errno == E2BIG,
		"2^28 objects: %d", rte_errno);
	TEST_ASSERT(rte_fastmem_pktmbuf_pool_create("mbufs", 100, 0, 1, 2048,
		socket_id) == NULL && rte_errno == EINVAL, "private size: %d",
		rte_errno);
	TEST_ASSERT(rte_pktmbuf_pool_create_by_ops("mbufs", 100, 0, 0, 2048,
		socket_id, RTE_FASTMEM_ELASTIC_OPS_NAME) == NULL,
		"created without a constructor");
	mp = rte_fastmem_elastic_create(longest, 1000, 100, 32, 200, NULL, NULL,
		SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	TEST_ASSERT(rte_mempool_lookup(longest) == mp, "lookup");
	rte_errno = 0;
	other = rte_fastmem_elastic_create(longest, 1000, 100, 0, 0, NULL, NULL,
		socket_id, 0);
	TEST_ASSERT(other == NULL && rte_errno == EEXIST, "name: %d", rte_errno);

	/* what can be seen of it is the same as of others */
	plain = rte_mempool_create("plain", 1000, 100, 32, 200, NULL, NULL,
		NULL, NULL, SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(plain, "no memory");
	TEST_ASSERT(mp->size == plain->size && mp->flags == plain->flags &&
		mp->elt_size == plain->elt_size &&
		mp->header_size == plain->header_size &&
		mp->trailer_size == plain->trailer_size &&
		mp->populated_size == plain->populated_size &&
		mp->cache_size == plain->cache_size &&
		mp->private_data_size == plain->private_data_size,
		"flags %#x and %#x", mp->flags, plain->flags);
	TEST_ASSERT(rte_fastmem_elastic_trim(plain, 0, NULL) == -EINVAL &&
		rte_fastmem_elastic_tick(plain) == -EINVAL &&
		rte_fastmem_elastic_policy_set(plain, &policy) == -EINVAL &&
		rte_fastmem_elastic_policy_set(mp, NULL) == -EINVAL &&
		rte_fastmem_elastic_obj_iter(plain, NULL, NULL) == -EINVAL &&
		rte_fastmem_elastic_stats(plain, &stats) == -EINVAL &&
		rte_fastmem_elastic_stats(mp, NULL) == -EINVAL &&
		rte_fastmem_elastic_stats(NULL, &stats) == -EINVAL,
		"not elastic");
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(mp, &stats), "stats");
	TEST_ASSERT(stats.size == 1000 && stats.n_constructed == 0 &&
		stats.n_used == 0 && stats.bytes == 0, "a new pool has %u",
		stats.n_constructed);
	rte_mempool_free(plain);
	rte_mempool_free(mp);
	TEST_ASSERT_NULL(rte_mempool_lookup(longest), "still there");
	TEST_ASSERT_SUCCESS(fastmem_test_all_back(), "not all back");

	rte_fastmem_deinit();
	TEST_ASSERT(fastmem_test_elastic(10, 100, 0) == NULL && rte_errno == ENODEV,
		"not initialized: %d", rte_errno);
	return TEST_SUCCESS;
}

struct ranges {
	unsigned int n, n_found;
	void *obj;
};

static void
find_object(struct rte_mempool *mp, void *arg,
	struct rte_mempool_memhdr *memhdr, unsigned int idx)
{
	struct ranges *ranges = arg;
	struct rte_mempool_objhdr *hdr = rte_mempool_get_header(ranges->obj);
	uintptr_t offset = (uintptr_t)ranges->obj - (uintptr_t)memhdr->addr;

	if (memhdr->mp == mp && idx == ranges->n)
		ranges->n++;
	if ((uintptr_t)hdr >= (uintptr_t)memhdr->addr &&
			offset + mp->elt_size <= memhdr->len &&
			(memhdr->iova == RTE_BAD_IOVA ||
			hdr->iova == memhdr->iova + offset))
		ranges->n_found++;
}

/* Each object lies in one of the ranges that the pool has published. */
static int
check_ranges(struct rte_mempool *mp, void *obj)
{
	struct ranges ranges = { .obj = obj };

	TEST_ASSERT_EQUAL(rte_mempool_mem_iter(mp, find_object, &ranges),
		mp->nb_mem_chunks, "number of chunks");
	TEST_ASSERT(ranges.n == mp->nb_mem_chunks && ranges.n_found == 1,
		"object %p is in %u of %u chunks", obj, ranges.n_found,
		ranges.n);
	TEST_ASSERT(rte_mempool_virt2iova(obj) == RTE_BAD_IOVA ||
		rte_mempool_virt2iova(obj) == rte_mem_virt2iova(obj),
		"wrong IO address");
	return 0;
}

/* Get all objects one way, and none more. */
static int
check_all(struct rte_mempool *mp, unsigned int bulk)
{
	unsigned int n = mp->size, i, k;
	void *more[64];

	for (i = 0; i < n; i += k) {
		k = RTE_MIN(bulk, n - i);
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[i], k),
			"object %u of %u", i, n);
	}
	TEST_ASSERT_EQUAL(rte_mempool_get(mp, more), -ENOBUFS, "too many");
	TEST_ASSERT_EQUAL(rte_mempool_get_bulk(mp, more, 64), -ENOBUFS,
		"too many");
	if (fastmem_test_elastic_counts(mp, n) != 0)
		return -1;
	TEST_ASSERT_EQUAL(fastmem_test_constructed(mp), n, "%u constructed",
		fastmem_test_constructed(mp));
	fastmem_test_sort(objs, n);
	for (i = 0; i < n; i++) {
		TEST_ASSERT(fastmem_test_elastic_built(objs[i]), "not constructed");
		TEST_ASSERT(rte_mempool_from_obj(objs[i]) == mp, "other pool");
		TEST_ASSERT(i == 0 || RTE_PTR_DIFF(objs[i], objs[i - 1]) >=
			mp->header_size + mp->elt_size + mp->trailer_size,
			"objects overlap");
		TEST_ASSERT(((uintptr_t)objs[i] & ((mp->flags &
			RTE_MEMPOOL_F_NO_CACHE_ALIGN) != 0 ? 7 :
			RTE_CACHE_LINE_SIZE - 1)) == 0, "alignment");
		memset((char *)objs[i] + 16, i, mp->elt_size - 16);
	}
	if (check_ranges(mp, objs[0]) != 0 || check_ranges(mp, objs[n - 1]) != 0)
		return -1;
	for (i = 0; i < n; i += k) {
		k = RTE_MIN(bulk, n - i);
		rte_mempool_put_bulk(mp, &objs[i], k);
	}
	return fastmem_test_elastic_counts(mp, 0) | fastmem_test_elastic_list(mp);
}

static int
test_objects(void)
{
	static const unsigned int bulks[] = { 1, 7, 32, 512, 3000 };
	static const unsigned int flags[] = {
		0, RTE_MEMPOOL_F_NO_SPREAD, RTE_MEMPOOL_F_NO_CACHE_ALIGN,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG,
		RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET,
	};
	static const unsigned int numbers[] = { 1, 63, 64, 65, 1000, N_OBJS };
	FILE *devnull = fopen("/dev/null", "w");
	unsigned int i, j;
	struct rte_mempool *mp;

	TEST_ASSERT_NOT_NULL(devnull, "cannot open /dev/null");
	for (i = 0; i < RTE_DIM(bulks); i++) {
		for (j = 0; j < RTE_DIM(numbers); j++) {
			fastmem_test_n_built = 0;
			mp = rte_fastmem_elastic_create("elastic", numbers[j],
				i == 0 ? 16 : ELT_SIZE + 4 * i,
				numbers[j] >= 100 ? 32 * (j % 3) : 0, 0,
				fastmem_test_elastic_init,
				&fastmem_test_n_built, fastmem_test_socket(),
				flags[i]);
			TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
			if (fastmem_test_elastic_counts(mp, 0) != 0 ||
					check_all(mp, bulks[i]) != 0 ||
					check_all(mp, 1) != 0)
				return TEST_FAILED;
			TEST_ASSERT_EQUAL(fastmem_test_n_built, numbers[j],
				"%u constructed of %u", fastmem_test_n_built, numbers[j]);
			rte_mempool_dump(devnull, mp);
			rte_mempool_free(mp);
		}
	}
	fclose(devnull);
	return fastmem_test_all_back();
}

static int
test_mbufs(void)
{
	int socket_id = fastmem_test_socket();
	struct rte_mempool *mp, *plain;
	struct rte_mbuf *mbufs[600], *reference, *mbuf, *clone;
	struct rte_mbuf expected, found;
	unsigned int i;
	char *data;

	mp = rte_fastmem_pktmbuf_pool_create("mbufs", 600, 64, 64, 2176,
		socket_id);
	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	plain = rte_pktmbuf_pool_create("plain", 600, 64, 64, 2176, socket_id);
	TEST_ASSERT_NOT_NULL(plain, "no memory");
	TEST_ASSERT(rte_pktmbuf_data_room_size(mp) == 2176 &&
		rte_pktmbuf_priv_size(mp) == 64 && mp->elt_size ==
		plain->elt_size && mp->flags == plain->flags, "other mbufs");
	reference = rte_pktmbuf_alloc(plain);
	TEST_ASSERT_NOT_NULL(reference, "no mbuf");
	TEST_ASSERT_SUCCESS(rte_pktmbuf_alloc_bulk(mp, mbufs, 600), "no mbufs");
	TEST_ASSERT_NULL(rte_pktmbuf_alloc(mp), "too many mbufs");
	for (i = 0; i < 600; i++) {
		mbuf = mbufs[i];
		rte_mbuf_sanity_check(mbuf, 1);
		TEST_ASSERT(mbuf->pool == mp && mbuf->buf_addr ==
			RTE_PTR_ADD(mbuf, sizeof(*mbuf) + 64), "buffer");
		TEST_ASSERT(rte_mempool_virt2iova(mbuf) == RTE_BAD_IOVA ||
			rte_mbuf_data_iova(mbuf) == rte_mempool_virt2iova(mbuf) +
			sizeof(*mbuf) + 64 + RTE_PKTMBUF_HEADROOM, "IO address");
		/* all else as ever */
		expected = *reference;
		found = *mbuf;
		expected.pool = found.pool;
		expected.buf_addr = found.buf_addr;
		rte_mbuf_iova_set(&expected, rte_mbuf_iova_get(&found));
		TEST_ASSERT(memcmp(&expected, &found, sizeof(found)) == 0,
			"mbuf %u", i);
		data = rte_pktmbuf_append(mbuf, 2000);
		TEST_ASSERT_NOT_NULL(data, "no room");
		memset(data, i, 2000);
	}
	clone = rte_pktmbuf_clone(mbufs[0], plain);
	TEST_ASSERT_NOT_NULL(clone, "no clone");
	TEST_ASSERT_SUCCESS(rte_pktmbuf_chain(mbufs[1], mbufs[2]), "chain");
	for (i = 0; i < 600; i++) {
		data = rte_pktmbuf_mtod(mbufs[i], char *);
		TEST_ASSERT(fastmem_test_all_bytes(data, 2000, i), "data");
		if (i != 2)
			rte_pktmbuf_free(mbufs[i]);
	}
	TEST_ASSERT_EQUAL(rte_mempool_in_use_count(mp), 1, "not freed");
	rte_pktmbuf_free(clone);
	if (fastmem_test_elastic_counts(mp, 0) != 0)
		return TEST_FAILED;
	rte_pktmbuf_free(reference);
	rte_mempool_free(plain);
	rte_mempool_free(mp);
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_elastic_testsuite = {
	.suite_name = "fastmem elastic mempools",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_objects),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_mbufs),
#ifndef RTE_LIBRTE_MEMPOOL_DEBUG
		/* for mempool's debugging, pools have all objects at once */
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_create),
#endif
		TEST_CASES_END()
	}
};

static int
test_fastmem_elastic(void)
{
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return fastmem_test_peer_main(fastmem_test_elastic_peer);
	ret = fastmem_test_run(&fastmem_elastic_testsuite);
#ifndef RTE_LIBRTE_MEMPOOL_DEBUG
	/* where there are no secondary processes, the rest counts */
	if (ret == TEST_SUCCESS && fastmem_test_run(
			&fastmem_elastic_memory_testsuite) == TEST_FAILED)
		ret = TEST_FAILED;
#endif
	return ret;
}

REGISTER_FAST_TEST(fastmem_elastic_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_elastic);
