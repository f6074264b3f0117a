/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A file that was written for rte_malloc.h, and has its functions replaced by
 * one line. The header comes first without that line, as if another one had
 * included it.
 */

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <rte_fastmem_malloc.h>
#define RTE_FASTMEM_REPLACE_MALLOC
#include <rte_fastmem_malloc.h>
#include <rte_malloc.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_random.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_malloc.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_THREADS 2
#define N_ITEMS 400
/* Live bytes of all threads together, for EAL may have little. */
#define BUDGET ((size_t)10 << 20)
/* What has to be done at least, and the time that there is more for it. */
#define ENOUGH_ALLOCS 500
#define MORE_SECONDS 60

typedef void *(*alloc_fn)(const char *type, size_t size, unsigned int align);

static int
test_replaced(void)
{
	int socket = fastmem_test_socket();
	alloc_fn functions[] = { rte_malloc, rte_zmalloc };
	void (*free_fn)(void *ptr) = rte_free;
	size_t size = 0;
	void *ptrs[16];
	unsigned int n = 0, i;

	ptrs[n++] = rte_malloc("test", 100, 0);
	ptrs[n++] = rte_zmalloc("test", 100, 0);
	ptrs[n++] = rte_calloc("test", 10, 10, 0);
	ptrs[n++] = rte_realloc(NULL, 100, 0);
	ptrs[n++] = rte_malloc_socket("test", 100, 0, socket);
	ptrs[n++] = rte_zmalloc_socket("test", 100, 0, socket);
	ptrs[n++] = rte_calloc_socket("test", 10, 10, 0, socket);
	ptrs[n++] = rte_realloc_socket(NULL, 100, 0, socket);
	for (i = 0; i < RTE_DIM(functions); i++)
		ptrs[n++] = functions[i](NULL, 100, 0);
	for (i = 0; i < n; i++) {
		if (fastmem_test_check_malloc(ptrs[i], 100, 0) != 0)
			return -1;
		TEST_ASSERT_SUCCESS(rte_malloc_validate(ptrs[i], &size),
			"not valid");
		TEST_ASSERT_EQUAL(size, 128, "not of fastmem's size");
		TEST_ASSERT(rte_malloc_virt2iova(ptrs[i]) ==
			rte_fastmem_virt2iova(ptrs[i]), "IO address");
	}
	TEST_ASSERT_EQUAL(fastmem_test_in_use(128), n, "not all of them");
	for (i = 0; i < n; i++)
		if (i % 3 == 0)
			rte_free(ptrs[i]);
		else if (i % 3 == 1)
			rte_free_sensitive(ptrs[i]);
		else
			free_fn(ptrs[i]);
	/* one that is too large, and one of who was not replaced */
	ptrs[0] = rte_malloc(NULL, 2 * FASTMEM_TEST_MAX_SIZE, 0);
	TEST_ASSERT(ptrs[0] != NULL && !rte_fastmem_contains(ptrs[0]), "large");
	free_fn(ptrs[0]);
	ptrs[0] = (rte_malloc_socket)("test", 100, 0, socket);
	TEST_ASSERT(rte_fastmem_contains(ptrs[0]), "called in parentheses");
	rte_free(ptrs[0]);
	return fastmem_test_all_back();
}

struct item {
	uint8_t *ptr;
	size_t size;
	uint8_t value;
};

struct actor {
	uint64_t state;
	uint64_t n_allocs;
	uint64_t n_moved;
	uint64_t n_nomem;
	uint64_t n_received;
	size_t bytes;
	size_t max_bytes;
	unsigned int n;
	int result;
	struct item items[N_ITEMS];
};

static struct actor actors[RTE_MAX_LCORE + N_THREADS];
static struct fastmem_test_mailbox mailbox;
static RTE_ATOMIC(uint32_t) stop;

/* What all of them have done, which ends the run. */
static struct {
	RTE_ATOMIC(uint64_t) allocs;
	RTE_ATOMIC(uint64_t) moved;
	RTE_ATOMIC(uint64_t) received;
} progress;

static void
progress_add(RTE_ATOMIC(uint64_t) *counter)
{
	rte_atomic_fetch_add_explicit(counter, 1, rte_memory_order_relaxed);
}

static bool
progress_is(RTE_ATOMIC(uint64_t) *counter, uint64_t n)
{
	return rte_atomic_load_explicit(counter, rte_memory_order_relaxed) >= n;
}

