/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_LEDGER_H
#define TEST_FASTMEM_LEDGER_H

/*
 * Ledgers: what threads of several processes hold, in shared memory, so that
 * it can be told after a process was killed at any point.
 *
 * A thread has a stack of objects for each class, and one word for each stack
 * which says how many objects there are and what is being done. A step is begun
 * and ended by one store of that word: so each object is known as held or not,
 * but for those that are being allocated or freed right then.
 *
 * Objects are passed on through a thread's outbox. A slot of it is filled by
 * its owner alone, taken by one other thread, and emptied by that one when it
 * has entered the object: so the owner of an object on its way is known too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_stdatomic.h>

#include "test_fastmem_util.h"

#define FASTMEM_TEST_LEDGER_OBJS 2560
#define FASTMEM_TEST_LEDGER_SLOTS 8
#define FASTMEM_TEST_LEDGERS_MAX 64
/* Of all threads of a process. */
#define FASTMEM_TEST_MAYBES_MAX (8 * FASTMEM_TEST_LEDGER_OBJS)

enum fastmem_test_step {
	FASTMEM_TEST_STEP_NONE,
	FASTMEM_TEST_STEP_ALLOC,    /* m more may be allocated */
	FASTMEM_TEST_STEP_STAMP,    /* m more are, and get their content */
	FASTMEM_TEST_STEP_FREE,     /* m from pos on may be freed */
	FASTMEM_TEST_STEP_MOVE,     /* m from pos on are replaced by the last */
	FASTMEM_TEST_STEP_SEND,     /* the one at pos is put into a slot */
	FASTMEM_TEST_STEP_RECEIVE,  /* one is taken out of a slot */
	FASTMEM_TEST_STEP_RECEIVED, /* it was, and is the last one now */
	FASTMEM_TEST_N_STEPS
};

struct fastmem_test_stack {
	RTE_ATOMIC(uint64_t) word;
	/* Of the slot which an object is put into or taken out of. */
	uint32_t peer; /* whose it is */
	uint32_t slot;
	uint32_t seq;  /* of the slot before */
	void *objs[FASTMEM_TEST_LEDGER_OBJS];
};

struct fastmem_test_ledger {
	/* Whether its thread is at work, see fastmem_test_ledger_enter(). */
	RTE_ATOMIC(uint32_t) standing;
	/* The last pause at which its thread has flushed its caches. */
	RTE_ATOMIC(uint32_t) flushed;
	/* Which call its thread was in last, and how many there were. */
	RTE_ATOMIC(uint32_t) call;
	RTE_ATOMIC(uint64_t) n_calls;
	RTE_ATOMIC(uint64_t) outbox[FASTMEM_TEST_LEDGER_SLOTS];
	struct fastmem_test_stack stacks[FASTMEM_TEST_N_CLASSES];
};

struct fastmem_test_ledgers {
	/* The number of the pause that all have to make; 0 for none. */
	RTE_ATOMIC(uint32_t) pause;
	uint32_t n_pauses; /* so far; the primary process's */
	uint32_t n;
	struct fastmem_test_ledger ledgers[];
};

static inline size_t
fastmem_test_ledgers_bytes(uint32_t n)
{
	return sizeof(struct fastmem_test_ledgers) +
		n * sizeof(struct fastmem_test_ledger);
}

/* Set up n ledgers without objects. */
void
fastmem_test_ledgers_init(struct fastmem_test_ledgers *all, uint32_t n);

/*
 * Standing still. A thread enters before it calls the library, and leaves
 * before it waits for others. When there is to be a pause, entering waits.
 */

#define FASTMEM_TEST_STANDING_OUT UINT32_MAX
#define FASTMEM_TEST_STANDING_IN 0

/* The number of the pause there is to be. */
static inline uint32_t
fastmem_test_ledgers_pause(const struct fastmem_test_ledgers *all)
{
	return rte_atomic_load_explicit(&all->pause, rte_memory_order_relaxed);
}

void
fastmem_test_ledger_enter(struct fastmem_test_ledgers *all, uint32_t id);
void
fastmem_test_ledger_leave(struct fastmem_test_ledgers *all, uint32_t id);

/* By the primary process: pause, tell if all stand still, and go on. */
uint32_t
fastmem_test_ledgers_stop(struct fastmem_test_ledgers *all);
bool
fastmem_test_ledgers_stand(const struct fastmem_test_ledgers *all);
void
fastmem_test_ledgers_go_on(struct fastmem_test_ledgers *all);

/*
 * Steps of the ledger's own thread. Those that check something return -1, and
 * say so, if it is wrong.
 */

/* Objects held of a class. */
static inline uint32_t
fastmem_test_ledger_n(const struct fastmem_test_ledger *ledger,
	unsigned int class_idx)
{
	return rte_atomic_load_explicit(&ledger->stacks[class_idx].word,
		rte_memory_order_relaxed) & UINT16_MAX;
}

/* Allocate up to m: returns where the library is to write them. */
void **
fastmem_test_ledger_alloc_begin(struct fastmem_test_ledger *ledger,
	unsigned int class_idx, uint32_t m);
/* It has, or has not: m is 0. */
int
fastmem_test_ledger_alloc_end(struct fastmem_test_ledgers *all, uint32_t id,
	unsigned int class_idx, uint32_t m);
/* Free m from a position on: returns where they stand. */
void **
fastmem_test_ledger_free_begin(struct fastmem_test_ledgers *all, uint32_t id,
	unsigned int class_idx, uint32_t pos, uint32_t m);
void
fastmem_test_ledger_free_end(struct fastmem_test_ledger *ledger,
	unsigned int class_idx);
/* Pass an object on; false if there is no empty slot. */
bool
fastmem_test_ledger_send(struct fastmem_test_ledger *ledger,
	unsigned int class_idx, uint32_t pos);
/* Take one out of a slot of a peer's: its class, -1 if there is none, or -2 if
 * something is wrong with it.
 */
int
fastmem_test_ledger_receive(struct fastmem_test_ledgers *all, uint32_t id,
	uint32_t peer, uint32_t slot);

/*
 * By the primary process, while all threads stand still.
 */

struct fastmem_test_maybe {
	unsigned int n_freeing;    /* known, and perhaps freed already */
	unsigned int n_allocating; /* unknown, and perhaps not allocated */
	void *freeing[FASTMEM_TEST_MAYBES_MAX];
};

/* End the steps in which a thread was killed. What may or may not be allocated
 * is left out of its ledger and added to the maybes, which has one for each
 * class. What is in its outbox is taken back.
 */
void
fastmem_test_ledger_bury(struct fastmem_test_ledgers *all, uint32_t id,
	struct fastmem_test_maybe *maybes);

/* Objects of a class that are held by anybody, or on their way. */
uint64_t
fastmem_test_ledgers_count(const struct fastmem_test_ledgers *all,
	unsigned int class_idx);

/* Print where a thread stands. */
void
fastmem_test_ledger_print(const struct fastmem_test_ledgers *all, uint32_t id,
	const char *call);

/* Mark as free an object that may have been stamped. */
void
fastmem_test_stamp_free(void *obj, unsigned int class_idx);

#endif /* TEST_FASTMEM_LEDGER_H */
