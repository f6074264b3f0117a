/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_memory.h>

#include "test_fastmem_ledger.h"

/* A stack's word, from the lowest bits on: n, m, pos, step. */
#define WORD_BITS 16

/* A slot's word: its state, the object's address, which is a multiple of 8,
 * the number of times that it was filled, the object's class, and who took it.
 */
#define SLOT_EMPTY UINT64_C(0)
#define SLOT_FULL UINT64_C(1)
#define SLOT_TAKEN UINT64_C(2)
#define SLOT_STATE_MASK UINT64_C(3)
#define SLOT_ADDR_MASK (((UINT64_C(1) << 48) - 1) & ~UINT64_C(7))
#define SLOT_SEQ_SHIFT 48
#define SLOT_SEQ_MASK UINT64_C(31)
#define SLOT_CLASS_SHIFT 53
#define SLOT_CLASS_MASK UINT64_C(31)
#define SLOT_TAKER_SHIFT 58

/* Above the holder's number and a part of the address. */
#define STAMP_LIVE (UINT64_C(0xfa57) << 48)
#define STAMP_MASK (UINT64_C(0xffff) << 48)
#define STAMP_FREE UINT64_C(0x0badf00d0badf00d)

struct word {
	uint32_t n, m, pos;
	enum fastmem_test_step step;
};

static struct word
word_get(const struct fastmem_test_stack *stack)
{
	/* Acquire: of another process, what was stored before is read. */
	uint64_t w = rte_atomic_load_explicit(&stack->word,
		rte_memory_order_acquire);

	return (struct word){
		.n = w & UINT16_MAX,
		.m = w >> WORD_BITS & UINT16_MAX,
		.pos = w >> 2 * WORD_BITS & UINT16_MAX,
		.step = w >> 3 * WORD_BITS,
	};
}

static void
word_set(struct fastmem_test_stack *stack, uint32_t n,
	enum fastmem_test_step step, uint32_t pos, uint32_t m)
{
	/* Release, and acquire by a fence, in effect: nothing of a step is
	 * done before it is begun, nor after it has ended.
	 */
	rte_atomic_store_explicit(&stack->word, (uint64_t)step << 3 * WORD_BITS |
		(uint64_t)pos << 2 * WORD_BITS | (uint64_t)m << WORD_BITS | n,
		rte_memory_order_release);
	rte_atomic_thread_fence(rte_memory_order_seq_cst);
}

static uint64_t
slot_get(const struct fastmem_test_ledger *ledger, uint32_t slot)
{
	return rte_atomic_load_explicit(&ledger->outbox[slot],
		rte_memory_order_acquire);
}

static void
slot_set(struct fastmem_test_ledger *ledger, uint32_t slot, uint64_t value)
{
	rte_atomic_store_explicit(&ledger->outbox[slot], value,
		rte_memory_order_release);
}

static uint64_t
slot_state(uint64_t value)
{
	return value & SLOT_STATE_MASK;
}

static uint32_t
slot_seq(uint64_t value)
{
	return value >> SLOT_SEQ_SHIFT & SLOT_SEQ_MASK;
}

/* An empty slot keeps the number of times that it was filled. */
static uint64_t
slot_emptied(uint64_t value)
{
	return SLOT_EMPTY | (value & SLOT_SEQ_MASK << SLOT_SEQ_SHIFT);
}

static uint64_t
slot_taken(uint64_t value, uint32_t taker)
{
	return (value & ~SLOT_STATE_MASK) | SLOT_TAKEN |
		(uint64_t)taker << SLOT_TAKER_SHIFT;
}

static uint64_t *
first_word(void *obj)
{
	return obj;
}

static uint64_t *
last_word(void *obj, unsigned int class_idx)
{
	return (uint64_t *)obj +
		fastmem_test_sizes[class_idx] / sizeof(uint64_t) - 1;
}

static uint64_t
stamp_of(uint32_t id, const void *obj)
{
	return STAMP_LIVE | (uint64_t)id << 32 |
		(uint32_t)((uintptr_t)obj >> 3);
}

