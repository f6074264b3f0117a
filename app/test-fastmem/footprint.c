/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * One allocator after another, each from the start and back to it. All arrays
 * are there before, so that the C library has nothing else to do meanwhile.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "bench.h"
#include "footprint.h"
#include "footprint_ops.h"
#include "report.h"

/* What a trace is cut into. */
static const char * const parts[] = {
	"1st quarter", "2nd quarter", "3rd quarter", "4th quarter",
};

const struct footprint_ops * const footprint_ops[] = {
	&footprint_fastmem,
	&footprint_fastmem_trim,
	&footprint_mempool,
	&footprint_rte_malloc,
	&footprint_libc,
	NULL,
};

static void
add_point(struct footprint_row *row, const struct footprint_ops *ops,
	const struct footprint_state *state, size_t operation,
	uint64_t requested)
{
	struct footprint_point *point = &row->points[row->n_points++];

	if (ops->trim != NULL)
		ops->trim();
	point->operation = operation;
	point->requested = requested;
	ops->read(state, point);
}

/* Returns whether there was memory for it. */
static bool
make_op(const struct footprint_ops *ops, struct footprint_state *state,
	const struct trace_op *op, uint64_t *requested)
{
	const uint32_t slot = op->slot & ~TRACE_OP_FREE;

	if (trace_op_is_free(op)) {
		ops->alloc->calls->free(state->keys[op->type], state->objs[slot]);
		state->objs[slot] = NULL;
		*requested -= state->trace->sizes[op->type];
		return true;
	}
	state->objs[slot] = ops->alloc->calls->alloc(state->keys[op->type]);
	state->types[slot] = op->type;
	*requested += state->trace->sizes[op->type];

	return state->objs[slot] != NULL;
}

/* Free what is left. Returns how many there were. */
static size_t
free_rest(const struct footprint_ops *ops, struct footprint_state *state)
{
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < state->trace->n_slots; i++) {
		if (state->objs[i] == NULL)
			continue;
		ops->alloc->calls->free(state->keys[state->types[i]], state->objs[i]);
		state->objs[i] = NULL;
		n++;
	}

	return n;
}

static void
run_ops(const struct footprint *footprint, const struct footprint_ops *ops,
	struct footprint_state *state, struct footprint_row *row)
{
	const struct trace *trace = footprint->trace;
	const struct footprint_phase *phase = footprint->phases;
	uint64_t requested = 0;
	size_t i, n = 0;

	for (i = 0; i < trace->n_ops && !bench_stop; i++) {
		if (!make_op(ops, state, &trace->ops[i], &requested)) {
			row->skipped = "out of memory";
			break;
		}
		if (i + 1 != phase->operation &&
				(i + 1) * FOOTPRINT_POINTS / trace->n_ops == n)
			continue;
		n = (i + 1) * FOOTPRINT_POINTS / trace->n_ops;
		add_point(row, ops, state, i + 1, requested);
		if (i + 1 == phase->operation)
			phase++;
	}
	i += free_rest(ops, state);
	if (row->skipped == NULL)
		add_point(row, ops, state, i, 0);
}

static void
run_row(const struct footprint *footprint, const struct footprint_ops *ops,
	struct footprint_state *state, struct footprint_row *row)
{
	row->name = ops->name;
	row->desc = ops->desc;
	row->skipped = ops->start(state);
	if (row->skipped == NULL)
		run_ops(footprint, ops, state, row);
	ops->stop();
}

static bool
is_chosen(const struct options *opts, const struct footprint_ops *ops)
{
	unsigned int i;

	for (i = 0; i < opts->n_allocators; i++)
		if (opts->allocators[i] == ops->alloc)
			return true;

	return false;
}

static int
run_rows(const struct options *opts, struct footprint *footprint)
{
	const struct trace *trace = footprint->trace;
	struct footprint_state state = { .trace = trace };
	unsigned int i;
	int ret = 0;

	state.keys = calloc(trace->n_sizes, sizeof(*state.keys));
	state.objs = calloc(trace->n_slots, sizeof(*state.objs));
	state.types = calloc(trace->n_slots, sizeof(*state.types));
	if (state.keys == NULL || state.objs == NULL || state.types == NULL)
		ret = -ENOMEM;
	for (i = 0; footprint_ops[i] != NULL && ret == 0; i++) {
		if (!is_chosen(opts, footprint_ops[i]))
			continue;
		run_row(footprint, footprint_ops[i], &state,
			&footprint->rows[footprint->n_rows]);
		if (bench_stop)
			ret = -EINTR;
		else
			footprint->n_rows++;
	}
	free(state.keys);
	free(state.objs);
	free(state.types);

	return ret;
}

/* Quarters of the operations; a short trace has fewer of them. */
static void
cut_trace(struct footprint *footprint)
{
	const size_t n_ops = footprint->trace->n_ops;
	size_t end;
	unsigned int i;

	for (i = 0; i < RTE_DIM(parts); i++) {
		end = n_ops * (i + 1) / RTE_DIM(parts);
		if (end == n_ops * i / RTE_DIM(parts))
			continue;
		footprint->phases[footprint->n_phases].name = parts[i];
		footprint->phases[footprint->n_phases++].operation = end;
	}
}

int
footprint_run(const struct options *opts, struct footprint *footprint)
{
	const struct trace *trace = opts->trace;
	struct footprint_phase *last;
	int ret = 0;

	memset(footprint, 0, sizeof(*footprint));
	if (trace == NULL) {
		ret = footprint_build(footprint);
		trace = &footprint->built;
	}
	footprint->path = opts->trace_path;
	footprint->trace = trace;
	if (opts->trace != NULL)
		cut_trace(footprint);
	if (ret == 0) {
		last = &footprint->phases[footprint->n_phases++];
		last->name = "all freed";
		last->operation = trace->n_ops + trace->n_allocs - trace->n_frees;
		ret = run_rows(opts, footprint);
	}
	if (ret == -ENOMEM)
		report_error("cannot measure memory: out of memory");

	return ret;
}

const struct footprint_point *
footprint_at(const struct footprint_row *row,
	const struct footprint_phase *phase)
{
	unsigned int i = row->n_points;

	/* The last one: there is another one if nothing was left to be freed. */
	while (i-- > 0)
		if (row->points[i].operation == phase->operation)
			return &row->points[i];

	return NULL;
}

void
footprint_free(struct footprint *footprint)
{
	trace_free(&footprint->built);
}
