/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Each allocator replays the trace once to be checked, with the content of
 * the objects, and then by turns with the others to be measured, without.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_cycles.h>

#include <rte_fastmem.h>

#include "bench.h"
#include "loops.h"
#include "replay.h"
#include "report.h"
#include "trace_format.h"

/* Pools of powers of two bytes, from this one on. */
#define MIN_POOL 8
#define MAX_POOLS 32

/* An allocator under test. */
struct player {
	const struct allocator *alloc;
	const struct trace *trace;
	struct replay_result *result;
	/* For each size of the trace. */
	uintptr_t *keys;
	/* Sizes from this one on are the DPDK heap's. */
	unsigned int first_large;
	/* Keys to be closed. */
	uintptr_t opened[MAX_POOLS];
	unsigned int n_opened;
	/* The object of each slot; and, when it is freed, what it is stamped with. */
	void **objs;
	uint64_t *stamps;
	unsigned int rounds;
	double *samples;
};

/* The key of the heap is the size. */
static void
release(const struct player *player, uint32_t type, void *obj)
{
	if (type >= player->first_large)
		rte_malloc_allocator.calls->free(player->keys[type], obj);
	else
		player->alloc->calls->free(player->keys[type], obj);
}

/* Free what is alive after this many operations. */
static void
release_alive(const struct player *player, size_t n_ops)
{
	const struct trace *trace = player->trace;
	const struct trace_op *op;
	uint32_t *types;
	uint32_t slot;
	size_t i;

	/* The slots' sizes in the trace are those of its end, and not needed. */
	types = trace->slots;
	memset(types, 0, trace->n_slots * sizeof(*types));
	for (i = 0; i < n_ops; i++) {
		op = &trace->ops[i];
		slot = op->slot & ~TRACE_OP_FREE;
		types[slot] = trace_op_is_free(op) ? 0 : op->type + 1;
	}
	for (slot = 0; slot < trace->n_slots; slot++)
		if (types[slot] != 0)
			release(player, types[slot] - 1, player->objs[slot]);
}

/* Fill an object, all of it: two that overlap do not stay as they are. */
static void
stamp_put(void *obj, size_t size, uint64_t stamp)
{
	char *to = obj;
	size_t i;

	for (i = 0; i < size; i += sizeof(stamp))
		memcpy(to + i, &stamp, RTE_MIN(size - i, sizeof(stamp)));
}

static bool
stamp_holds(const void *obj, size_t size, uint64_t stamp)
{
	const char *from = obj;
	size_t i;

	for (i = 0; i < size; i += sizeof(stamp))
		if (memcmp(from + i, &stamp,
				RTE_MIN(size - i, sizeof(stamp))) != 0)
			return false;

	return true;
}

/* One operation with the content of the object. Returns 0 or a negative errno. */
static int
check_op(const struct player *player, size_t n, uint32_t *checksum)
{
	const struct trace_op *op = &player->trace->ops[n];
	const uint32_t slot = op->slot & ~TRACE_OP_FREE;
	const uint32_t size = player->trace->sizes[op->type];
	uint64_t stamp = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	if (trace_op_is_free(op)) {
		if (!player->alloc->fake && !stamp_holds(player->objs[slot],
				size, player->stamps[slot]))
			return -EFAULT;
		release(player, op->type, player->objs[slot]);
		*checksum = trace_checksum(*checksum, slot, 0);
		return 0;
	}
	player->objs[slot] = op->type >= player->first_large ?
		rte_malloc_allocator.calls->alloc(player->keys[op->type]) :
		player->alloc->calls->alloc(player->keys[op->type]);
	if (player->objs[slot] == NULL)
		return -ENOMEM;
	if (!player->alloc->fake)
		stamp_put(player->objs[slot], size, stamp);
	player->stamps[slot] = stamp;
	*checksum = trace_checksum(*checksum, slot, size);

	return 0;
}

/*
 * Replay the trace with the content of the objects. Returns 0 or a negative
 * errno: -EFAULT if an object was changed, or the operations were others.
 */