static void
stamp(uint32_t id, void *obj, unsigned int class_idx)
{
	*first_word(obj) = stamp_of(id, obj);
	*last_word(obj, class_idx) = stamp_of(id, obj);
}

void
fastmem_test_stamp_free(void *obj, unsigned int class_idx)
{
	*first_word(obj) = STAMP_FREE;
	*last_word(obj, class_idx) = STAMP_FREE;
}

/*
 * When a secondary process starts, EAL writes the first 32 bits of each page
 * back as it has read them, whatever they have become meanwhile.
 */
static uint64_t
stamp_mask(const uint64_t *word)
{
	return RTE_PTR_ALIGN_FLOOR(word, RTE_PGSIZE_2M) == word ?
		~(uint64_t)UINT32_MAX : UINT64_MAX;
}

static bool
stamp_is(const uint64_t *word, uint64_t value)
{
	return ((*word ^ value) & stamp_mask(word)) == 0;
}

/* Whoever holds it: an object on its way has the sender's number. */
static int
stamp_check(uint32_t id, void *obj, unsigned int class_idx)
{
	uint64_t first = *first_word(obj), last = *last_word(obj, class_idx);

	TEST_ASSERT(stamp_is(first_word(obj), stamp_of(id, obj)) &&
		stamp_is(last_word(obj, class_idx), stamp_of(id, obj)),
		"%p of %zu B is held by %u, stamped %#" PRIx64 " %#" PRIx64,
		obj, fastmem_test_sizes[class_idx], id, first, last);
	return 0;
}

static int
stamp_check_new(uint32_t id, void *obj, unsigned int class_idx)
{
	uint64_t first = *first_word(obj), last = *last_word(obj, class_idx);

	TEST_ASSERT((first & STAMP_MASK) != STAMP_LIVE &&
		(last & STAMP_MASK) != STAMP_LIVE,
		"%p of %zu B was handed out to %u, stamped %#" PRIx64 " %#"
		PRIx64, obj, fastmem_test_sizes[class_idx], id, first, last);
	return 0;
}

void
fastmem_test_ledgers_init(struct fastmem_test_ledgers *all, uint32_t n)
{
	uint32_t i;

	memset(all, 0, fastmem_test_ledgers_bytes(n));
	all->n = n;
	for (i = 0; i < n; i++)
		rte_atomic_store_explicit(&all->ledgers[i].standing,
			FASTMEM_TEST_STANDING_OUT, rte_memory_order_relaxed);
}

void
fastmem_test_ledger_enter(struct fastmem_test_ledgers *all, uint32_t id)
{
	struct fastmem_test_ledger *ledger = &all->ledgers[id];
	uint32_t pause;

	for (;;) {
		/* Sequential consistency: either this thread sees that there
		 * is to be a pause, or the primary that it is at work.
		 */
		rte_atomic_store_explicit(&ledger->standing,
			FASTMEM_TEST_STANDING_IN, rte_memory_order_seq_cst);
		pause = rte_atomic_load_explicit(&all->pause,
			rte_memory_order_seq_cst);
		if (pause == 0)
			break;
		/* Release what was done, acquire what is done meanwhile. */
		rte_atomic_store_explicit(&ledger->standing, pause,
			rte_memory_order_release);
		while (rte_atomic_load_explicit(&all->pause,
				rte_memory_order_acquire) == pause)
			rte_delay_us_sleep(50);
	}
}

void
fastmem_test_ledger_leave(struct fastmem_test_ledgers *all, uint32_t id)
{
	rte_atomic_store_explicit(&all->ledgers[id].standing,
		FASTMEM_TEST_STANDING_OUT, rte_memory_order_release);
}

uint32_t
fastmem_test_ledgers_stop(struct fastmem_test_ledgers *all)
{
	rte_atomic_store_explicit(&all->pause, ++all->n_pauses,
		rte_memory_order_seq_cst);
	return all->n_pauses;
}

