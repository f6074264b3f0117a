/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "report.h"
#include "trace.h"
#include "trace_format.h"

#define NO_MEMORY "out of memory"

void
trace_init(struct trace *trace)
{
	memset(trace, 0, sizeof(*trace));
	trace->n_threads = 1;
}

void
trace_free(struct trace *trace)
{
	free(trace->ops);
	free(trace->sizes);
	free(trace->peaks);
	free(trace->slots);
	trace_init(trace);
}

/* Until all sizes are known, the type of an operation is the size. */
static const char *
add_op(struct trace *trace, uint32_t slot, uint32_t size)
{
	struct trace_op *ops;
	size_t max;

	if (trace->n_ops == trace->max_ops) {
		max = RTE_MAX(trace->max_ops * 2, (size_t)1024);
		ops = realloc(trace->ops, max * sizeof(*ops));
		if (ops == NULL)
			return NO_MEMORY;
		trace->ops = ops;
		trace->max_ops = max;
	}
	trace->ops[trace->n_ops].slot = slot;
	trace->ops[trace->n_ops].type = size;
	trace->n_ops++;

	return NULL;
}

static const char *
add_slot(struct trace *trace)
{
	uint32_t *slots;
	uint32_t max;

	if (trace->n_slots == TRACE_MAX_SLOTS)
		return "too many objects";
	if (trace->n_slots == trace->max_slots) {
		max = RTE_MAX(trace->max_slots * 2, UINT32_C(1024));
		slots = realloc(trace->slots, max * sizeof(*slots));
		if (slots == NULL)
			return NO_MEMORY;
		trace->slots = slots;
		trace->max_slots = max;
	}
	trace->slots[trace->n_slots++] = 0;

	return NULL;
}

const char *
trace_add_alloc(struct trace *trace, uint64_t slot, uint64_t size)
{
	const char *error;

	if (size == 0 || size > TRACE_MAX_SIZE)
		return "a size that is out of range";
	if (slot > trace->n_slots)
		return "an allocation in a slot that is out of range";
	if (slot == trace->n_slots) {
		error = add_slot(trace);
		if (error != NULL)
			return error;
	} else if (trace->slots[slot] != 0) {
		return "an allocation in a slot that is in use";
	}
	error = add_op(trace, slot, size);
	if (error != NULL)
		return error;
	trace->slots[slot] = size;
	trace->checksum = trace_checksum(trace->checksum, slot, size);
	trace->n_allocs++;

	return NULL;
}

const char *
trace_add_free(struct trace *trace, uint64_t slot)
{
	const char *error;

	if (slot >= trace->n_slots)
		return "a free of an unknown object";
	if (trace->slots[slot] == 0)
		return "a free of an object that is free already";
	error = add_op(trace, slot | TRACE_OP_FREE, trace->slots[slot]);
	if (error != NULL)
		return error;
	trace->slots[slot] = 0;
	trace->checksum = trace_checksum(trace->checksum, slot, 0);
	trace->n_frees++;

	return NULL;
}

static int
compare_sizes(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* All sizes that occur, each once. */
static int
collect_sizes(struct trace *trace)
{
	uint32_t *sizes;
	size_t i, n = 0, unique = 0;

	sizes = malloc(RTE_MAX(trace->n_allocs, (size_t)1) * sizeof(*sizes));
	if (sizes == NULL)
		return -ENOMEM;
	for (i = 0; i < trace->n_ops; i++)
		if (!trace_op_is_free(&trace->ops[i]))
			sizes[n++] = trace->ops[i].type;
	qsort(sizes, n, sizeof(*sizes), compare_sizes);
	for (i = 0; i < n; i++)
		if (i == 0 || sizes[i] != sizes[i - 1])
			sizes[unique++] = sizes[i];
	trace->sizes = sizes;
	trace->n_sizes = unique;

	return 0;
}

int
trace_finish(struct trace *trace)
{
	uint32_t *live, *found, objects = 0;
	uint64_t bytes = 0;
	struct trace_op *op;
	size_t i;

	if (collect_sizes(trace) < 0)
		return -ENOMEM;
	live = calloc(trace->n_sizes + 1, sizeof(*live));
	trace->peaks = calloc(trace->n_sizes + 1, sizeof(*trace->peaks));
	if (live == NULL || trace->peaks == NULL) {
		free(live);
		return -ENOMEM;
	}
	for (i = 0; i < trace->n_ops; i++) {
		op = &trace->ops[i];
		found = bsearch(&op->type, trace->sizes, trace->n_sizes,
				sizeof(*found), compare_sizes);
		op->type = found - trace->sizes;
		if (trace_op_is_free(op)) {
			live[op->type]--;
			objects--;
			bytes -= *found;
			continue;
		}
		live[op->type]++;
		objects++;
		bytes += *found;
		trace->peaks[op->type] = RTE_MAX(trace->peaks[op->type],
				live[op->type]);
		trace->peak_objects = RTE_MAX(trace->peak_objects, objects);
		trace->peak_bytes = RTE_MAX(trace->peak_bytes, bytes);
	}
	free(live);

	return 0;
}

uint32_t
trace_peak(const struct trace *trace, uint32_t first, uint32_t end)
{
	uint32_t live = 0, peak = 0;
	size_t i;

	if (end - first == 1)
		return trace->peaks[first];
	for (i = 0; i < trace->n_ops; i++) {
		if (trace->ops[i].type < first || trace->ops[i].type >= end)
			continue;
		live += trace_op_is_free(&trace->ops[i]) ? -1 : 1;
		peak = RTE_MAX(peak, live);
	}

	return peak;
}

/* What is left to read. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static bool
get_varint(struct cursor *cursor, uint64_t *value)
{
	unsigned int shift;
	uint8_t byte;

	*value = 0;
	for (shift = 0; shift < 64; shift += 7) {
		if (cursor->at == cursor->end)
			return false;
		byte = *cursor->at++;
		/* The tenth byte has one bit of the 64. */
		if (shift == 63 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}

	return false;
}