static int
check(struct player *player)
{
	uint32_t checksum = 0;
	int ret = 0;
	size_t i;

	for (i = 0; i < player->trace->n_ops && ret == 0; i++)
		ret = check_op(player, i, &checksum);
	/* The operation that failed was not made, or has an object to be freed. */
	release_alive(player, ret == 0 ? i : i - 1);
	player->result->checksum = checksum;
	if (ret == -ENOMEM) {
		player->result->skipped = "out of memory";
		return 0;
	}
	if (ret < 0)
		report_error("%s: operation %zu: the content of the object has changed",
			player->alloc->name, i);
	else if (checksum != player->trace->checksum) {
		report_error("%s: the checksum is %08x rather than %08x",
			player->alloc->name, checksum, player->trace->checksum);
		ret = -EFAULT;
	}

	return ret;
}

/* Replay the trace as often as fills the time, at least once. */
static double
measure(struct player *player, uint64_t duration, uint64_t *elapsed)
{
	const struct trace *trace = player->trace;
	const struct loop_trace replay = {
		.trace = trace,
		.keys = player->keys,
		.first_large = player->first_large,
		.alloc_large = rte_malloc_allocator.calls->alloc,
		.free_large = rte_malloc_allocator.calls->free,
		.objs = player->objs,
	};
	uint64_t start;
	size_t done, n = 0;

	*elapsed = 0;
	do {
		start = rte_rdtsc_precise();
		done = player->alloc->calls->loops->replay(&replay);
		*elapsed += rte_rdtsc_precise() - start;
		release_alive(player, done);
		if (done < trace->n_ops) {
			player->result->skipped = "out of memory";
			return 0;
		}
		n++;
	} while (*elapsed < duration && !bench_stop);

	return (double)*elapsed / n / trace->n_ops;
}

/* What takes longer than it should is done in fewer rounds. */
static void
warm_up(struct player *player, const struct options *opts, uint64_t duration)
{
	uint64_t elapsed, rounds;

	measure(player, 0, &elapsed);
	rounds = (double)opts->rounds * 2 * duration / RTE_MAX(elapsed, UINT64_C(1));
	rounds = RTE_MAX(rounds, (uint64_t)opts->min_rounds);
	player->rounds = RTE_MIN(rounds, (uint64_t)opts->rounds);
}

/* A pool for each power of two, for as many objects as are alive at once. */
static int
open_pools(struct player *player)
{
	const struct trace *trace = player->trace;
	uint32_t first, last, size;
	uintptr_t pool;
	int ret;

	for (first = 0; first < player->first_large; first = last) {
		size = RTE_MAX(rte_align32pow2(trace->sizes[first]),
				(uint32_t)MIN_POOL);
		last = first + 1;
		while (last < player->first_large && trace->sizes[last] <= size)
			last++;
		ret = player->alloc->open(size, trace_peak(trace, first, last),
				&pool);
		if (ret < 0)
			return ret;
		player->opened[player->n_opened++] = pool;
		while (first < last)
			player->keys[first++] = pool;
	}

	return 0;
}

static int
open_keys(struct player *player)
{
	const struct trace *trace = player->trace;
	uint32_t type;
	int ret = 0;

	for (type = player->first_large; type < trace->n_sizes; type++)
		player->keys[type] = trace->sizes[type];
	if (player->alloc->pooled)
		return open_pools(player);
	for (type = 0; type < player->first_large && ret == 0; type++) {
		ret = player->alloc->open(trace->sizes[type],
				trace->peaks[type], &player->keys[type]);
		if (ret == 0)
			player->n_opened = 1;
	}
	player->opened[0] = player->keys[0];

	return ret;
}

/* The first size that fastmem and pools do not serve, if this is one of them. */
static uint32_t
find_large(const struct allocator *alloc, const struct trace *trace)
{
	uint32_t type = trace->n_sizes;

	if (!alloc->pooled && alloc->start != fastmem_allocator.start)
		return type;
	while (type > 0 && trace->sizes[type - 1] > rte_fastmem_max_size())
		type--;

	return type;
}

static int
player_open(struct player *player, const struct options *opts)
{
	const struct trace *trace = player->trace;
	int ret;

	player->result->skipped = allocator_missing(player->alloc);
	if (player->result->skipped != NULL)
		return 0;
	player->first_large = find_large(player->alloc, trace);
	player->keys = calloc(trace->n_sizes, sizeof(*player->keys));
	player->samples = calloc(opts->rounds, sizeof(*player->samples));
	if (player->keys == NULL || player->samples == NULL)
		return -ENOMEM;
	ret = open_keys(player);
	if (ret == 0)
		return 0;
	player->result->skipped = ret == -ENOMEM ? "out of memory" :
		strerror(-ret);

	return 0;
}