bool
fastmem_test_ledgers_stand(const struct fastmem_test_ledgers *all)
{
	uint32_t i;

	for (i = 0; i < all->n; i++)
		if (rte_atomic_load_explicit(&all->ledgers[i].standing,
				rte_memory_order_seq_cst) ==
				FASTMEM_TEST_STANDING_IN)
			return false;
	return true;
}

void
fastmem_test_ledgers_go_on(struct fastmem_test_ledgers *all)
{
	rte_atomic_store_explicit(&all->pause, 0, rte_memory_order_release);
}

void **
fastmem_test_ledger_alloc_begin(struct fastmem_test_ledger *ledger,
	unsigned int class_idx, uint32_t m)
{
	struct fastmem_test_stack *stack = &ledger->stacks[class_idx];
	uint32_t n = word_get(stack).n;

	word_set(stack, n, FASTMEM_TEST_STEP_ALLOC, n, m);
	return &stack->objs[n];
}

int
fastmem_test_ledger_alloc_end(struct fastmem_test_ledgers *all, uint32_t id,
	unsigned int class_idx, uint32_t m)
{
	struct fastmem_test_stack *stack = &all->ledgers[id].stacks[class_idx];
	uint32_t n = word_get(stack).n, i;
	int ret = 0;

	word_set(stack, n, FASTMEM_TEST_STEP_STAMP, n, m);
	for (i = n; i < n + m; i++) {
		if (stamp_check_new(id, stack->objs[i], class_idx) != 0)
			ret = -1;
		stamp(id, stack->objs[i], class_idx);
	}
	word_set(stack, n + m, FASTMEM_TEST_STEP_NONE, 0, 0);
	return ret;
}

void **
fastmem_test_ledger_free_begin(struct fastmem_test_ledgers *all, uint32_t id,
	unsigned int class_idx, uint32_t pos, uint32_t m)
{
	struct fastmem_test_stack *stack = &all->ledgers[id].stacks[class_idx];
	uint32_t i;

	for (i = pos; i < pos + m; i++)
		if (stamp_check(id, stack->objs[i], class_idx) != 0)
			return NULL;
	word_set(stack, word_get(stack).n, FASTMEM_TEST_STEP_FREE, pos, m);
	for (i = pos; i < pos + m; i++)
		fastmem_test_stamp_free(stack->objs[i], class_idx);
	return &stack->objs[pos];
}

/* Fill a hole with the last objects, which stay where they are until then. */
static void
close_hole(struct fastmem_test_stack *stack, uint32_t n, uint32_t pos,
	uint32_t m)
{
	uint32_t n_behind = n - pos - m, k = RTE_MIN(m, n_behind);

	word_set(stack, n, FASTMEM_TEST_STEP_MOVE, pos, m);
	memcpy(&stack->objs[pos], &stack->objs[n - k],
		k * sizeof(stack->objs[0]));
	word_set(stack, n - m, FASTMEM_TEST_STEP_NONE, 0, 0);
}

void
fastmem_test_ledger_free_end(struct fastmem_test_ledger *ledger,
	unsigned int class_idx)
{
	struct fastmem_test_stack *stack = &ledger->stacks[class_idx];
	struct word w = word_get(stack);

	close_hole(stack, w.n, w.pos, w.m);
}

bool
fastmem_test_ledger_send(struct fastmem_test_ledger *ledger,
	unsigned int class_idx, uint32_t pos)
{
	struct fastmem_test_stack *stack = &ledger->stacks[class_idx];
	uint32_t n = word_get(stack).n, slot;
	uint64_t value = SLOT_FULL;

	for (slot = 0; slot < FASTMEM_TEST_LEDGER_SLOTS; slot++) {
		value = slot_get(ledger, slot);
		if (slot_state(value) == SLOT_EMPTY)
			break;
	}
	if (slot_state(value) != SLOT_EMPTY)
		return false;
	stack->slot = slot;
	stack->seq = slot_seq(value);
	word_set(stack, n, FASTMEM_TEST_STEP_SEND, pos, 1);
	slot_set(ledger, slot, SLOT_FULL | (uintptr_t)stack->objs[pos] |
		((stack->seq + 1) & SLOT_SEQ_MASK) << SLOT_SEQ_SHIFT |
		(uint64_t)class_idx << SLOT_CLASS_SHIFT);
	close_hole(stack, n, pos, 1);
	return true;
}

