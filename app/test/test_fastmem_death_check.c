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

/* Meta memory, as the programmer's guide has it: of the caches of a thread, in
 * all, and on each socket; and of what describes a slab and its memzone, at
 * most. Chunks of it have a power of two bytes.
 */
#define META_BLOCK ((uint64_t)RTE_CACHE_LINE_SIZE / 64 * (11 << 10))
#define META_BLOCK_SOCKET ((uint64_t)RTE_CACHE_LINE_SIZE / 64 * (9 << 9))
#define META_SLAB ((uint64_t)1 << 10)

/* Up to this size, objects aligned to theirs have magazines of their own. */
#define COLOR_MAX ((size_t)16 << 10)

/* The caches of threads, as the dump has them. */
struct blocks {
	unsigned int n;
	unsigned int n_primary; /* those of threads of the primary process */
	unsigned int n_unknown; /* of a process that is not there */
};

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

/* What the library dumps, which is to be freed; NULL if there is no memory. */
static char *
dump(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	f = open_memstream(&text, &len);
	if (f == NULL)
		return NULL;
	rte_fastmem_dump(f);
	fclose(f);
	return text;
}

/* A figure of the dump, of all sockets; UINT64_MAX if it is not there. */
static uint64_t
dumped(const char *name)
{
	char *text = dump(), *at;
	uint64_t sum = UINT64_MAX;

	if (text == NULL)
		return sum;
	for (at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
		sum = (sum == UINT64_MAX ? 0 : sum) +
			strtoull(at + strlen(name), NULL, 10);
	free(text);
	return sum;
}

static bool
is_there(pid_t pid)
{
	unsigned int proc;

	for (proc = 1; proc < DEATH_N_PROCS; proc++)
		if (pid != 0 && death_area->procs[proc].pid == pid)
			return true;
	return false;
}

static int
read_blocks(struct blocks *blocks)
{
	static const char primary[] = ": primary process";
	static const char process[] = ": process ";
	static const char caches[] = " caches of ";
	char *text = dump(), *line, *rest;

	TEST_ASSERT_NOT_NULL(text, "no memory");
	memset(blocks, 0, sizeof(*blocks));
	for (line = strtok_r(text, "\n", &rest); line != NULL;
			line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, caches, strlen(caches)) != 0)
			continue;
		line = strchr(line, ':');
		blocks->n++;
		if (line == NULL)
			blocks->n_unknown++;
		else if (strncmp(line, primary, strlen(primary)) == 0)
			blocks->n_primary++;
		else if (strncmp(line, process, strlen(process)) == 0)
			blocks->n_unknown += !is_there(strtol(line +
				strlen(process), NULL, 10));
	}
	free(text);
	return 0;
}

/*
 * Nobody who is not there has caches. Those that were given up are used again,
 * so there are as many as there were threads at a time, at most: in the primary
 * process one for each lcore, and its other thread; in the others one for each
 * thread, and those for threads that find none. Where tasks differ, a process
 * may have more threads without an lcore id than its predecessor had, and less
 * with one.
 */
static int
check_blocks(const struct death_run *run, struct blocks *blocks)
{
	unsigned int each = run->at_points ?
		DEATH_N_LCORES + DEATH_N_ACTORS : DEATH_N_ACTORS + 1;
	unsigned int most = rte_lcore_count() + 1 +
		(DEATH_N_PROCS - 1) * each;

	if (read_blocks(blocks) != 0)
		return -1;
	TEST_ASSERT_EQUAL(blocks->n_unknown, 0,
		"%u threads of processes that are gone have caches",
		blocks->n_unknown);
	/* others serve threads of other sockets only */
	most *= rte_socket_count();
	TEST_ASSERT(blocks->n != 0 && blocks->n <= most,
		"%u threads have or had caches, of %u at a time at most",
		blocks->n, most);
	return 0;
}

/*
 * Meta memory that may be in use when no object is but those that are lost: all
 * caches; the magazines of those that are in use, of objects of both alignments;
 * what describes the backing; and bitmaps. Where magazines are lost, this
 * is more sooner or later, and the audit finds it at once.
 */
static uint64_t
meta_bound(const struct blocks *blocks)
{
	uint64_t sockets = rte_socket_count(), mags = 0, bitmaps = 0, n_slabs;
	struct rte_fastmem_class_stats cs;
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		if (rte_fastmem_stats_class(fastmem_test_sizes[i], &cs) != 0)
			return 0;
		n_slabs = cs.slabs_partial + cs.slabs_full;
		bitmaps += n_slabs * (FASTMEM_TEST_SLAB_SIZE / cs.class_size) / 8;
		mags += 2 * rte_align64pow2(sizeof(uint64_t) *
			(2 + magazine_objects(cs.class_size)));
		if (cs.class_size > RTE_CACHE_LINE_SIZE &&
				cs.class_size <= COLOR_MAX)
			mags += 2 * rte_align64pow2(sizeof(uint64_t) *
				(2 + magazine_objects(cs.class_size)));
	}
	return blocks->n * rte_align64pow2(META_BLOCK +
			META_BLOCK_SOCKET * sockets) +
		blocks->n_primary * mags * sockets +
		fastmem_test_backing() / FASTMEM_TEST_SLAB_SIZE * META_SLAB +
		bitmaps;
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
	struct blocks blocks;
	unsigned int i;

	death_where("checks");
	TEST_ASSERT(!death_failed(), "a process has failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	if (check_blocks(run, &blocks) != 0)
		return -1;
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
report(const struct death_run *run, const struct blocks *blocks, uint64_t meta,
	uint64_t meta_most)
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
		PRIu64 " B of meta in use, of %" PRIu64 " explained by the caches of %u threads, %u of them there\n",
		run->backing_max >> 20, fastmem_test_backing() >> 20, meta,
		meta_most, blocks->n, blocks->n_primary);
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
	struct rte_fastmem_class_stats cs;
	uint64_t meta, meta_most;
	struct blocks blocks;
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
	if (check_blocks(run, &blocks) != 0)
		return -1;
	meta = dumped("meta_bytes=");
	meta_most = meta_bound(&blocks);
	report(run, &blocks, meta, meta_most);
	TEST_ASSERT(meta <= meta_most, "%" PRIu64
		" B of meta in use, %" PRIu64 " are enough", meta, meta_most);
	return 0;
}
