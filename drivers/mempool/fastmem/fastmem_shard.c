/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What enqueue and dequeue do when the magazine that is loaded does not do.
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_cycles.h>
#include <rte_pause.h>

#include "fastmem_fixed.h"
#include "fastmem_mag.h"
#include "fastmem_wait.h"

/* How long to try the own lock before a shared shard serves as well: longer
 * than a robber has it, and far shorter than a thread is preempted.
 */
#define HOME_PAUSES 256

/* Magazines that one call gives to the depot at most, beyond those it is about:
 * a limit that has shrunk is no reason to make one caller wait.
 */
#define SPILL_MAX 8

/* How long to look for empty magazines, and how often at least. They are there,
 * unless somebody has put more objects than the pool has, or in a shard that is
 * locked. Tries take 55 to 100 us each, most of which is sleep; where CPUs are
 * busy they take a millisecond or two, which the lock's holder may need, too.
 */
#define ENQUEUE_SECONDS 1
#define ENQUEUE_TRIES 1000

/* How often to look for objects while others are busy. Then they have to stop. */
#define DEQUEUE_TRIES 4

static bool
shard_is_used(const struct fixed_pool *pool, unsigned int i)
{
	/* Acquire: pairs with shard_mark_used(). */
	return (rte_atomic_load_explicit(&pool->used[i / 64],
		rte_memory_order_acquire) & RTE_BIT64(i % 64)) != 0;
}

/* Before anything else is done with a shard's lock for the first time. */
static void
shard_mark_used(struct fixed_pool *pool, const struct fixed_shard *shard)
{
	unsigned int i = shard - pool->shards;

	/* Ordered before all that the caller does to the shard and depot, which
	 * is released.
	 */
	rte_atomic_fetch_or_explicit(&pool->used[i / 64], RTE_BIT64(i % 64),
		rte_memory_order_acq_rel);
}

/* After an exchange found a state: get ready if that has locked the shard, and
 * tell if so.
 */
static bool
shard_begin(struct fixed_pool *pool, struct fixed_shard *shard, uint64_t state)
{
	if (unlikely(state == FIXED_STATE_TAKEN))
		return false;
	if (unlikely(state == FIXED_STATE_UNUSED)) {
		shard_mark_used(pool, shard);
		state = 0;
	}
	shard->last_state = state;
	shard->n_loaded = fixed_state_count(state);
	return true;
}

static bool
shard_try(struct fixed_pool *pool, struct fixed_shard *shard)
{
	/* Relaxed: a guess, which spares the holder's cache line. */
	if (rte_atomic_load_explicit(&shard->state, rte_memory_order_relaxed) ==
			FIXED_STATE_TAKEN)
		return false;
	return shard_begin(pool, shard, fixed_lock_try(shard));
}

/* Lock the home shard, which had a state, or a shared one if it takes too long. */
static struct fixed_shard *
shard_acquire(struct fixed_pool *pool, struct fixed_shard *home, uint64_t state)
{
	struct fixed_shard *shard;
	unsigned int i;

	if (likely(shard_begin(pool, home, state)))
		return home;
	for (i = 0; i < HOME_PAUSES; i++) {
		if (shard_try(pool, home))
			return home;
		rte_pause();
	}
	for (;;) {
		for (i = 0; i < FIXED_N_SHARED_SHARDS; i++) {
			shard = &pool->shards[RTE_MAX_LCORE + i];
			if (shard_try(pool, shard))
				return shard;
		}
		/* The holders may wait for this CPU. */
		rte_delay_us_sleep(1);
		if (shard_try(pool, home))
			return home;
	}
}

static void
shard_release(struct fixed_shard *shard)
{
	fixed_unlock(shard, shard->last_state & ~FIXED_STATE_COUNT_MASK,
		shard->n_loaded);
}

/* The objects of a shard that the caller has locked. */
static uint64_t
shard_count(const struct fixed_pool *pool, const struct fixed_shard *shard)
{
	return shard->n_loaded +
		(uint64_t)chain_count(&shard->full) * pool->mag_size;
}

/* A magazine comes from the depot. Had the shard not given one like it away, it
 * would have it still. One that always gets objects, or always puts them, gives
 * none of the kind away, and has no use for what the others need.
 */
static void
shard_grow_limit(struct fixed_shard *shard, uint32_t *n_spilled)
{
	if (*n_spilled == 0)
		return;
	--*n_spilled;
	shard->limit++;
}

