/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <rte_cycles.h>
#include <rte_memcpy.h>

#include "fastmem_depot.h"

/* A head is a tag above the address of a magazine without its lower bits,
 * which are zero. Magazines lie at least 64 B apart. User space has 47 bits
 * on x86 and 48 on Arm; with a tag of 22 bits, a thread would have to
 * be preempted while four million exchanges happen, and the same
 * magazine be on top at the exact moment, for a take to go wrong.
 *
 * A link has the number of magazines from there on in the place of the tag.
 */
#define STACK_ADDR_BITS 48
#define STACK_LOW_BITS FASTMEM_META_MIN_ORDER
#define STACK_POS_BITS (STACK_ADDR_BITS - STACK_LOW_BITS)
#define STACK_POS_MASK (RTE_BIT64(STACK_POS_BITS) - 1)
#define STACK_TAG_ONE (STACK_POS_MASK + 1)
#define STACK_DEPTH_MAX (RTE_BIT64(64 - STACK_POS_BITS) - 1)

/* The owner of a magazine, below a number that each change of it increases. */
#define OWNER_BITS 16
#define OWNER_MASK ((UINT32_C(1) << OWNER_BITS) - 1)
#define OWNER_CHANGE (OWNER_MASK + 1)

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

static inline uint64_t
stack_pos(const struct fastmem_mag *mag)
{
	return (uintptr_t)mag >> STACK_LOW_BITS;
}

static inline struct fastmem_mag *
stack_mag(uint64_t pos)
{
	return (struct fastmem_mag *)(uintptr_t)
		((pos & STACK_POS_MASK) << STACK_LOW_BITS);
}

static inline uint64_t
stack_next_tag(uint64_t head)
{
	return (head + STACK_TAG_ONE) & ~STACK_POS_MASK;
}

/* Relaxed: a push and a claim order what has to be. */
static inline uint32_t
mag_owner_word(const struct fastmem_mag *mag)
{
	return rte_atomic_load_explicit(&mag->owner, rte_memory_order_relaxed);
}

static inline uint32_t
owner_next(uint32_t word, uint32_t owner)
{
	return ((word + OWNER_CHANGE) & ~OWNER_MASK) | owner;
}

/* Change the owner of a magazine which belongs to the caller. */
static inline void
mag_set_owner(struct fastmem_mag *mag, uint32_t owner)
{
	rte_atomic_store_explicit(&mag->owner,
		owner_next(mag_owner_word(mag), owner),
		rte_memory_order_relaxed);
}

static inline uint32_t
hand_owner(const struct fastmem_hand *hand)
{
	return hand != NULL ? hand->owner : FASTMEM_OWNER_NONE;
}

static inline void
hand_set(RTE_ATOMIC(uintptr_t) *side, const struct fastmem_mag *mag)
{
	rte_atomic_store_explicit(side, (uintptr_t)mag,
		rte_memory_order_relaxed);
	/* Whoever looks after a thread that was killed sees what it had done
	 * in the order of the program, which the compiler must keep.
	 */
	rte_atomic_thread_fence(rte_memory_order_release);
}

static void
stack_push(struct fastmem_stack *stack, struct fastmem_mag *mag,
	struct fastmem_hand *hand)
{
	/* Relaxed: the value is only compared, and its position stored. */
	uint64_t head = rte_atomic_load_explicit(&stack->head,
		rte_memory_order_relaxed);
	const struct fastmem_mag *below;
	uint64_t next, depth;

	fastmem_race_point(FASTMEM_RACE_STACK_PUSH_HEAD_READ);
	if (hand != NULL)
		hand_set(&hand->out, mag);
	mag_set_owner(mag, FASTMEM_OWNER_DEPOT);
	fastmem_race_point(FASTMEM_RACE_STACK_PUSH_DISOWNED);
	do {
		/* Relaxed: what is not the top any more fails the exchange. */
		below = stack_mag(head);
		depth = below == NULL ? 0 : rte_atomic_load_explicit(
			&below->next, rte_memory_order_relaxed) >> STACK_POS_BITS;
		depth = RTE_MIN(depth + 1, STACK_DEPTH_MAX);
		rte_atomic_store_explicit(&mag->next, depth << STACK_POS_BITS |
			(head & STACK_POS_MASK), rte_memory_order_relaxed);
		next = stack_next_tag(head) | stack_pos(mag);
		fastmem_race_point(FASTMEM_RACE_STACK_PUSH_LINKED);
		/* Release the magazine and its link to the taker. */
	} while (!rte_atomic_compare_exchange_weak_explicit(&stack->head,
		&head, next, rte_memory_order_release,
		rte_memory_order_relaxed));
	fastmem_race_point(FASTMEM_RACE_STACK_PUSHED);
	if (hand != NULL)
		hand_set(&hand->out, NULL);
}

