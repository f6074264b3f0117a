/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What holds after the death of a process, while all others stand still.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_death.h"

/* Memory grows by at most so many slabs at a time, as long as there is little
 * of it: these are what one slab in use keeps from being trimmed.
 */
#define ZONE_SLABS 8

/* Meta memory that may be in use when no object is: what a thread's caches and
 * their magazines take on one socket, and what comes with memzones and bitmaps.
 */
#define META_THREAD ((uint64_t)256 << 10)
#define META_REST ((uint64_t)512 << 10)

static struct fastmem_test_maybe maybes[FASTMEM_TEST_N_CLASSES];

/*
 * Compare what is in use with what is known. What the dead process has freed or
 * allocated without saying so is settled if the numbers leave no choice.
 */
static int
settle_class(struct death_run *run, unsigned int class_idx)
{
	uint64_t known = fastmem_test_ledgers_count(&death_area->all,
		class_idx) + run->leaked[class_idx];
	struct fastmem_test_maybe *maybe = &maybes[class_idx];
	size_t size = fastmem_test_sizes[class_idx];
	uint64_t in_use = fastmem_test_in_use(size), extra;
	unsigned int i;

	run->n_freeing += maybe->n_freeing;
	run->n_allocating += maybe->n_allocating;
	TEST_ASSERT(in_use >= known && in_use - known <=
		maybe->n_freeing + maybe->n_allocating,
		"%zu B: %" PRIu64 " objects are in use; %" PRIu64
		" are known, %u were being freed, %u allocated", size, in_use,
		known, maybe->n_freeing, maybe->n_allocating);
	extra = in_use - known;
	if (extra == maybe->n_freeing && maybe->n_allocating == 0) {
		for (i = 0; i < extra; i++) {
			fastmem_test_stamp_free(maybe->freeing[i], class_idx);
			TEST_ASSERT_EQUAL(rte_fastmem_usable_size(
				maybe->freeing[i]), size, "not allocated");
		}
		rte_fastmem_free_bulk(maybe->freeing, extra);
		extra = 0;
	}
	run->leaked[class_idx] += extra;
	run->n_settled += maybe->n_freeing + maybe->n_allocating - extra;
	return 0;
}

/* What the dead process held is freed, or left to its successor. */
static int
inherit(struct death_run *run, unsigned int proc)
{
	struct death_actor heir;
	unsigned int i, k;

	for (i = 0; i < DEATH_N_ACTORS; i++) {
		death_actor_init(&heir, proc, i, DEATH_TASK_WORK, run->state);
		for (k = 0; k < FASTMEM_TEST_N_CLASSES; k++)
			run->n_held += fastmem_test_ledger_n(
				&death_area->all.ledgers[heir.id], k);
		if (death_rnd(run, 2) == 0 && death_free_all(&heir) != 0)
			return -1;
	}
	return 0;
}

/* Objects in each magazine of a cache, as the programmer's guide has it. */
static uint64_t
magazine_objects(size_t class_size)
{
	uint64_t n = ((uint64_t)1 << 20) / class_size;

	return n > 256 ? 510 : n > 2 ? n - 2 : n;
}

/* Threads that may have something in their caches at this pause. */
static unsigned int
unflushed(void)
{
	unsigned int proc, i, n = 0;

	for (proc = 1; proc < DEATH_N_PROCS; proc++)
		for (i = 0; death_area->procs[proc].pid != 0 &&
				i < DEATH_N_ACTORS; i++)
			n += rte_atomic_load_explicit(&death_area->all.ledgers[
				death_ledger_id(proc, i)].flushed,
				rte_memory_order_relaxed) != death_pause();
	return n;
}

/* A figure of the dump, of all sockets; UINT64_MAX if it is not there. */
static uint64_t
dumped(const char *name)
{
	uint64_t sum = UINT64_MAX;
	char *text = NULL, *at;
	size_t len = 0;
	FILE *f;

	f = open_memstream(&text, &len);
	if (f == NULL)
		return sum;
	rte_fastmem_dump(f);
	fclose(f);
	for (at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
		sum = (sum == UINT64_MAX ? 0 : sum) +
			strtoull(at + strlen(name), NULL, 10);
	free(text);
	return sum;
}

/*
 * Each slab has an object in use, or in a cache; and after a trim, each memzone
 * has such a slab, or one that holds bookkeeping.
 */
static int
check_backing(struct death_run *run, unsigned int n_unflushed, bool trim)
{
	uint64_t n_slabs = 0, most, backing;
	struct rte_fastmem_class_stats cs;
	unsigned int i;

	rte_fastmem_cache_flush();
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
			fastmem_test_sizes[i], &cs), "no statistics");
		most = cs.in_use + n_unflushed * 2 *
			magazine_objects(cs.class_size);
		TEST_ASSERT(cs.slabs_partial + cs.slabs_full <= most,
			"%zu B: %u slabs for %" PRIu64 " objects and %u caches",
			cs.class_size, cs.slabs_partial + cs.slabs_full,
			cs.in_use, n_unflushed);
		n_slabs += cs.slabs_partial + cs.slabs_full;
	}
	backing = fastmem_test_backing();
	run->backing_max = RTE_MAX(run->backing_max, backing);
	if (!trim)
		return 0;
	death_where("trims");
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	backing = fastmem_test_backing();
	most = (n_slabs + dumped("meta_slabs=")) * ZONE_SLABS *
		FASTMEM_TEST_SLAB_SIZE;
	TEST_ASSERT(backing <= most, "%" PRIu64 " B of backing for %" PRIu64
		" slabs and those of meta", backing, n_slabs);
	return 0;
}