int
fastmem_test_ledger_receive(struct fastmem_test_ledgers *all, uint32_t id,
	uint32_t peer, uint32_t slot)
{
	struct fastmem_test_ledger *from = &all->ledgers[peer];
	struct fastmem_test_stack *stack;
	uint64_t value = slot_get(from, slot);
	unsigned int class_idx;
	uint32_t n;
	int ret;

	if (slot_state(value) != SLOT_FULL)
		return -1;
	class_idx = value >> SLOT_CLASS_SHIFT & SLOT_CLASS_MASK;
	stack = &all->ledgers[id].stacks[class_idx];
	n = word_get(stack).n;
	if (n == FASTMEM_TEST_LEDGER_OBJS)
		return -1;
	stack->peer = peer;
	stack->slot = slot;
	stack->objs[n] = (void *)(uintptr_t)(value & SLOT_ADDR_MASK);
	word_set(stack, n, FASTMEM_TEST_STEP_RECEIVE, n, 1);
	/* Acquire what the sender wrote. */
	if (!rte_atomic_compare_exchange_strong_explicit(&from->outbox[slot],
			&value, slot_taken(value, id), rte_memory_order_acq_rel,
			rte_memory_order_relaxed)) {
		word_set(stack, n, FASTMEM_TEST_STEP_NONE, 0, 0);
		return -1;
	}
	word_set(stack, n + 1, FASTMEM_TEST_STEP_RECEIVED, n, 1);
	ret = stamp_check(peer, stack->objs[n], class_idx);
	stamp(id, stack->objs[n], class_idx);
	slot_set(from, slot, slot_emptied(value));
	word_set(stack, n + 1, FASTMEM_TEST_STEP_NONE, 0, 0);
	return ret == 0 ? (int)class_idx : -2;
}

/* Whether a thread that was about to take an object has it. */
static bool
bury_taken(const struct fastmem_test_ledgers *all, uint32_t id,
	const struct fastmem_test_stack *stack, uint32_t n)
{
	uint64_t value = slot_get(&all->ledgers[stack->peer], stack->slot);

	return slot_state(value) == SLOT_TAKEN &&
		value >> SLOT_TAKER_SHIFT == id &&
		(value & SLOT_ADDR_MASK) == (uintptr_t)stack->objs[n];
}

static void
bury_received(struct fastmem_test_ledgers *all, uint32_t id,
	struct fastmem_test_stack *stack, unsigned int class_idx, uint32_t n)
{
	struct fastmem_test_ledger *from = &all->ledgers[stack->peer];

	stamp(id, stack->objs[n], class_idx);
	word_set(stack, n + 1, FASTMEM_TEST_STEP_NONE, 0, 0);
	if (bury_taken(all, id, stack, n))
		slot_set(from, stack->slot,
			slot_emptied(slot_get(from, stack->slot)));
}

static void
bury_stack(struct fastmem_test_ledgers *all, uint32_t id,
	unsigned int class_idx, struct fastmem_test_maybe *maybe)
{
	struct fastmem_test_stack *stack = &all->ledgers[id].stacks[class_idx];
	struct word w = word_get(stack);
	uint32_t i;

	switch (w.step) {
	case FASTMEM_TEST_STEP_ALLOC:
		maybe->n_allocating += w.m;
		word_set(stack, w.n, FASTMEM_TEST_STEP_NONE, 0, 0);
		break;
	case FASTMEM_TEST_STEP_STAMP:
		for (i = w.n; i < w.n + w.m; i++)
			stamp(id, stack->objs[i], class_idx);
		word_set(stack, w.n + w.m, FASTMEM_TEST_STEP_NONE, 0, 0);
		break;
	case FASTMEM_TEST_STEP_FREE:
		for (i = w.pos; i < w.pos + w.m; i++)
			maybe->freeing[maybe->n_freeing++] = stack->objs[i];
		close_hole(stack, w.n, w.pos, w.m);
		break;
	case FASTMEM_TEST_STEP_MOVE:
		close_hole(stack, w.n, w.pos, w.m);
		break;
	case FASTMEM_TEST_STEP_SEND:
		if (slot_seq(slot_get(&all->ledgers[id], stack->slot)) !=
				stack->seq)
			close_hole(stack, w.n, w.pos, 1);
		else
			word_set(stack, w.n, FASTMEM_TEST_STEP_NONE, 0, 0);
		break;
	case FASTMEM_TEST_STEP_RECEIVE:
		if (bury_taken(all, id, stack, w.n))
			bury_received(all, id, stack, class_idx, w.n);
		else
			word_set(stack, w.n, FASTMEM_TEST_STEP_NONE, 0, 0);
		break;
	case FASTMEM_TEST_STEP_RECEIVED:
		bury_received(all, id, stack, class_idx, w.n - 1);
		break;
	default:
		break;
	}
}

