/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdio.h>

#include "footprint.h"
#include "replay.h"
#include "report_json_trace.h"

static json_t *
describe_checksum(uint32_t checksum)
{
	char text[9];

	snprintf(text, sizeof(text), "%08x", checksum);

	return json_string(text);
}

static json_t *
describe_trace(const char *path, const struct trace *trace)
{
	return json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:i, s:o}",
		"file", path,
		"operations", (json_int_t)trace->n_ops,
		"allocations", (json_int_t)trace->n_allocs,
		"frees", (json_int_t)trace->n_frees,
		"peak_objects", (json_int_t)trace->peak_objects,
		"peak_bytes", (json_int_t)trace->peak_bytes,
		"sizes", (int)trace->n_sizes,
		"min_size", (json_int_t)trace->sizes[0],
		"max_size", (json_int_t)trace->sizes[trace->n_sizes - 1],
		"threads", (int)trace->n_threads,
		"checksum", describe_checksum(trace->checksum));
}

static json_t *
describe_replay(const struct replay *replay)
{
	const struct replay_result *result;
	json_t *results = json_array();
	json_t *skipped = json_array();
	unsigned int i;
	double ratio;
	int ret = 0;

	for (i = 0; i < replay->n_results; i++) {
		result = &replay->results[i];
		if (result->skipped != NULL) {
			ret |= json_array_append_new(skipped,
				json_pack("{s:s, s:s}",
					"allocator", result->allocator->name,
					"reason", result->skipped));
			continue;
		}
		ratio = replay_ratio(replay, result);
		ret |= json_array_append_new(results,
			json_pack("{s:s, s:i, s:f, s:f, s:f, s:o, s:o}",
				"allocator", result->allocator->name,
				"rounds", (int)result->rounds,
				"median", result->cycles.median,
				"best", result->cycles.best,
				"spread", result->cycles.spread,
				"ratio", ratio > 0 ? json_real(ratio) : json_null(),
				"checksum", describe_checksum(result->checksum)));
	}
	if (ret != 0) {
		json_decref(results);
		json_decref(skipped);
		return NULL;
	}

	return json_pack("{s:o, s:s, s:I, s:o, s:o}",
		"trace", describe_trace(replay->path, replay->trace),
		"unit", "TSC cycles per operation",
		"large", (json_int_t)replay->n_large,
		"results", results,
		"skipped", skipped);
}

static json_t *
describe_points(const struct footprint_row *row)
{
	const struct footprint_point *point;
	json_t *points = json_array();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < row->n_points; i++) {
		point = &row->points[i];
		ret |= json_array_append_new(points,
			json_pack("{s:I, s:I, s:I, s:I, s:o}",
				"operation", (json_int_t)point->operation,
				"requested_bytes", (json_int_t)point->requested,
				"live_bytes", (json_int_t)point->live,
				"backing_bytes", (json_int_t)point->backing,
				"cached_bytes",
				point->cached == FOOTPRINT_UNKNOWN ?
					json_null() :
					json_integer(point->cached)));
	}
	if (ret != 0) {
		json_decref(points);
		return NULL;
	}

	return points;
}

static json_t *
describe_memory(const struct footprint *footprint)
{
	json_t *measured = json_array();
	json_t *skipped = json_array();
	json_t *phases = json_array();
	const struct footprint_row *row;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < footprint->n_rows; i++) {
		row = &footprint->rows[i];
		ret |= row->skipped != NULL ?
			json_array_append_new(skipped,
				json_pack("{s:s, s:s}", "allocator", row->name,
					"reason", row->skipped)) :
			json_array_append_new(measured,
				json_pack("{s:s, s:o}", "name", row->name,
					"points", describe_points(row)));
	}
	for (i = 0; i < footprint->n_phases; i++)
		ret |= json_array_append_new(phases,
			json_pack("{s:s, s:I}",
				"name", footprint->phases[i].name,
				"operation",
				(json_int_t)footprint->phases[i].operation));
	if (ret != 0) {
		json_decref(measured);
		json_decref(skipped);
		json_decref(phases);
		return NULL;
	}

	return json_pack("{s:o, s:o, s:o, s:o}",
		"trace", describe_trace(footprint->path, footprint->trace),
		"allocators", measured,
		"skipped", skipped,
		"phases", phases);
}

int
report_json_trace(json_t *root, const struct results *results)
{
	int ret = 0;

	if (results->replay != NULL)
		ret |= json_object_set_new(root, "replay",
				describe_replay(results->replay));
	if (results->memory != NULL)
		ret |= json_object_set_new(root, "memory",
				describe_memory(results->memory));

	return ret;
}
