/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <rte_cycles.h>
#include <rte_memcpy.h>

#include "fastmem_depot.h"

/* Before EAL is asked for memory, idle magazines are emptied if they
 * hold more than this part of what is there.
 */
#define DEPOT_IDLE_FRACTION 8

/* How long a thread that finds no memory looks again, while others hold some
 * that they may put back. These may have been preempted, or killed at it.
 */
#define FILL_WAIT_MS 10

/* Depots may make magazines for what they keep until the meta memory in use is
 * half a MiB and this part of the backing.
 */
#define HOARD_BYTES RTE_BIT64(19)
#define HOARD_FRACTION 16

/* From this number on, objects are collected as slabs; pointers to fewer do not
 * matter. It is larger than the number of objects that a slab may lack at its
 * ends, so that something is taken from each slab collected.
 */
#define COLLECT_SLAB_OBJECTS 2048

/* Objects in each of the two magazines of a cache. */
static uint32_t
depot_capacity(const struct fastmem_depot *depot, size_t max_bytes)
{
	uint64_t n = max_bytes / 2 / fastmem_bin_size(&depot->bin);

	/* Two objects less than a power of two make room for the header. */
	if (n > 2 && rte_is_power_of_2(n))
		n -= 2;
	n = RTE_MAX(n, UINT64_C(1));
	return RTE_MIN(n, FASTMEM_MAG_MAX_OBJECTS);
}

static void
depot_set_capacity(struct fastmem_depot *depot, uint32_t capacity)
{
	depot->capacity = capacity;
	rte_atomic_store_explicit(&depot->full_bytes, (uint64_t)capacity *
		fastmem_bin_size(&depot->bin), rte_memory_order_relaxed);
}

void
fastmem_depot_set_shape(struct fastmem_depot *depot,
	struct fastmem_socket *socket, unsigned int index,
	struct fastmem_shape shape, size_t cache_bytes)
{
	fastmem_bin_init(&depot->bin, &socket->backing, index, shape);
	depot->socket = socket;
	depot->slots = depot_capacity(depot, cache_bytes);
	depot_set_capacity(depot, depot->slots);
	rte_atomic_store_explicit(&depot->home, (uintptr_t)socket,
		rte_memory_order_relaxed);
}

void
fastmem_depot_init(struct fastmem_depot *depot, struct fastmem_socket *socket,
	unsigned int index, struct fastmem_shape shape)
{
	memset(depot, 0, sizeof(*depot));
	fastmem_depot_set_shape(depot, socket, index, shape,
		fastmem_depot_cache_bytes(shape.size));
}

bool
fastmem_depot_set_cache_limit(struct fastmem_depot *depot, size_t max_bytes)
{
	if (fastmem_bin_was_used(&depot->bin))
		return false;
	depot_set_capacity(depot, RTE_MIN(depot_capacity(depot, max_bytes),
		depot->slots));
	return true;
}

size_t
fastmem_depot_mag_bytes(const struct fastmem_depot *depot)
{
	return sizeof(struct fastmem_mag) + depot->slots * sizeof(void *);
}

struct fastmem_mag *
fastmem_depot_get_full(struct fastmem_depot *depot, struct fastmem_hand *hand)
{
	return fastmem_stack_pop(&depot->full, hand);
}

/* Tell if bookkeeping takes so much memory that depots may not add to it. */
static bool
depot_hoards_enough(const struct fastmem_depot *depot)
{
	struct fastmem_backing *backing = depot->bin.backing;
	uint64_t used, total;

	fastmem_meta_usage(&backing->meta, &used, &total);
	return used > HOARD_BYTES +
		fastmem_backing_bytes(backing) / HOARD_FRACTION;
}

struct fastmem_mag *
fastmem_depot_get_empty(struct fastmem_depot *depot, enum fastmem_mag_use use,
	struct fastmem_hand *hand)
{
	struct fastmem_mag *mag = fastmem_stack_pop(&depot->empty, hand);

