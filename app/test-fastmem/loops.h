/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef LOOPS_H
#define LOOPS_H

/*
 * The loops around calls that take a few cycles each.
 *
 * They are written once, and compiled once for each allocator, so that the
 * calls in them are direct ones. A loop that all allocators share calls them
 * through a pointer, whose target the processor has to predict from the history
 * of branches as soon as there have been several: this takes some cycles more,
 * which is as much as what is measured, and not in every run.
 *
 * The compiler knows no more of a function that is called than its prototype
 * (see ADAPTER), so the machine code of these loops differs in nothing but the
 * targets.
 */

#include <errno.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "trace.h"

/* A trace to be replayed, with what an allocator needs for that. */
struct loop_trace {
	const struct trace *trace;
	/* For each size of the trace. */
	const uintptr_t *keys;
	/* Sizes from this one on are the DPDK heap's, by these calls. */
	uint32_t first_large;
	void *(*alloc_large)(uintptr_t key);
	void (*free_large)(uintptr_t key, void *obj);
	/* The object of each slot. */
	void **objs;
};

struct loops {
	/* Allocate and free one object, n times. */
	int (*single)(uintptr_t key, uint64_t n);
	/* The same with the next key each time, of a power of two of them. */
	int (*keys)(const uintptr_t *keys, uint64_t n_keys, uint64_t n);
	/* Allocate n objects, all or none. */
	int (*alloc)(uintptr_t key, void **objs, unsigned int n);
	/* Free n objects, in their order, or in the opposite one. */
	void (*free)(uintptr_t key, void **objs, unsigned int n);
	void (*free_reverse)(uintptr_t key, void **objs, unsigned int n);
	/* Allocate and free objects in bulk, n times. */
	int (*bulk)(uintptr_t key, void **objs, unsigned int bulk, uint64_t n);
	/* Replay a trace. Returns how many operations there was memory for. */
	size_t (*replay)(const struct loop_trace *replay);
};

static inline int
loop_single(void *(*alloc)(uintptr_t key),
	void (*release)(uintptr_t key, void *obj), uintptr_t key, uint64_t n)
{
	void *obj;

	for (; n > 0; n--) {
		obj = alloc(key);
		if (unlikely(obj == NULL))
			return -ENOMEM;
		release(key, obj);
	}

	return 0;
}

static inline int
loop_keys(void *(*alloc)(uintptr_t key),
	void (*release)(uintptr_t key, void *obj), const uintptr_t *keys,
	uint64_t n_keys, uint64_t n)
{
	uintptr_t key;
	uint64_t i;
	void *obj;

	for (i = 0; i < n; i++) {
		key = keys[i & (n_keys - 1)];
		obj = alloc(key);
		if (unlikely(obj == NULL))
			return -ENOMEM;
		release(key, obj);
	}

	return 0;
}

static inline void
loop_free(void (*release)(uintptr_t key, void *obj), uintptr_t key,
	void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		release(key, objs[i]);
}

static inline void
loop_free_reverse(void (*release)(uintptr_t key, void *obj), uintptr_t key,
	void **objs, unsigned int n)
{
	while (n > 0)
		release(key, objs[--n]);
}

static inline int
loop_alloc(void *(*alloc)(uintptr_t key),
	void (*release)(uintptr_t key, void *obj), uintptr_t key, void **objs,
	unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		objs[i] = alloc(key);
		if (unlikely(objs[i] == NULL)) {
			loop_free_reverse(release, key, objs, i);
			return -ENOMEM;
		}
	}

	return 0;
}

static inline int
loop_bulk(int (*alloc)(uintptr_t key, void **objs, unsigned int n),
	void (*release)(uintptr_t key, void **objs, unsigned int n),
	uintptr_t key, void **objs, unsigned int bulk, uint64_t n)
{
	for (; n > 0; n--) {
		if (unlikely(alloc(key, objs, bulk) < 0))
			return -ENOMEM;
		release(key, objs, bulk);
	}

	return 0;
}

static inline size_t
loop_replay(void *(*alloc)(uintptr_t key),
	void (*release)(uintptr_t key, void *obj),
	const struct loop_trace *replay)
{
	const struct trace_op *ops = replay->trace->ops;
	const size_t n_ops = replay->trace->n_ops;
	const uint32_t first_large = replay->first_large;
	const uintptr_t *keys = replay->keys;
	void **objs = replay->objs;
	uint32_t slot, type;
	uintptr_t key;
	size_t i;

	for (i = 0; i < n_ops; i++) {
		slot = ops[i].slot;
		type = ops[i].type;
		key = keys[type];
		if (slot & TRACE_OP_FREE) {
			slot &= ~TRACE_OP_FREE;
			if (unlikely(type >= first_large))
				replay->free_large(key, objs[slot]);
			else
				release(key, objs[slot]);
			continue;
		}
		objs[slot] = unlikely(type >= first_large) ?
			replay->alloc_large(key) : alloc(key);
		if (unlikely(objs[slot] == NULL))
			break;
	}

	return i;
}

/* Compile the loops for an allocator, given its adapters: name_loops. */
#define LOOPS(name, alloc_fn, free_fn, alloc_bulk_fn, free_bulk_fn) \
static __rte_noinline int \
name##_loop_single(uintptr_t key, uint64_t n) \
{ \
	return loop_single(alloc_fn, free_fn, key, n); \
} \
\
static __rte_noinline int \
name##_loop_keys(const uintptr_t *keys, uint64_t n_keys, uint64_t n) \
{ \
	return loop_keys(alloc_fn, free_fn, keys, n_keys, n); \
} \
\
static __rte_noinline int \
name##_loop_alloc(uintptr_t key, void **objs, unsigned int n) \
{ \
	return loop_alloc(alloc_fn, free_fn, key, objs, n); \
} \
\
static __rte_noinline void \
name##_loop_free(uintptr_t key, void **objs, unsigned int n) \
{ \
	loop_free(free_fn, key, objs, n); \
} \
\
static __rte_noinline void \
name##_loop_free_reverse(uintptr_t key, void **objs, unsigned int n) \
{ \
	loop_free_reverse(free_fn, key, objs, n); \
} \
\
static __rte_noinline int \
name##_loop_bulk(uintptr_t key, void **objs, unsigned int bulk, uint64_t n) \
{ \
	return loop_bulk(alloc_bulk_fn, free_bulk_fn, key, objs, bulk, n); \
} \
\
static __rte_noinline size_t \
name##_loop_replay(const struct loop_trace *replay) \
{ \
	return loop_replay(alloc_fn, free_fn, replay); \
} \
\
static const struct loops name##_loops = { \
	.single = name##_loop_single, \
	.keys = name##_loop_keys, \
	.alloc = name##_loop_alloc, \
	.free = name##_loop_free, \
	.free_reverse = name##_loop_free_reverse, \
	.bulk = name##_loop_bulk, \
	.replay = name##_loop_replay, \
}

#endif /* LOOPS_H */
