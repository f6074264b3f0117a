/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_MAG_H
#define FASTMEM_MAG_H

/**
 * @file
 * Magazine: an array of objects that are free, and lock-free stacks of these.
 *
 * A stack's head is one 64-bit word: the position of the first magazine and a
 * tag, which changes with each operation. A thread that takes the first
 * magazine reads its link while another may have taken it already, which is
 * harmless: magazines are never unmapped and keep an atomic word in that
 * place, and the changed tag makes the exchange fail.
 *
 * A magazine belongs to whoever took it from a stack, until it is pushed
 * again. What its pusher wrote is seen by its taker: the push releases, the
 * take acquires, and other exchanges in between carry the release on.
 *
 * So that nothing is lost with a process that is killed, a thread notes down
 * in its hand which magazine it is about to take or to push, and claims what
 * it has taken by writing its number into the magazine. What a dead thread has
 * in its hand is rescued by a thread of the primary process:
 *
 *   owner is the dead one   It is out of the stacks.
 *   owner is the depot      It may be in a stack, or have been taken from there
 *                           by the dead thread or, not claimed yet, by a living
 *                           one. The rescue claims it. Then it takes it out of
 *                           the stack, if it is in one; a living thread which
 *                           has taken it fails to claim it and leaves it alone.
 *                           Whichever it was, it is the rescuer's now.
 *   otherwise               It is another's: the exchange failed, or it is over.
 */

#include "fastmem_private.h"

/* Up to this many objects a magazine, to have a power of two of bytes with its
 * header. Three bursts of 128 fit in; with half of that, a pipeline of such
 * bursts takes a sixth longer. A mempool's largest cache has 512.
 */
#define FASTMEM_MAG_MAX_OBJECTS 510u

struct fastmem_mag {
	/** Position of the next one in a stack, and how many there are. */
	RTE_ATOMIC(uint64_t) next;
	uint16_t count;              /**< Objects, while not in a cache. */
	uint16_t bin;                /**< Whose depot it is from. */
	RTE_ATOMIC(uint32_t) owner;  /**< FASTMEM_OWNER_*, or a block's number. */
	void *objs[];
};
static_assert(offsetof(struct fastmem_mag, objs) == 16,
	"a magazine's header takes the place of two objects");

struct __rte_cache_aligned fastmem_stack {
	RTE_ATOMIC(uint64_t) head;
};

/** Who has a magazine, besides the blocks of caches. */
enum fastmem_owner {
	FASTMEM_OWNER_DEPOT,  /**< It is in a stack. */
	FASTMEM_OWNER_NONE,   /**< A thread that needs no rescue. */
	FASTMEM_OWNER_RESCUE, /**< A rescue. */
	FASTMEM_OWNER_META,   /**< It is free memory. */
	FASTMEM_OWNER_BLOCKS, /**< The least number of a block. */
	FASTMEM_OWNER_MAX = UINT16_MAX
};

/** Where a thread notes which magazine it is exchanging at a depot. */
struct fastmem_hand {
	RTE_ATOMIC(uintptr_t) in;  /**< Being taken. */
	RTE_ATOMIC(uintptr_t) out; /**< Being pushed. */
	uint16_t owner;            /**< The number of its block. */
};

/** Push a magazine; the hand is that of a block, or NULL. */
void
fastmem_stack_push(struct fastmem_stack *stack, struct fastmem_mag *mag,
	struct fastmem_hand *hand);

/**
 * Take the first magazine, or NULL. It is in the hand then, which the caller
 * clears, or puts to use what is in it.
 */
struct fastmem_mag *
fastmem_stack_pop(struct fastmem_stack *stack, struct fastmem_hand *hand);

/** Magazines in a stack, as a hint. */
uint32_t
fastmem_stack_count(const struct fastmem_stack *stack);

/** Follow a stack that no other thread uses; NULL starts. */
struct fastmem_mag *
fastmem_stack_walk(struct fastmem_stack *stack, const struct fastmem_mag *mag);

/** Who has a magazine, FASTMEM_OWNER_*. */
uint32_t
fastmem_mag_owner(const struct fastmem_mag *mag);

/** Change the owner of a magazine which belongs to the caller. */
void
fastmem_mag_set_owner(struct fastmem_mag *mag, uint32_t owner);

/**
 * Find out if a magazine from the hand of a block whose thread was killed
 * belongs to nobody but that, see above, and claim it if in doubt.
 */
bool
fastmem_mag_claim(struct fastmem_mag *mag, uint32_t owner);

/** Make a magazine that the caller has taken without a hand that of a block. */
void
fastmem_mag_give(struct fastmem_mag *mag, const struct fastmem_hand *hand);

/** Link a magazine that is in no stack to another one, or to none. */
void
fastmem_mag_link(struct fastmem_mag *mag, const struct fastmem_mag *next);

/** What such a magazine is linked to. */
struct fastmem_mag *
fastmem_mag_linked(const struct fastmem_mag *mag);

#endif /* FASTMEM_MAG_H */
