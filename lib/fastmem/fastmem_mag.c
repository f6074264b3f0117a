/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include "fastmem_mag.h"
#include "fastmem_meta.h"

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

uint32_t
fastmem_mag_owner(const struct fastmem_mag *mag)
{
	return mag_owner_word(mag) & OWNER_MASK;
}

static inline uint32_t
owner_next(uint32_t word, uint32_t owner)
{
	return ((word + OWNER_CHANGE) & ~OWNER_MASK) | owner;
}

void
fastmem_mag_set_owner(struct fastmem_mag *mag, uint32_t owner)
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

void
fastmem_stack_push(struct fastmem_stack *stack, struct fastmem_mag *mag,
	struct fastmem_hand *hand)
{
	/* Acquire: the link of the magazine below is read next, and whoever
	 * made that one has written there before it was an atomic.
	 */
	uint64_t head = rte_atomic_load_explicit(&stack->head,
		rte_memory_order_acquire);
	const struct fastmem_mag *below;
	uint64_t next, depth;

	fastmem_race_point(FASTMEM_RACE_STACK_PUSH_HEAD_READ);
	if (hand != NULL)
		hand_set(&hand->out, mag);
	fastmem_mag_set_owner(mag, FASTMEM_OWNER_DEPOT);
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
		/* Release the magazine and its link to the taker; if it fails,
		 * acquire as above.
		 */
	} while (!rte_atomic_compare_exchange_weak_explicit(&stack->head,
		&head, next, rte_memory_order_release,
		rte_memory_order_acquire));
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

struct fastmem_mag *
fastmem_stack_pop(struct fastmem_stack *stack, struct fastmem_hand *hand)
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

void
fastmem_mag_give(struct fastmem_mag *mag, const struct fastmem_hand *hand)
{
	fastmem_mag_set_owner(mag, hand_owner(hand));
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

bool
fastmem_mag_claim(struct fastmem_mag *mag, uint32_t owner)
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