static uint64_t
get_fixed(const uint8_t *from, unsigned int n_bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < n_bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);

	return value;
}

/* The size and, if the lowest bit says so, the logarithm of the alignment. */
static const char *
get_size(struct cursor *cursor, uint64_t *size)
{
	bool aligned;

	if (!get_varint(cursor, size))
		return "a size that has no end";
	aligned = *size & 1;
	*size >>= 1;
	if (!aligned)
		return NULL;
	if (cursor->at == cursor->end)
		return "an alignment that is missing";
	if (*cursor->at++ > TRACE_MAX_ALIGN_LOG2)
		return "an alignment that is out of range";

	return NULL;
}

static const char *
parse_alloc(struct trace *trace, struct cursor *cursor, uint64_t slot,
	bool again)
{
	const char *error;
	uint64_t size;

	error = get_size(cursor, &size);
	if (error == NULL && again)
		error = trace_add_free(trace, slot);

	return error != NULL ? error : trace_add_alloc(trace, slot, size);
}

static const char *
parse_event(struct trace *trace, struct cursor *cursor, bool *end)
{
	uint64_t value;

	if (!get_varint(cursor, &value))
		return "an event that has no end";
	switch (value & ((1 << TRACE_KIND_BITS) - 1)) {
	case TRACE_ALLOC:
		return parse_alloc(trace, cursor, value >> TRACE_KIND_BITS, false);
	case TRACE_REALLOC:
		return parse_alloc(trace, cursor, value >> TRACE_KIND_BITS, true);
	case TRACE_FREE:
		return trace_add_free(trace, value >> TRACE_KIND_BITS);
	default:
		value >>= TRACE_KIND_BITS;
		*end = value == TRACE_MARK_END;
		if (value > trace->n_threads + UINT64_C(1) ||
				value > TRACE_MAX_THREADS)
			return "a thread that is out of range";
		trace->n_threads = RTE_MAX((uint64_t)trace->n_threads, value);
		return NULL;
	}
}

static const char *
parse_footer(const struct trace *trace, const struct cursor *cursor)
{
	if (cursor->end - cursor->at != TRACE_FOOTER_LEN)
		return "more or less than a footer behind the end";
	if (get_fixed(cursor->at, 8) != trace->n_allocs ||
			get_fixed(cursor->at + 8, 8) != trace->n_frees)
		return "a footer with other numbers of events";
	if (get_fixed(cursor->at + 16, 4) != trace->checksum)
		return "a footer with another checksum";

	return NULL;
}

static const char *
parse_header(struct cursor *cursor)
{
	if (cursor->end - cursor->at < (ptrdiff_t)TRACE_HEADER_LEN ||
			memcmp(cursor->at, TRACE_MAGIC, TRACE_MAGIC_LEN) != 0)
		return "no header of a trace";
	if (get_fixed(cursor->at + TRACE_MAGIC_LEN, 4) != TRACE_VERSION)
		return "a version that is not known";
	cursor->at += TRACE_HEADER_LEN;

	return NULL;
}

int
trace_parse(const uint8_t *bytes, size_t len, struct trace *trace,
	struct trace_error *error)
{
	struct cursor cursor = { .at = bytes, .end = bytes + len };
	bool end = false;

	trace_init(trace);
	error->offset = 0;
	error->what = parse_header(&cursor);
	while (error->what == NULL && !end) {
		error->offset = cursor.at - bytes;
		error->what = parse_event(trace, &cursor, &end);
	}
	if (error->what == NULL) {
		error->offset = cursor.at - bytes;
		error->what = parse_footer(trace, &cursor);
	}
	if (error->what == NULL && trace->n_ops == 0)
		error->what = "no event";
	if (error->what == NULL && trace_finish(trace) < 0)
		error->what = NO_MEMORY;
	if (error->what != NULL)
		trace_free(trace);

	return error->what != NULL ? -EINVAL : 0;
}

/* Returns the bytes of a file, to be freed, or NULL with what is wrong. */
static uint8_t *
read_file(const char *path, size_t *len, const char **error)
{
	uint8_t *bytes = NULL, *more;
	size_t max = 0;
	FILE *f;

	f = fopen(path, "rb");
	if (f == NULL) {
		*error = strerror(errno);
		return NULL;
	}
	*len = 0;
	*error = NULL;
	while (*error == NULL && !feof(f)) {
		if (*len == max) {
			max = RTE_MAX(max * 2, (size_t)65536);
			more = max > 2 * TRACE_MAX_BYTES ? NULL :
				realloc(bytes, max);
			*error = more == NULL ? "too large" : NULL;
			bytes = more != NULL ? more : bytes;
			continue;
		}
		*len += fread(bytes + *len, 1, max - *len, f);
		if (ferror(f))
			*error = strerror(errno);
	}
	fclose(f);
	if (*error == NULL && *len > TRACE_MAX_BYTES)
		*error = "too large";
	if (*error != NULL) {
		free(bytes);
		bytes = NULL;
	}

	return bytes;
}

int
trace_load(const char *path, struct trace *trace)
{
	struct trace_error error;
	const char *what;
	uint8_t *bytes;
	size_t len;
	int ret;

	bytes = read_file(path, &len, &what);
	if (bytes == NULL) {
		report_error("cannot read '%s': %s", path, what);
		return -EIO;
	}
	ret = trace_parse(bytes, len, trace, &error);
	free(bytes);
	if (ret < 0)
		report_error("'%s' is no trace that can be replayed: byte %zu: %s",
			path, error.offset, error.what);

	return ret;
}