/* Unlink the first magazine; its owner's word is that of before. */
static struct fastmem_mag *
stack_unlink(struct fastmem_stack *stack, struct fastmem_hand *hand,
	uint32_t *owner)
{
	/* Acquire: the link behind the head is read next. */
	uint64_t head = rte_atomic_load_explicit(&stack->head,
		rte_memory_order_acquire);
	struct fastmem_mag *mag;
	uint64_t next;

	do {
		mag = stack_mag(head);
		if (mag == NULL)
			return NULL;
		fastmem_race_point(FASTMEM_RACE_STACK_POP_HEAD_READ);
		if (hand != NULL)
			hand_set(&hand->in, mag);
		/* Relaxed: if the magazine is on the top still, the acquire
		 * above has ordered it; if not, the exchange fails.
		 */
		*owner = mag_owner_word(mag);
		next = rte_atomic_load_explicit(&mag->next,
			rte_memory_order_relaxed) & STACK_POS_MASK;
		next |= stack_next_tag(head);
		fastmem_race_point(FASTMEM_RACE_STACK_POP_NEXT_READ);
		/* Acquire what the pusher wrote into the magazine; release that
		 * the magazine is in transit to who finds the stack empty.
		 */
	} while (!rte_atomic_compare_exchange_weak_explicit(&stack->head,
		&head, next, rte_memory_order_acq_rel,
		rte_memory_order_acquire));
	fastmem_race_point(FASTMEM_RACE_STACK_POPPED);
	return mag;
}

/* The caller clears its hand, or puts to use what is in it. */
static struct fastmem_mag *
stack_pop(struct fastmem_stack *stack, struct fastmem_hand *hand)
{
	struct fastmem_mag *mag;
	uint32_t owner;

	while ((mag = stack_unlink(stack, hand, &owner)) != NULL) {
		/* A rescue may have claimed it, and does with it what is to be
		 * done. Acquire: what that did, if it has put it back.
		 */
		if (likely((owner & OWNER_MASK) == FASTMEM_OWNER_DEPOT &&
				rte_atomic_compare_exchange_strong_explicit(
				&mag->owner, &owner,
				owner | hand_owner(hand),
				rte_memory_order_acquire,
				rte_memory_order_relaxed)))
			break;
	}
	fastmem_race_point(FASTMEM_RACE_STACK_CLAIMED);
	if (mag == NULL && hand != NULL)
		hand_set(&hand->in, NULL);
	return mag;
}

uint32_t
fastmem_stack_count(const struct fastmem_stack *stack)
{
	const struct fastmem_mag *mag = stack_mag(rte_atomic_load_explicit(
		&stack->head, rte_memory_order_acquire));

	return mag == NULL ? 0 : rte_atomic_load_explicit(&mag->next,
		rte_memory_order_relaxed) >> STACK_POS_BITS;
}

struct fastmem_mag *
fastmem_stack_walk(struct fastmem_stack *stack, const struct fastmem_mag *mag)
{
	if (mag == NULL)
		return stack_mag(rte_atomic_load_explicit(&stack->head,
			rte_memory_order_acquire));
	return fastmem_mag_linked(mag);
}

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

void
fastmem_depot_set_shape(struct fastmem_depot *depot,
	struct fastmem_socket *socket, unsigned int index,
	struct fastmem_shape shape, size_t cache_bytes)
{
	fastmem_bin_init(&depot->bin, &socket->backing, index, shape);
	depot->socket = socket;
	depot->slots = depot_capacity(depot, cache_bytes);
	depot->capacity = depot->slots;
}

void
fastmem_depot_init(struct fastmem_depot *depot, struct fastmem_socket *socket,
	unsigned int index, struct fastmem_shape shape)
{
	memset(depot, 0, sizeof(*depot));
	fastmem_depot_set_shape(depot, socket, index, shape,
		FASTMEM_CACHE_MAX_BYTES);
}