int
death_check_state(struct death_run *run, unsigned int proc)
{
	unsigned int i;

	death_where("checks");
	TEST_ASSERT(!death_failed(), "a process has failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		maybes[i].n_freeing = 0;
		maybes[i].n_allocating = 0;
	}
	for (i = 0; i < DEATH_N_ACTORS; i++)
		fastmem_test_ledger_bury(&death_area->all,
			death_ledger_id(proc, i), maybes);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (settle_class(run, i) != 0)
			return -1;
	if (inherit(run, proc) != 0 || check_backing(run, unflushed(),
			run->always_trim || death_rnd(run, 4) == 0) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged by the frees");
	return 0;
}

static void
report(const struct death_run *run, uint64_t backing)
{
	double ms = run->n_done * (double)rte_get_timer_hz() / 1000;
	uint64_t leaked = 0, bytes = 0;
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		leaked += run->leaked[i];
		bytes += run->leaked[i] * fastmem_test_sizes[i];
	}
	printf("%u processes %s, %u by themselves, %u reclaimed by the test; each took %.1f ms to start beyond the others' work, %.2f to find EAL's map free, %.2f to die, %.2f to reclaim, %.2f until all stood still, %.2f to check\n",
		run->n_done, run->polite ? "left" : "were killed", run->n_self,
		run->n_reclaimed, run->cycles_start / ms,
		run->cycles_lock / ms, run->cycles_death / ms,
		run->cycles_reclaim / ms, run->cycles_stop / ms,
		run->cycles_check / ms);
	printf("they held %" PRIu64 " objects, were freeing %" PRIu64
		" and allocating %" PRIu64 "; of these, %" PRIu64
		" are settled, %" PRIu64 " of %" PRIu64 " B are lost\n",
		run->n_held, run->n_freeing, run->n_allocating, run->n_settled,
		leaked, bytes);
	printf("backing was %" PRIu64 " MiB at most, is %" PRIu64 " MiB in the end, with %"
		PRIu64 " B of meta in use\n", run->backing_max >> 20,
		backing >> 20, dumped("meta_bytes="));
}

static int
free_ledgers(struct death_run *run)
{
	struct death_actor heir;
	unsigned int i;

	for (i = 0; i < DEATH_N_LEDGERS; i++) {
		fastmem_test_ledger_bury(&death_area->all, i, maybes);
		death_actor_init(&heir, i / DEATH_N_ACTORS, i % DEATH_N_ACTORS,
			DEATH_TASK_WORK, run->state);
		if (death_free_all(&heir) != 0)
			return -1;
	}
	return 0;
}

/* Nobody holds anything: what is not given back is lost objects', or meta. */
int
death_check_end(struct death_run *run)
{
	uint64_t meta = META_REST + META_THREAD * rte_socket_count() *
		(rte_lcore_count() + DEATH_N_PROCS * DEATH_N_ACTORS);
	struct rte_fastmem_class_stats cs;
	unsigned int i;

	/* a second time, for outboxes that full stacks had no room for */
	if (free_ledgers(run) != 0 || free_ledgers(run) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(fastmem_test_flush_all(), "cannot flush");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
			fastmem_test_sizes[i], &cs), "no statistics");
		TEST_ASSERT_EQUAL(cs.in_use, run->leaked[i], "%zu B: %" PRIu64
			" objects in use, %" PRIu64 " lost", cs.class_size,
			cs.in_use, run->leaked[i]);
	}
	if (check_backing(run, 0, true) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	report(run, fastmem_test_backing());
	TEST_ASSERT(dumped("meta_bytes=") <= meta,
		"%" PRIu64 " B of meta in use, %" PRIu64 " are enough",
		dumped("meta_bytes="), meta);
	return 0;
}