static void
player_close(struct player *player)
{
	while (player->alloc->close != NULL && player->n_opened > 0)
		player->alloc->close(player->opened[--player->n_opened]);
	free(player->keys);
	free(player->samples);
}

static int
play_rounds(struct player *players, unsigned int n, const struct options *opts)
{
	const uint64_t duration = rte_get_tsc_hz() / 1000 * opts->duration;
	struct player *player;
	unsigned int round, i;
	uint64_t elapsed;
	int ret = 0;

	for (i = 0; i < n && ret == 0 && !bench_stop; i++)
		if (players[i].result->skipped == NULL)
			ret = check(&players[i]);
	for (i = 0; i < n && ret == 0 && !bench_stop; i++)
		if (players[i].result->skipped == NULL)
			warm_up(&players[i], opts, duration);
	for (round = 0; round < opts->rounds && ret == 0 && !bench_stop; round++) {
		for (i = 0; i < n && !bench_stop; i++) {
			player = &players[(round + i) % n];
			if (player->result->skipped != NULL ||
					player->result->rounds == player->rounds)
				continue;
			player->samples[player->result->rounds++] =
				measure(player, duration, &elapsed);
		}
	}

	return ret == 0 && bench_stop ? -EINTR : ret;
}

static int
play_all(const struct options *opts, struct replay *replay, void **objs,
	uint64_t *stamps)
{
	struct player players[MAX_ALLOCATORS];
	struct replay_result *result;
	unsigned int i, n;
	int ret = 0;

	memset(players, 0, sizeof(players));
	for (n = 0; n < opts->n_allocators && ret == 0; n++) {
		players[n].alloc = opts->allocators[n];
		players[n].trace = replay->trace;
		players[n].objs = objs;
		players[n].stamps = stamps;
		players[n].result = &replay->results[n];
		replay->results[n].allocator = opts->allocators[n];
		ret = player_open(&players[n], opts);
	}
	if (ret == 0)
		ret = play_rounds(players, n, opts);
	for (i = 0; i < n; i++) {
		result = players[i].result;
		if (result->skipped == NULL && result->rounds == 0)
			result->skipped = "stopped";
		else if (result->skipped == NULL && stats_summarize(
				players[i].samples, result->rounds,
				&result->cycles) < 0)
			ret = -ENOMEM;
		player_close(&players[i]);
	}
	replay->n_results = n;

	return ret;
}

/* As far as anyone who does not serve them is among the chosen. */
static size_t
count_large(const struct options *opts, const struct trace *trace)
{
	uint32_t first = trace->n_sizes;
	size_t i, n = 0;

	for (i = 0; i < opts->n_allocators; i++)
		first = RTE_MIN(first, find_large(opts->allocators[i], trace));

	for (i = 0; i < trace->n_ops; i++)
		if (!trace_op_is_free(&trace->ops[i]) &&
				trace->ops[i].type >= first)
			n++;

	return n;
}

int
replay_run(const struct options *opts, struct replay *replay)
{
	uint64_t *stamps;
	void **objs;
	int ret;

	memset(replay, 0, sizeof(*replay));
	replay->path = opts->trace_path;
	replay->trace = opts->trace;
	replay->n_large = count_large(opts, replay->trace);

	objs = calloc(replay->trace->n_slots, sizeof(*objs));
	stamps = calloc(replay->trace->n_slots, sizeof(*stamps));
	ret = objs == NULL || stamps == NULL ? -ENOMEM :
		play_all(opts, replay, objs, stamps);
	free(objs);
	free(stamps);
	if (ret == -ENOMEM)
		report_error("cannot replay '%s': out of memory", replay->path);

	return ret;
}

double
replay_ratio(const struct replay *replay, const struct replay_result *result)
{
	const struct replay_result *reference;
	unsigned int i;

	for (i = 0; i < replay->n_results; i++) {
		reference = &replay->results[i];
		if (reference->allocator == REFERENCE_ALLOCATOR &&
				reference->skipped == NULL &&
				reference->cycles.median > 0)
			return result->cycles.median / reference->cycles.median;
	}

	return 0;
}
