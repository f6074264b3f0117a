/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Objects of memory that has not been handed out since it came from EAL, or
 * since the pool was created: what it takes to make them, or to get at them
 * for the first time.
 *
 * The first word of each object is written, as its user would do. The lines
 * behind the first are the same to all allocators, so they are left alone:
 * the time that memory takes would hide that of the allocators.
 */

#include <errno.h>

#include "scenario.h"

#define MAX_OBJS 32768
#define MAX_BYTES ((size_t)32 << 20)

static void *objs[MAX_OBJS];

/* Once: the memory is fresh just once. */
static int
run_firsttouch(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n __rte_unused,
	struct sample *sample)
{
	void *(*alloc)(uintptr_t key) = subject->calls->alloc;
	void (*release)(uintptr_t key, void *obj) = subject->calls->free;
	const uintptr_t key = subject->keys[0];
	unsigned int i, allocated;
	uint64_t start;

	start = rte_rdtsc_precise();
	for (i = 0; i < subject->live; i++) {
		objs[i] = alloc(key);
		if (unlikely(objs[i] == NULL))
			break;
		*(uint64_t *)objs[i] = i;
	}
	sample->elapsed = rte_rdtsc_precise() - start;
	sample->cycles[0] = (double)sample->elapsed / subject->live;

	allocated = i;
	for (i = 0; i < allocated; i++)
		release(key, objs[i]);

	return allocated < subject->live ? -ENOMEM : 0;
}

const struct scenario scenario_firsttouch = {
	.name = "firsttouch",
	.desc = "objects of memory never handed out before",
	.metrics = { "alloc + write" },
	.batch = 1,
	.live = MAX_OBJS,
	.live_bytes = MAX_BYTES,
	.fresh = true,
	.run = run_firsttouch,
};