	if (mag != NULL || fastmem_is_remote() ||
			(use == FASTMEM_MAG_HOARD && depot_hoards_enough(depot)))
		return mag;
	fastmem_race_point(FASTMEM_RACE_DEPOT_NO_EMPTY);
	mag = fastmem_backing_meta_alloc(depot->bin.backing,
		FASTMEM_META_MAGAZINE, fastmem_depot_mag_bytes(depot),
		use == FASTMEM_MAG_GROW);
	if (mag != NULL) {
		mag->count = 0;
		mag->bin = depot->bin.index;
		fastmem_mag_give(mag, hand);
	}
	return mag;
}

struct fastmem_mag *
fastmem_depot_get_used(struct fastmem_depot *depot, struct fastmem_hand *hand)
{
	struct fastmem_mag *mag = fastmem_stack_pop(&depot->partial, hand);

	fastmem_race_point(FASTMEM_RACE_DEPOT_NO_PARTIAL);
	return mag != NULL ? mag : fastmem_stack_pop(&depot->full, hand);
}

void
fastmem_depot_put(struct fastmem_depot *depot, struct fastmem_mag *mag,
	struct fastmem_hand *hand)
{
	if (mag->count == depot->capacity)
		fastmem_stack_push(&depot->full, mag, hand);
	else if (mag->count == 0)
		fastmem_stack_push(&depot->empty, mag, hand);
	else
		fastmem_stack_push(&depot->partial, mag, hand);
}

static void
chain_push(struct fastmem_chain *chain, struct fastmem_mag *mag)
{
	fastmem_mag_link(mag, chain->first);
	chain->first = mag;
	chain->count += mag->count;
}

struct fastmem_mag *
fastmem_chain_pop(struct fastmem_chain *chain)
{
	struct fastmem_mag *mag = chain->first;

	if (mag != NULL) {
		chain->first = fastmem_mag_linked(mag);
		chain->count -= mag->count;
	}
	return mag;
}

/* Take all magazines out of a stack, and push all but the claimed ones again. */
static void
depot_sift_stack(struct fastmem_depot *depot, struct fastmem_stack *stack)
{
	struct fastmem_chain chain = { 0 };
	struct fastmem_mag *mag;

	while ((mag = fastmem_stack_pop(stack, NULL)) != NULL)
		chain_push(&chain, mag);
	while ((mag = fastmem_chain_pop(&chain)) != NULL)
		fastmem_depot_put(depot, mag, NULL);
}

void
fastmem_depot_rescue(struct fastmem_depot *depot, struct fastmem_mag *mag)
{
	if (fastmem_mag_owner(mag) == FASTMEM_OWNER_RESCUE) {
		fastmem_backing_transit_begin(depot->bin.backing);
		depot_sift_stack(depot, &depot->full);
		depot_sift_stack(depot, &depot->partial);
		depot_sift_stack(depot, &depot->empty);
		fastmem_backing_transit_end(depot->bin.backing);
	}
	fastmem_depot_put(depot, mag, NULL);
}

static void
depot_reap_stack(struct fastmem_depot *depot, struct fastmem_stack *stack)
{
	struct fastmem_mag *mag;

	while ((mag = fastmem_stack_pop(stack, NULL)) != NULL) {
		fastmem_race_point(FASTMEM_RACE_DEPOT_REAP_TAKEN);
		fastmem_bin_drain(&depot->bin, mag->objs, mag->count);
		mag->count = 0;
		fastmem_race_point(FASTMEM_RACE_DEPOT_REAP_DRAINED);
		fastmem_mag_set_owner(mag, FASTMEM_OWNER_META);
		/* Magazines of a size serve all bins that use it. */
		fastmem_meta_free(&depot->bin.backing->meta,
			FASTMEM_META_MAGAZINE, mag,
			fastmem_depot_mag_bytes(depot));
	}
}

static void
depot_reap(struct fastmem_depot *depot)
{
	depot_reap_stack(depot, &depot->full);
	depot_reap_stack(depot, &depot->partial);
	depot_reap_stack(depot, &depot->empty);
}

/* The depot of a type if that is in use and on a socket; or NULL. It stays the
 * type's as long as the socket's reap lock is held.
 */