/* Take back what is in the outbox. */
static void
bury_outbox(struct fastmem_test_ledger *ledger)
{
	struct fastmem_test_stack *stack;
	uint64_t value;
	uint32_t i, n;

	for (i = 0; i < FASTMEM_TEST_LEDGER_SLOTS; i++) {
		value = slot_get(ledger, i);
		if (slot_state(value) != SLOT_FULL)
			continue;
		stack = &ledger->stacks[value >> SLOT_CLASS_SHIFT &
			SLOT_CLASS_MASK];
		n = word_get(stack).n;
		/* of a full stack, it can wait for others to take it */
		if (n == FASTMEM_TEST_LEDGER_OBJS)
			continue;
		stack->objs[n] = (void *)(uintptr_t)(value & SLOT_ADDR_MASK);
		word_set(stack, n + 1, FASTMEM_TEST_STEP_NONE, 0, 0);
		slot_set(ledger, i, slot_emptied(value));
	}
}

void
fastmem_test_ledger_bury(struct fastmem_test_ledgers *all, uint32_t id,
	struct fastmem_test_maybe *maybes)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		bury_stack(all, id, i, &maybes[i]);
	bury_outbox(&all->ledgers[id]);
	fastmem_test_ledger_leave(all, id);
}

uint64_t
fastmem_test_ledgers_count(const struct fastmem_test_ledgers *all,
	unsigned int class_idx)
{
	const struct fastmem_test_ledger *ledger;
	uint64_t sum = 0, value;
	uint32_t i, k;

	for (i = 0; i < all->n; i++) {
		ledger = &all->ledgers[i];
		sum += fastmem_test_ledger_n(ledger, class_idx);
		for (k = 0; k < FASTMEM_TEST_LEDGER_SLOTS; k++) {
			value = slot_get(ledger, k);
			sum += slot_state(value) == SLOT_FULL &&
				(value >> SLOT_CLASS_SHIFT &
				SLOT_CLASS_MASK) == class_idx;
		}
	}
	return sum;
}

void
fastmem_test_ledger_print(const struct fastmem_test_ledgers *all, uint32_t id,
	const char *call)
{
	static const char *const names[] = {
		"none", "alloc", "stamp", "free", "move", "send", "receive",
		"received",
	};
	const struct fastmem_test_ledger *ledger = &all->ledgers[id];
	unsigned int i;
	struct word w;

	RTE_BUILD_BUG_ON(RTE_DIM(names) != FASTMEM_TEST_N_STEPS);
	printf("thread %u: standing %u, call %" PRIu64 " is %s\n", id,
		rte_atomic_load_explicit(&ledger->standing,
			rte_memory_order_relaxed),
		rte_atomic_load_explicit(&ledger->n_calls,
			rte_memory_order_relaxed), call);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		w = word_get(&ledger->stacks[i]);
		if (w.step != FASTMEM_TEST_STEP_NONE &&
				w.step < FASTMEM_TEST_N_STEPS)
			printf("thread %u: %s %u of %zu B at %u of %u\n", id,
				names[w.step], w.m, fastmem_test_sizes[i],
				w.pos, w.n);
	}
}