bool
fastmem_depot_set_cache_limit(struct fastmem_depot *depot, size_t max_bytes)
{
	if (fastmem_bin_was_used(&depot->bin))
		return false;
	depot->capacity = RTE_MIN(depot_capacity(depot, max_bytes),
		depot->slots);
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
	return stack_pop(&depot->full, hand);
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
	struct fastmem_mag *mag = stack_pop(&depot->empty, hand);

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
		mag_set_owner(mag, hand_owner(hand));
	}
	return mag;
}

struct fastmem_mag *
fastmem_depot_get_used(struct fastmem_depot *depot, struct fastmem_hand *hand)
{
	struct fastmem_mag *mag = stack_pop(&depot->partial, hand);

	fastmem_race_point(FASTMEM_RACE_DEPOT_NO_PARTIAL);
	return mag != NULL ? mag : stack_pop(&depot->full, hand);
}

void
fastmem_depot_put(struct fastmem_depot *depot, struct fastmem_mag *mag,
	struct fastmem_hand *hand)
{
	if (mag->count == depot->capacity)
		stack_push(&depot->full, mag, hand);
	else if (mag->count == 0)
		stack_push(&depot->empty, mag, hand);
	else
		stack_push(&depot->partial, mag, hand);
}

void
fastmem_mag_give(struct fastmem_mag *mag, const struct fastmem_hand *hand)
{
	mag_set_owner(mag, hand_owner(hand));
}

void
fastmem_mag_link(struct fastmem_mag *mag, const struct fastmem_mag *next)
{
	rte_atomic_store_explicit(&mag->next, stack_pos(next),
		rte_memory_order_relaxed);
}

struct fastmem_mag *
fastmem_mag_linked(const struct fastmem_mag *mag)
{
	return stack_mag(rte_atomic_load_explicit(&mag->next,
		rte_memory_order_relaxed));
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

bool
fastmem_depot_claim(struct fastmem_mag *mag, uint32_t owner)
{
	uint32_t word = mag_owner_word(mag);

	do {
		if ((word & OWNER_MASK) == owner)
			return true;
		if ((word & OWNER_MASK) != FASTMEM_OWNER_DEPOT)
			return false;
		/* Acquire what was written before it was pushed. */
	} while (!rte_atomic_compare_exchange_weak_explicit(&mag->owner, &word,
		owner_next(word, FASTMEM_OWNER_RESCUE),
		rte_memory_order_acquire, rte_memory_order_relaxed));
	return true;
}

/* Take all magazines out of a stack, and push all but the claimed ones again. */
static void
depot_sift_stack(struct fastmem_depot *depot, struct fastmem_stack *stack)
{
	struct fastmem_chain chain = { 0 };
	struct fastmem_mag *mag;

	while ((mag = stack_pop(stack, NULL)) != NULL)
		chain_push(&chain, mag);
	while ((mag = fastmem_chain_pop(&chain)) != NULL)
		fastmem_depot_put(depot, mag, NULL);
}

void
fastmem_depot_rescue(struct fastmem_depot *depot, struct fastmem_mag *mag)
{
	if ((mag_owner_word(mag) & OWNER_MASK) == FASTMEM_OWNER_RESCUE) {
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

	while ((mag = stack_pop(stack, NULL)) != NULL) {
		fastmem_race_point(FASTMEM_RACE_DEPOT_REAP_TAKEN);
		fastmem_bin_drain(&depot->bin, mag->objs, mag->count);
		mag->count = 0;
		fastmem_race_point(FASTMEM_RACE_DEPOT_REAP_DRAINED);
		mag_set_owner(mag, FASTMEM_OWNER_META);
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

/* The depot of a type if that is in use and on a socket; or NULL. */
static struct fastmem_depot *
depot_of_type(struct fastmem_socket *socket, unsigned int i)
{
	struct fastmem_type *type = &socket->types[i];

	/* Acquire: the depot was initialized before. */
	return rte_atomic_load_explicit(&type->used,
			rte_memory_order_acquire) != 0 &&
		type->depot.socket == socket ? &type->depot : NULL;
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
	return (uint64_t)fastmem_stack_count(&depot->full) * depot->capacity *
		fastmem_bin_size(&depot->bin);
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
		mag = stack_pop(&depot->partial, NULL);
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