static struct fastmem_depot *
depot_of_type(struct fastmem_socket *socket, unsigned int i)
{
	struct fastmem_type *type = &socket->types[i];

	/* Acquire: the depot was initialized before. */
	return rte_atomic_load_explicit(&type->used,
			rte_memory_order_acquire) != 0 &&
		rte_atomic_load_explicit(&type->depot.home,
			rte_memory_order_relaxed) == (uintptr_t)socket ?
		&type->depot : NULL;
}

void
fastmem_depot_reap_socket(struct fastmem_socket *socket)
{
	struct fastmem_depot *depot;
	unsigned int i;

	/* A second thread waits: the objects that it needs may be on
	 * their way from a magazine to a slab.
	 */
	fastmem_lock(&socket->reap_lock);
	for (i = 0; i < FASTMEM_N_BINS; i++)
		depot_reap(&socket->depots[i]);
	for (i = 0; i < FASTMEM_MAX_TYPES; i++) {
		depot = depot_of_type(socket, i);
		if (depot != NULL)
			depot_reap(depot);
	}
	fastmem_unlock(&socket->reap_lock);
}

void
fastmem_depot_reap_one(struct fastmem_depot *depot)
{
	fastmem_lock(&depot->socket->reap_lock);
	depot_reap(depot);
	fastmem_unlock(&depot->socket->reap_lock);
}

/* What full magazines hold. */
static uint64_t
depot_idle_bytes(const struct fastmem_depot *depot)
{
	return fastmem_stack_count(&depot->full) * rte_atomic_load_explicit(
		&depot->full_bytes, rte_memory_order_relaxed);
}

static bool
depot_socket_has_idle(struct fastmem_socket *socket)
{
	const struct fastmem_depot *depot;
	uint64_t idle = 0;
	unsigned int i;

	for (i = 0; i < FASTMEM_N_BINS; i++)
		idle += depot_idle_bytes(&socket->depots[i]);
	for (i = 0; i < FASTMEM_MAX_TYPES; i++) {
		depot = depot_of_type(socket, i);
		if (depot != NULL)
			idle += depot_idle_bytes(depot);
	}
	return idle > fastmem_backing_bytes(&socket->backing) /
		DEPOT_IDLE_FRACTION;
}

unsigned int
fastmem_depot_fill(struct fastmem_depot *depot, void **objs, unsigned int n,
	unsigned int flags, unsigned int held)
{
	struct fastmem_socket *socket = depot->socket;
	unsigned int got, spins = 0;
	uint64_t transit, until = 0;

	got = fastmem_bin_fill(&depot->bin, objs, n, false);
	if ((flags & FASTMEM_F_AT_HAND) != 0)
		return got;
	fastmem_race_point(FASTMEM_RACE_DEPOT_FILL_IDLE);
	if (got == 0 && depot_socket_has_idle(socket)) {
		fastmem_depot_reap_socket(socket);
		got = fastmem_bin_fill(&depot->bin, objs, n, false);
	}
	fastmem_race_point(FASTMEM_RACE_DEPOT_FILL_GROWS);
	if (got == 0 && (flags & RTE_FASTMEM_F_NO_GROW) == 0)
		got = fastmem_bin_fill(&depot->bin, objs, n, true);
	while (got == 0) {
		transit = fastmem_backing_transit(&socket->backing);
		fastmem_race_point(FASTMEM_RACE_DEPOT_FILL_TRANSIT_READ);
		fastmem_depot_reap_socket(socket);
		got = fastmem_bin_fill(&depot->bin, objs, n, false);
		fastmem_race_point(FASTMEM_RACE_DEPOT_FILL_REAPED);
		/* Filling in vain is one transit. If there was no other one,
		 * there is no memory.
		 */
		if ((transit & FASTMEM_TRANSIT_COUNT_MASK) == held &&
				transit + FASTMEM_TRANSIT_ENDED ==
				fastmem_backing_transit(&socket->backing))
			break;
		if (until == 0)
			until = rte_get_timer_cycles() +
				rte_get_timer_hz() / 1000 * FILL_WAIT_MS;
		else if (rte_get_timer_cycles() > until)
			break;
		if (got == 0)
			fastmem_wait(&spins);
	}
	return got;
}

static struct fastmem_slab *
chain_pop_slab(struct fastmem_chain *chain)
{
	struct fastmem_slab *slab = chain->slabs;

	if (slab != NULL)
		chain->slabs = slab->next;
	return slab;
}

