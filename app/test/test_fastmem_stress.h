/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_STRESS_H
#define TEST_FASTMEM_STRESS_H

/*
 * What the suites with many threads share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_stdatomic.h>

/* How long such a suite takes by default. */
#define FASTMEM_TEST_SECONDS 4

/* A number from the environment. */
static inline uint64_t
fastmem_test_env(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? strtoull(value, NULL, 0) :
		otherwise;
}

/* A number of iterations, for the time that the environment asks for. */
static inline unsigned int
fastmem_test_scale(unsigned int n, unsigned int least)
{
	n = n * fastmem_test_env("FASTMEM_TEST_SECONDS", FASTMEM_TEST_SECONDS) /
		FASTMEM_TEST_SECONDS;
	return RTE_MAX(n, least);
}

/*
 * Pointers on their way from one thread to another, in no order. In contrast
 * to a ring nobody waits for a thread that was preempted, and what the sender
 * wrote is handed over to the receiver alone, by an acquire of its release:
 * that orders as little as possible of what is under test.
 */

#define FASTMEM_TEST_MAILBOX_SLOTS 256
#define FASTMEM_TEST_MAILBOX_TRIES 32

struct fastmem_test_mailbox {
	RTE_ATOMIC(uintptr_t) slots[FASTMEM_TEST_MAILBOX_SLOTS];
};

/* Put a pointer into a free slot, if one is found from a random one on. */
static inline bool
fastmem_test_mailbox_put(struct fastmem_test_mailbox *mailbox,
	unsigned int random, void *ptr)
{
	uintptr_t none;
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_MAILBOX_TRIES; i++) {
		none = 0;
		if (rte_atomic_compare_exchange_strong_explicit(
				&mailbox->slots[(random + i) %
					FASTMEM_TEST_MAILBOX_SLOTS], &none,
				(uintptr_t)ptr, rte_memory_order_release,
				rte_memory_order_relaxed))
			return true;
	}
	return false;
}

/* Get a pointer, if one is found; all slots are looked at. */
static inline void *
fastmem_test_mailbox_get(struct fastmem_test_mailbox *mailbox,
	unsigned int random)
{
	RTE_ATOMIC(uintptr_t) *slot;
	uintptr_t ptr;
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_MAILBOX_SLOTS; i++) {
		slot = &mailbox->slots[(random + i) %
			FASTMEM_TEST_MAILBOX_SLOTS];
		if (rte_atomic_load_explicit(slot, rte_memory_order_relaxed) == 0)
			continue;
		ptr = rte_atomic_exchange_explicit(slot, 0,
			rte_memory_order_acquire);
		if (ptr != 0)
			return (void *)ptr;
	}
	return NULL;
}

#endif /* TEST_FASTMEM_STRESS_H */
