/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TRACE_H
#define TRACE_H

/*
 * A sequence of allocations and frees, read from a file or made up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_bitops.h>

/* Files of more bytes are refused: each makes up to eight bytes of memory. */
#define TRACE_MAX_BYTES ((size_t)256 << 20)

/* A free, in the slot of an operation. */
#define TRACE_OP_FREE RTE_BIT32(31)

struct trace_op {
	/* Where the object is from its allocation to its free. */
	uint32_t slot;
	/* Which of the sizes it has. */
	uint32_t type;
};

struct trace {
	/* A change of an object's size counts as a free and an allocation. */
	struct trace_op *ops;
	size_t n_ops;
	size_t max_ops;
	/* The sizes that occur, ascending, and how many are alive at most. */
	uint32_t *sizes;
	uint32_t *peaks;
	unsigned int n_sizes;
	/* Before they are known: the size of what each slot has, 0 if nothing. */
	uint32_t *slots;
	uint32_t n_slots;
	uint32_t max_slots;
	size_t n_allocs;
	size_t n_frees;
	unsigned int n_threads;
	/* How many there are at most at once, and of how many bytes. */
	uint32_t peak_objects;
	uint64_t peak_bytes;
	uint32_t checksum;
};

/* Why a trace was refused, and at which byte. */
struct trace_error {
	const char *what;
	size_t offset;
};

void
trace_init(struct trace *trace);

/*
 * Append an operation. Slots are dense: one is used that has been freed, or
 * the next one. Returns NULL, or what is wrong.
 */
const char *
trace_add_alloc(struct trace *trace, uint64_t slot, uint64_t size);

const char *
trace_add_free(struct trace *trace, uint64_t slot);

/* When all have been appended. Returns 0 or -ENOMEM. */
int
trace_finish(struct trace *trace);

/* Read what a file has. Returns 0 or a negative errno, and tells the error. */
int
trace_parse(const uint8_t *bytes, size_t len, struct trace *trace,
	struct trace_error *error);

/* The same for a file; what is wrong is told on stderr. */
int
trace_load(const char *path, struct trace *trace);

/* How many objects of these sizes, of which "end" is none, are alive at most. */
uint32_t
trace_peak(const struct trace *trace, uint32_t first, uint32_t end);

/* Also after a failure. */
void
trace_free(struct trace *trace);

static inline bool
trace_op_is_free(const struct trace_op *op)
{
	return (op->slot & TRACE_OP_FREE) != 0;
}

#endif /* TRACE_H */