unsigned int
fastmem_chain_take_slabs(struct fastmem_chain *chain,
	struct fastmem_depot *depot, void **ptrs, unsigned int n)
{
	struct fastmem_slab *slab;
	unsigned int got = 0;

	while ((slab = chain_pop_slab(chain)) != NULL)
		got += fastmem_bin_adopt(&depot->bin, slab, &ptrs[got], n - got);
	return got;
}

/* A magazine with objects from slabs, or from slabs in use only; NULL if there
 * is no memory. The caller has begun a transit.
 */
static struct fastmem_mag *
depot_get_filled(struct fastmem_depot *depot, unsigned int flags, bool in_use)
{
	struct fastmem_mag *mag = fastmem_depot_get_empty(depot, in_use ?
		FASTMEM_MAG_KEEP : fastmem_mag_use(flags), NULL);

	if (mag == NULL)
		return NULL;
	fastmem_race_point(FASTMEM_RACE_DEPOT_EMPTY_TAKEN);
	if (in_use)
		mag->count = fastmem_bin_take(&depot->bin, mag->objs,
			depot->capacity);
	else
		mag->count = fastmem_depot_fill(depot, mag->objs,
			depot->capacity, flags, 1);
	if (mag->count == 0) {
		fastmem_depot_put(depot, mag, NULL);
		return NULL;
	}
	return mag;
}

static bool
depot_collect(struct fastmem_depot *depot, unsigned int n, unsigned int flags,
	struct fastmem_chain *chain)
{
	/* What has to be constructed, or counted, goes through magazines. */
	const bool may_take_slabs = depot->bin.type == NULL &&
		(flags & FASTMEM_F_MAGAZINES) == 0;
	size_t size = fastmem_bin_size(&depot->bin);
	struct fastmem_slab *slab;
	struct fastmem_mag *mag;
	unsigned int k;

	memset(chain, 0, sizeof(*chain));
	/* What can never be there is not worth taking all memory for. */
	if (n > depot->bin.backing->dir->bytes / size)
		return false;

	while (chain->count < n && (mag = fastmem_depot_get_used(depot, NULL)) != NULL)
		chain_push(chain, mag);
	while (chain->count < n &&
			(mag = depot_get_filled(depot, flags, true)) != NULL) {
		chain_push(chain, mag);
		chain->fresh += mag->count;
	}
	while (may_take_slabs && chain->count < n &&
			n - chain->count >= COLLECT_SLAB_OBJECTS) {
		slab = fastmem_bin_acquire(&depot->bin,
			(flags & RTE_FASTMEM_F_NO_GROW) == 0);
		if (slab == NULL)
			break;
		fastmem_race_point(FASTMEM_RACE_DEPOT_SLAB_COLLECTED);
		slab->next = chain->slabs;
		chain->slabs = slab;
		k = fastmem_slab_capacity(slab, depot->bin.shape);
		chain->count += k;
		chain->fresh += k;
	}
	while (chain->count < n) {
		mag = depot_get_filled(depot, flags, false);
		if (mag == NULL)
			break;
		chain_push(chain, mag);
		chain->fresh += mag->count;
	}
	fastmem_race_point(FASTMEM_RACE_DEPOT_COLLECTED);
	if (chain->count >= n)
		return true;

	fastmem_race_point(FASTMEM_RACE_DEPOT_GIVES_BACK);
	while ((mag = fastmem_chain_pop(chain)) != NULL)
		fastmem_depot_put(depot, mag, NULL);
	while ((slab = chain_pop_slab(chain)) != NULL)
		fastmem_bin_release(&depot->bin, slab);
	return false;
}

bool
fastmem_depot_collect(struct fastmem_depot *depot, unsigned int n,
	unsigned int flags, struct fastmem_chain *chain)
{
	bool ret;

	fastmem_backing_transit_begin(depot->bin.backing);
	ret = depot_collect(depot, n, flags, chain);
	fastmem_backing_transit_end(depot->bin.backing);
	return ret;
}

static inline void
depot_count(RTE_ATOMIC(uint64_t) *counter, uint64_t n)
{
	/* Release: what was counted before is seen by who sees this. */
	rte_atomic_fetch_add_explicit(counter, n, rte_memory_order_release);
}