/* Others need what a shard keeps. */
static void
shard_shrink_limit(struct fixed_shard *shard)
{
	shard->limit /= 2;
	shard->n_full_spilled = 0;
	shard->n_empty_spilled = 0;
}

/* An empty magazine out of another shard's chain, or NULL. */
static struct fixed_mag *
shard_rob_empty(struct fixed_pool *pool, const struct fixed_shard *shard)
{
	struct fixed_mag *mag = NULL;
	struct fixed_shard *victim;
	unsigned int i;

	for (i = 0; i < FIXED_N_SHARDS && mag == NULL; i++) {
		victim = &pool->shards[i];
		if (victim == shard || chain_count(&victim->empty) == 0 ||
				!shard_try(pool, victim))
			continue;
		mag = chain_pop(pool, &victim->empty);
		shard_shrink_limit(victim);
		shard_release(victim);
	}
	return mag;
}

/* One that no shard needs, or NULL. */
static struct fixed_mag *
shard_get_empty(struct fixed_pool *pool, struct fixed_shard *shard)
{
	struct fixed_mag *mag = stack_pop(pool, &pool->empty);

	if (mag != NULL) {
		shard_grow_limit(shard, &shard->n_empty_spilled);
		return mag;
	}
	return shard_rob_empty(pool, shard);
}

/* Get a shard the empty magazines for n objects; returns whether it has them. */
static bool
shard_make_room(struct fixed_pool *pool, struct fixed_shard *shard,
	unsigned int n)
{
	uint64_t room = pool->mag_size - shard->n_loaded +
		(uint64_t)chain_count(&shard->empty) * pool->mag_size;
	struct fixed_mag *mag;

	for (; room < n; room += pool->mag_size) {
		mag = shard_get_empty(pool, shard);
		if (unlikely(mag == NULL))
			return false;
		chain_push(pool, &shard->empty, mag);
	}
	return true;
}

/* Put objects into a shard that has room for as many. */
static void
shard_put(struct fixed_pool *pool, struct fixed_shard *shard,
	void * const *objs, unsigned int n)
{
	uint32_t k;

	for (;;) {
		k = RTE_MIN(n, pool->mag_size - shard->n_loaded);
		fixed_copy(&shard->loaded->objs[shard->n_loaded], objs, k);
		shard->n_loaded += k;
		objs += k;
		n -= k;
		if (n == 0)
			return;
		chain_push(pool, &shard->full, shard->loaded);
		shard->loaded = chain_pop(pool, &shard->empty);
		shard->n_loaded = 0;
	}
}

/* Take objects out of a shard that has as many. */
static void
shard_get(struct fixed_pool *pool, struct fixed_shard *shard, void **objs,
	unsigned int n)
{
	uint32_t k;

	for (;;) {
		k = RTE_MIN(n, shard->n_loaded);
		shard->n_loaded -= k;
		fixed_copy(objs, &shard->loaded->objs[shard->n_loaded], k);
		objs += k;
		n -= k;
		if (n == 0)
			return;
		chain_push(pool, &shard->empty, shard->loaded);
		shard->loaded = chain_pop(pool, &shard->full);
		shard->n_loaded = pool->mag_size;
	}
}

/* Give to the depot what a shard may not keep. */
static void
shard_spill(struct fixed_pool *pool, struct fixed_shard *shard,
	struct fixed_chain *chain, struct fixed_stack *stack, uint32_t *n_spilled)
{
	unsigned int i;

	for (i = 0; i < SPILL_MAX && chain_count(chain) > shard->limit; i++) {
		stack_push(pool, stack, chain_pop(pool, chain));
		++*n_spilled;
	}
}

static void
shard_spill_full(struct fixed_pool *pool, struct fixed_shard *shard)
{
	shard_spill(pool, shard, &shard->full, &pool->full,
		&shard->n_full_spilled);
}

static void
shard_spill_empty(struct fixed_pool *pool, struct fixed_shard *shard)
{
	shard_spill(pool, shard, &shard->empty, &pool->empty,
		&shard->n_empty_spilled);
}