static uint64_t
rnd(struct actor *a, uint64_t n)
{
	return (fastmem_test_rand(&a->state) >> 16) % n;
}

/* Small sizes are more frequent; some are too large for fastmem. */
static size_t
random_size(struct actor *a)
{
	unsigned int bits = rnd(a, 100) < 90 ? 3 + rnd(a, 10) : 3 + rnd(a, 19);

	return 1 + rnd(a, (uint64_t)1 << bits);
}

static void
fill(struct item *item)
{
	memset(item->ptr, item->value, item->size);
}

static int
check(const struct item *item)
{
	TEST_ASSERT(fastmem_test_all_bytes(item->ptr, item->size, item->value),
		"content of %zu B lost", item->size);
	return 0;
}

static int
do_alloc(struct actor *a)
{
	unsigned int align = rnd(a, 4) == 0 ? 1U << rnd(a, 14) : 0, way;
	struct item *item = &a->items[a->n];
	int socket = SOCKET_ID_ANY;

	if (a->n == N_ITEMS)
		return 0;
	item->size = random_size(a);
	item->value = 1 + rnd(a, 255);
	if (a->bytes + item->size > a->max_bytes)
		return 0;
	if (rnd(a, 2) == 0)
		socket = fastmem_test_socket();
	way = rnd(a, 6);
	switch (way) {
	case 0:
		item->ptr = rte_zmalloc(NULL, item->size, align);
		break;
	case 1:
		item->ptr = rte_calloc_socket(NULL, item->size, 1, align,
			socket);
		break;
	case 2:
		item->ptr = rte_malloc_socket(NULL, item->size, align, socket);
		break;
	default:
		item->ptr = rte_malloc(NULL, item->size, align);
	}
	if (item->ptr == NULL) {
		a->n_nomem++;
		return 0;
	}
	TEST_ASSERT(align == 0 || ((uintptr_t)item->ptr & (align - 1)) == 0,
		"%zu B not aligned to %u", item->size, align);
	TEST_ASSERT(way > 1 || fastmem_test_all_bytes(item->ptr, item->size, 0),
		"%zu B not zeroed", item->size);
	fill(item);
	a->bytes += item->size;
	a->n_allocs++;
	progress_add(&progress.allocs);
	a->n++;
	return 0;
}

static struct item
remove_item(struct actor *a)
{
	unsigned int i = rnd(a, a->n);
	struct item item = a->items[i];

	a->items[i] = a->items[--a->n];
	a->bytes -= item.size;
	return item;
}

static int
do_free(struct actor *a)
{
	struct item item;

	if (a->n == 0)
		return 0;
	item = remove_item(a);
	if (check(&item) != 0)
		return -1;
	if (rnd(a, 16) == 0)
		rte_free_sensitive(item.ptr);
	else
		rte_free(item.ptr);
	return 0;
}

static int
do_realloc(struct actor *a)
{
	struct item item;
	size_t size = random_size(a);
	uint8_t *to;

	if (a->n == 0 || a->bytes + size > a->max_bytes)
		return 0;
	item = remove_item(a);
	if (check(&item) != 0)
		return -1;
	to = rte_realloc(item.ptr, size, 0);
	if (to != NULL) {
		if (to != item.ptr) {
			a->n_moved++;
			progress_add(&progress.moved);
		}
		item.ptr = to;
		item.size = RTE_MIN(item.size, size);
	} else {
		TEST_ASSERT(size > item.size, "%zu B not shrunk to %zu",
			item.size, size);
		a->n_nomem++;
		size = item.size;
	}
	if (check(&item) != 0)
		return -1;
	item.size = size;
	fill(&item);
	a->items[a->n++] = item;
	a->bytes += size;
	return 0;
}

/* Pass memory on, with what another thread has to know at its start. */
static int
do_send(struct actor *a)
{
	struct item item;

	if (a->n == 0)
		return 0;
	item = remove_item(a);
	if (item.size < sizeof(item)) {
		rte_free(item.ptr);
		return 0;
	}
	memcpy(item.ptr, &item, sizeof(item));
	if (!fastmem_test_mailbox_put(&mailbox, rnd(a, 256), item.ptr))
		rte_free(item.ptr);
	return 0;
}

