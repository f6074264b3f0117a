/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The load that is built in: objects of many types, whose populations change
 * from phase to phase. Small objects come in great numbers, most of them go
 * while larger ones come, then all of them are replaced for a while at random,
 * and at last few of any type are left. Which object is freed is random, so
 * that those which stay are spread over all of the memory.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "footprint.h"
#include "scenario.h"

#define N_TYPES 12
#define N_POPULATIONS 4

/* So often is an object replaced rather than a population changed: one in. */
#define REPLACE_ONE_IN 4

/* In the phase in which populations stay as they are. */
#define N_REPLACED 200000

static const struct {
	const char *name;
	unsigned int n_replaced;
} load_phases[N_POPULATIONS] = {
	{ "growth", 0 },
	{ "shift", 0 },
	{ "churn", N_REPLACED },
	{ "decline", 0 },
};

/*
 * A type of objects, and how many there are when each phase ends. From size to
 * size it is about the same factor, whether that suits an allocator or not.
 */
static const struct {
	uint32_t size;
	uint32_t n[N_POPULATIONS];
} load_types[N_TYPES] = {
	{ 24, { 60000, 6000, 6000, 600 } },
	{ 40, { 40000, 4000, 4000, 400 } },
	{ 72, { 40000, 4000, 4000, 400 } },
	{ 128, { 30000, 3000, 3000, 300 } },
	{ 200, { 30000, 6000, 6000, 500 } },
	{ 320, { 16000, 8000, 8000, 400 } },
	{ 512, { 6000, 8000, 8000, 300 } },
	{ 832, { 2000, 6000, 6000, 200 } },
	{ 1344, { 1000, 5000, 5000, 150 } },
	{ 2176, { 500, 4000, 4000, 100 } },
	{ 4096, { 200, 2000, 2000, 60 } },
	{ 9216, { 100, 1000, 1000, 40 } },
};

/* The slots of the objects of each type, and those that are not in use. */
struct load {
	struct trace *trace;
	uint64_t random;
	uint32_t *slots[N_TYPES];
	uint32_t n[N_TYPES];
	uint32_t *idle;
	uint32_t n_idle;
	const char *error;
};

static uint32_t
draw(struct load *load, uint32_t n)
{
	return (uint64_t)scenario_rand(&load->random) * n >> 32;
}

static void
add_object(struct load *load, unsigned int type)
{
	const uint32_t slot = load->n_idle > 0 ? load->idle[--load->n_idle] :
		load->trace->n_slots;

	if (load->error == NULL)
		load->error = trace_add_alloc(load->trace, slot,
				load_types[type].size);
	load->slots[type][load->n[type]++] = slot;
}

static void
remove_object(struct load *load, unsigned int type)
{
	const uint32_t i = draw(load, load->n[type]);
	const uint32_t slot = load->slots[type][i];

	if (load->error == NULL)
		load->error = trace_add_free(load->trace, slot);
	load->slots[type][i] = load->slots[type][--load->n[type]];
	load->idle[load->n_idle++] = slot;
}

/* Of all objects there are, one and its type. */
static void
replace_object(struct load *load)
{
	uint32_t total = 0, pick;
	unsigned int type;

	for (type = 0; type < N_TYPES; type++)
		total += load->n[type];
	if (total == 0)
		return;
	pick = draw(load, total);
	for (type = 0; pick >= load->n[type]; type++)
		pick -= load->n[type];
	remove_object(load, type);
	add_object(load, type);
}

/* Make a step to the populations of a phase; false if there are no more. */
static bool
step(struct load *load, unsigned int phase)
{
	uint32_t left[N_TYPES], total = 0, pick;
	unsigned int type;

	for (type = 0; type < N_TYPES; type++) {
		left[type] = abs((int)load_types[type].n[phase] -
				(int)load->n[type]);
		total += left[type];
	}
	if (total == 0)
		return false;
	if (draw(load, REPLACE_ONE_IN) == 0)
		replace_object(load);
	pick = draw(load, total);
	for (type = 0; pick >= left[type]; type++)
		pick -= left[type];
	if (load->n[type] < load_types[type].n[phase])
		add_object(load, type);
	else
		remove_object(load, type);

	return true;
}

static int
load_open(struct load *load)
{
	uint32_t most, total = 0;
	unsigned int type, phase;

	for (type = 0; type < N_TYPES; type++) {
		most = 0;
		for (phase = 0; phase < N_POPULATIONS; phase++)
			most = RTE_MAX(most, load_types[type].n[phase]);
		load->slots[type] = calloc(most, sizeof(*load->slots[type]));
		if (load->slots[type] == NULL)
			return -ENOMEM;
		total += most;
	}
	load->idle = calloc(total, sizeof(*load->idle));

	return load->idle == NULL ? -ENOMEM : 0;
}

static void
load_close(struct load *load)
{
	unsigned int type;

	for (type = 0; type < N_TYPES; type++)
		free(load->slots[type]);
	free(load->idle);
}

int
footprint_build(struct footprint *footprint)
{
	struct load load = { .trace = &footprint->built };
	struct footprint_phase *to;
	unsigned int phase, i;
	int ret;

	trace_init(&footprint->built);
	ret = load_open(&load);
	for (phase = 0; phase < N_POPULATIONS && ret == 0; phase++) {
		while (step(&load, phase))
			;
		for (i = 0; i < load_phases[phase].n_replaced; i++)
			replace_object(&load);
		to = &footprint->phases[footprint->n_phases++];
		to->name = load_phases[phase].name;
		to->operation = footprint->built.n_ops;
	}
	load_close(&load);
	if (ret == 0)
		ret = load.error != NULL ? -ENOMEM :
			trace_finish(&footprint->built);
	if (ret < 0)
		trace_free(&footprint->built);

	return ret;
}