int
fastmem_shard_enqueue(struct fixed_pool *pool, struct fixed_shard *home,
	uint64_t state, void * const *objs, unsigned int n)
{
	struct fixed_shard *shard;
	unsigned int spins = 0, i;
	uint64_t end = 0;
	bool room;

	for (i = 0; i < ENQUEUE_TRIES || rte_get_timer_cycles() < end; i++) {
		shard = shard_acquire(pool, home, state);
		room = shard_make_room(pool, shard, n);
		if (likely(room)) {
			shard_put(pool, shard, objs, n);
			shard_spill_full(pool, shard);
		}
		shard_release(shard);
		if (likely(room))
			return 0;
		if (i == 0)
			end = rte_get_timer_cycles() +
				ENQUEUE_SECONDS * rte_get_timer_hz();
		/* What is missing is in a shard that is locked. Its thread may
		 * wait for this one's lock, or for this CPU.
		 */
		wait_for_others(&spins);
		/* Locked or not, which shard_acquire() finds out. */
		state = FIXED_STATE_TAKEN;
	}
	/* Mempool does not tell the caller. */
	FIXED_LOG(ERR, "No room for %u objects in %s", n, pool->zone->name);
	return -ENOBUFS;
}

/* Take what a shard lacks of n objects out of a victim, which is locked, too. */
static void
shard_rob(struct fixed_pool *pool, struct fixed_shard *shard,
	struct fixed_shard *victim, unsigned int n)
{
	struct fixed_mag *mag;
	uint32_t room, k;

	shard_shrink_limit(victim);
	while (shard_count(pool, shard) < n && chain_count(&victim->full) > 0)
		chain_push(pool, &shard->full, chain_pop(pool, &victim->full));
	if (shard_count(pool, shard) >= n || victim->n_loaded == 0)
		return;

	/* Half of them at least, or else both go on to take from each other. */
	k = RTE_MIN(victim->n_loaded, n - shard_count(pool, shard));
	k = RTE_MAX(k, victim->n_loaded / 2);
	room = pool->mag_size - shard->n_loaded;
	if (k > room) {
		mag = chain_pop(pool, &victim->empty);
		if (mag != NULL)
			chain_push(pool, &shard->empty, mag);
		else if (!shard_make_room(pool, shard, k))
			k = room;
	}
	/* From the victim first: objects that were in two places might fill a
	 * magazine more than there are.
	 */
	victim->n_loaded -= k;
	shard_put(pool, shard, &victim->loaded->objs[victim->n_loaded], k);
}

/* Take what a shard lacks of n objects out of the depot, as far as it has them. */
static void
shard_refill(struct fixed_pool *pool, struct fixed_shard *shard, unsigned int n)
{
	struct fixed_mag *mag;

	while (shard_count(pool, shard) < n) {
		mag = stack_pop(pool, &pool->full);
		if (mag == NULL)
			break;
		chain_push(pool, &shard->full, mag);
		shard_grow_limit(shard, &shard->n_full_spilled);
	}
}

/* Relaxed: a guess, as in shard_try(). */
static bool
shard_looks_empty(const struct fixed_shard *shard)
{
	return chain_count(&shard->full) == 0 &&
		fixed_state_count(rte_atomic_load_explicit(&shard->state,
			rte_memory_order_relaxed)) == 0;
}

static void
shard_rob_all(struct fixed_pool *pool, struct fixed_shard *shard,
	unsigned int n)
{
	unsigned int self = shard - pool->shards, i, k;
	struct fixed_shard *victim;

	/* Everyone begins with another victim. */
	for (k = 1; k < FIXED_N_SHARDS && shard_count(pool, shard) < n; k++) {
		i = (self + k) % FIXED_N_SHARDS;
		victim = &pool->shards[i];
		if (!shard_is_used(pool, i) || shard_looks_empty(victim) ||
				!shard_try(pool, victim))
			continue;
		shard_rob(pool, shard, victim, n);
		shard_release(victim);
	}
}

/* The shards whose locks have to be taken, or be free, for the depot and all
 * shards to hold still. A thread that comes to another one for the first time
 * marks it, and changes neither it nor the depot before that.
 */
struct used_shards {
	uint64_t bits[RTE_DIM(((struct fixed_pool *)NULL)->used)];
};

static void
used_read(const struct fixed_pool *pool, struct used_shards *used)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(used->bits); i++)
		used->bits[i] = rte_atomic_load_explicit(&pool->used[i],
			rte_memory_order_acquire);
}

static bool
used_is_same(const struct fixed_pool *pool, const struct used_shards *used)
{
	struct used_shards now;

	used_read(pool, &now);
	return memcmp(&now, used, sizeof(now)) == 0;
}