static int
do_receive(struct actor *a)
{
	void *ptr = fastmem_test_mailbox_get(&mailbox, rnd(a, 256));
	struct item item;

	if (ptr == NULL)
		return 0;
	memcpy(&item, ptr, sizeof(item));
	TEST_ASSERT(item.ptr == ptr && fastmem_test_all_bytes(
		item.ptr + sizeof(item), item.size - sizeof(item), item.value),
		"content lost on the way");
	a->n_received++;
	progress_add(&progress.received);
	rte_free(ptr);
	return 0;
}

static int
act(void *arg)
{
	struct actor *a = arg;

	while (a->result == 0 && rte_atomic_load_explicit(&stop,
			rte_memory_order_relaxed) == 0) {
		switch (rnd(a, 10)) {
		case 0:
		case 1:
		case 2:
		case 3:
			a->result = do_alloc(a);
			break;
		case 4:
		case 5:
			a->result = do_realloc(a);
			break;
		case 6:
			a->result = do_send(a);
			break;
		case 7:
			a->result = do_receive(a);
			break;
		default:
			a->result = do_free(a);
		}
	}
	while (a->result == 0 && a->n > 0)
		a->result = do_free(a);
	return a->result;
}

static uint32_t
act_thread(void *arg)
{
	act(arg);
	return 0;
}

/* A machine with much else to do is given more time, up to a limit. */
static uint32_t
end_run(void *arg __rte_unused)
{
	unsigned int i;

	rte_delay_us_sleep(1000 * fastmem_test_scale(2000, 200));
	for (i = 0; i < MORE_SECONDS * 10; i++) {
		if (progress_is(&progress.allocs, ENOUGH_ALLOCS) &&
				progress_is(&progress.moved, 1) &&
				progress_is(&progress.received, 1))
			break;
		rte_delay_us_sleep(100000);
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	return 0;
}

static struct actor *
actor_init(unsigned int i, uint64_t seed)
{
	struct actor *a = &actors[i];

	memset(a, 0, sizeof(*a));
	a->state = seed + i + 1;
	a->max_bytes = BUDGET / (rte_lcore_count() + N_THREADS);
	/* one that is too large for fastmem has to fit in now and then */
	a->max_bytes = RTE_MAX(a->max_bytes, FASTMEM_TEST_MAX_SIZE);
	return a;
}

static int
test_stress(void)
{
	uint64_t seed = fastmem_test_env("FASTMEM_TEST_SEED", rte_rand() >> 32);
	uint64_t n_allocs = 0, n_moved = 0, n_nomem = 0, n_received = 0;
	rte_thread_t threads[N_THREADS], timer;
	unsigned int lcore_id, i;
	struct actor *a;
	void *ptr;

	printf("FASTMEM_TEST_SEED=%" PRIu64 "\n", seed);
	memset(actors, 0, sizeof(actors));
	memset(&progress, 0, sizeof(progress));
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			act_thread, actor_init(RTE_MAX_LCORE + i, seed)),
			"cannot create a thread");
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(act,
			actor_init(lcore_id, seed), lcore_id), "cannot launch");
	TEST_ASSERT_SUCCESS(rte_thread_create(&timer, NULL, end_run, NULL),
		"cannot create a thread");
	act(actor_init(rte_lcore_id(), seed));
	rte_eal_mp_wait_lcore();
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	TEST_ASSERT_SUCCESS(rte_thread_join(timer, NULL),
		"cannot join a thread");
	while ((ptr = fastmem_test_mailbox_get(&mailbox, 0)) != NULL)
		rte_free(ptr);
	for (i = 0; i < RTE_DIM(actors); i++) {
		a = &actors[i];
		TEST_ASSERT_SUCCESS(a->result,
			"actor %u failed with FASTMEM_TEST_SEED=%" PRIu64, i,
			seed);
		n_allocs += a->n_allocs;
		n_moved += a->n_moved;
		n_nomem += a->n_nomem;
		n_received += a->n_received;
	}
	printf("%" PRIu64 " allocations, %" PRIu64 " moved by realloc, %" PRIu64
		" freed by others, %" PRIu64 " not served\n", n_allocs, n_moved,
		n_received, n_nomem);
	TEST_ASSERT(n_allocs >= ENOUGH_ALLOCS && n_moved > 0 && n_received > 0,
		"hardly anything was done");
	TEST_ASSERT(n_nomem == 0 || fastmem_test_bounded(),
		"not served, though there is memory");
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_malloc_macro_testsuite = {
	.suite_name = "fastmem malloc, by macro",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_replaced),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_stress),
		TEST_CASES_END()
	}
};