uint64_t
fastmem_depot_purge(struct fastmem_depot *depot)
{
	uint64_t n = fastmem_bin_purge(&depot->bin);

	/* What was allocated is freed by nobody in particular. */
	depot_count(&depot->shared.free_misses, n);
	depot_count(&depot->shared.frees, n);
	return n;
}

void *
fastmem_depot_shared_alloc(struct fastmem_depot *depot, unsigned int flags)
{
	struct fastmem_mag *mag;
	bool hit = true;
	void *obj;

	fastmem_backing_transit_begin(depot->bin.backing);
	mag = fastmem_depot_get_used(depot, NULL);
	if (mag == NULL) {
		hit = false;
		mag = depot_get_filled(depot, flags, false);
	}
	if (mag != NULL) {
		fastmem_race_point(FASTMEM_RACE_SHARED_ALLOC_TAKEN);
		obj = mag->objs[--mag->count];
		fastmem_depot_put(depot, mag, NULL);
	} else if (fastmem_depot_fill(depot, &obj, 1, flags, 1) == 0) {
		obj = NULL;
	}
	fastmem_race_point(FASTMEM_RACE_SHARED_ALLOC_PUT);
	fastmem_backing_transit_end(depot->bin.backing);

	if (obj == NULL)
		return NULL;
	/* Misses first: who reads them last sees one for each allocation. */
	if (!hit)
		depot_count(&depot->shared.alloc_misses, 1);
	fastmem_race_point(FASTMEM_RACE_SHARED_ALLOC_HALF_COUNTED);
	depot_count(&depot->shared.allocs, 1);
	return obj;
}

bool
fastmem_depot_shared_alloc_bulk(struct fastmem_depot *depot, void **ptrs,
	unsigned int n, unsigned int flags)
{
	struct fastmem_chain chain;
	struct fastmem_mag *mag;
	unsigned int k;

	if (!fastmem_depot_collect(depot, n, flags, &chain))
		return false;
	depot_count(&depot->shared.alloc_misses, RTE_MIN((uint64_t)n, chain.fresh));
	depot_count(&depot->shared.allocs, n);
	k = fastmem_chain_take_slabs(&chain, depot, ptrs, n);
	ptrs += k;
	n -= k;
	while ((mag = fastmem_chain_pop(&chain)) != NULL) {
		k = RTE_MIN(n, mag->count);
		mag->count -= k;
		rte_memcpy(ptrs, &mag->objs[mag->count], k * sizeof(ptrs[0]));
		fastmem_depot_put(depot, mag, NULL);
		ptrs += k;
		n -= k;
	}
	return true;
}

void
fastmem_depot_count_nomem(struct fastmem_depot *depot, unsigned int n)
{
	depot_count(&depot->shared.alloc_nomem, n);
}

void
fastmem_depot_shared_free(struct fastmem_depot *depot, void *const *ptrs,
	unsigned int n)
{
	struct fastmem_mag *mag;
	unsigned int k;

	for (; n > 0; n -= k, ptrs += k) {
		fastmem_backing_transit_begin(depot->bin.backing);
		mag = fastmem_stack_pop(&depot->partial, NULL);
		if (mag == NULL)
			mag = fastmem_depot_get_empty(depot,
				FASTMEM_MAG_HOARD, NULL);
		if (mag == NULL) {
			fastmem_bin_drain(&depot->bin, ptrs, n);
			fastmem_backing_transit_end(depot->bin.backing);
			depot_count(&depot->shared.free_misses, n);
			depot_count(&depot->shared.frees, n);
			return;
		}
		fastmem_race_point(FASTMEM_RACE_SHARED_FREE_TAKEN);
		k = RTE_MIN(n, depot->capacity - mag->count);
		rte_memcpy(&mag->objs[mag->count], ptrs, k * sizeof(ptrs[0]));
		mag->count += k;
		fastmem_depot_put(depot, mag, NULL);
		fastmem_race_point(FASTMEM_RACE_SHARED_FREE_PUT);
		fastmem_backing_transit_end(depot->bin.backing);
		depot_count(&depot->shared.frees, k);
	}
}