static bool
used_has(const struct used_shards *used, unsigned int i)
{
	return (used->bits[i / 64] & RTE_BIT64(i % 64)) != 0;
}

/*
 * Tell if the whole pool had fewer than n objects at some moment. The caller has
 * the lock of one shard.
 *
 * The states of all other shards are read twice. If none was locked, and none
 * has another version the second time, then at the moment between the two
 * nothing was in anybody's hands, and what was read is what there was.
 */
static bool
pool_lacks(const struct fixed_pool *pool, const struct fixed_shard *own,
	unsigned int n)
{
	uint64_t states[FIXED_N_SHARDS];
	const struct fixed_shard *shard;
	struct used_shards used;
	uint64_t count;
	unsigned int i;

	used_read(pool, &used);
	count = shard_count(pool, own);
	for (i = 0; i < FIXED_N_SHARDS; i++) {
		shard = &pool->shards[i];
		if (!used_has(&used, i) || shard == own)
			continue;
		/* Acquire: its chain is read after it. */
		states[i] = rte_atomic_load_explicit(&shard->state,
			rte_memory_order_acquire);
		if (states[i] == FIXED_STATE_TAKEN)
			return false;
		count += fixed_state_count(states[i]) +
			(uint64_t)chain_count(&shard->full) * pool->mag_size;
	}
	count += (uint64_t)stack_count(pool, &pool->full) * pool->mag_size;
	if (count >= n)
		return false;

	/* The states are read again after all that. Whoever changed any of it
	 * has released the change after he took the lock.
	 */
	rte_atomic_thread_fence(rte_memory_order_acquire);
	for (i = 0; i < FIXED_N_SHARDS; i++) {
		shard = &pool->shards[i];
		if (used_has(&used, i) && shard != own &&
				rte_atomic_load_explicit(&shard->state,
				rte_memory_order_relaxed) != states[i])
			return false;
	}
	return used_is_same(pool, &used);
}

/* Take n objects while nobody else can do anything to the pool. */
static int
pool_dequeue_alone(struct fixed_pool *pool, void **objs, unsigned int n)
{
	struct fixed_shard *shard, *first = NULL;
	struct used_shards used;
	uint64_t count = 0;
	unsigned int spins = 0, i, k;
	int ret = -ENOBUFS;

	used_read(pool, &used);
	for (i = 0; i < FIXED_N_SHARDS; i++) {
		shard = &pool->shards[i];
		if (!used_has(&used, i))
			continue;
		while (!shard_try(pool, shard))
			wait_for_others(&spins);
		if (first == NULL)
			first = shard;
		count += shard_count(pool, shard);
	}
	count += (uint64_t)stack_count(pool, &pool->full) * pool->mag_size;

	if (!used_is_same(pool, &used)) {
		ret = -EAGAIN;
	} else if (count >= n) {
		for (i = 0; i < FIXED_N_SHARDS && n > 0; i++) {
			shard = &pool->shards[i];
			if (!used_has(&used, i))
				continue;
			if (shard == first)
				shard_refill(pool, shard, n);
			k = RTE_MIN((uint64_t)n, shard_count(pool, shard));
			shard_get(pool, shard, objs, k);
			objs += k;
			n -= k;
		}
		ret = 0;
	}
	for (i = 0; i < FIXED_N_SHARDS; i++)
		if (used_has(&used, i))
			shard_release(&pool->shards[i]);
	return ret;
}

int
fastmem_shard_dequeue(struct fixed_pool *pool, struct fixed_shard *home,
	uint64_t state, void **objs, unsigned int n)
{
	struct fixed_shard *shard;
	bool found, lacks = false;
	unsigned int i;
	int ret;

	shard = shard_acquire(pool, home, state);
	shard_refill(pool, shard, n);
	found = shard_count(pool, shard) >= n;
	for (i = 0; i < DEQUEUE_TRIES && !found && !lacks; i++) {
		lacks = pool_lacks(pool, shard, n);
		if (!lacks)
			shard_rob_all(pool, shard, n);
		found = shard_count(pool, shard) >= n;
	}
	if (found)
		shard_get(pool, shard, objs, n);
	else
		shard_spill_full(pool, shard);
	shard_spill_empty(pool, shard);
	shard_release(shard);
	if (likely(found))
		return 0;
	if (lacks)
		return -ENOBUFS;

	do {
		ret = pool_dequeue_alone(pool, objs, n);
	} while (ret == -EAGAIN);
	return ret;
}
