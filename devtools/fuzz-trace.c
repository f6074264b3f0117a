/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * For test-trace.sh, with a sanitizer: have the reader of dpdk-test-fastmem
 * read a trace, each beginning of it, and copies with one byte changed in each
 * way. What it accepts has to be a trace that can be replayed.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "trace.h"
#include "trace_format.h"

static unsigned int n_accepted, n_refused;

void
report_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* What a replay relies on. */
static bool
can_be_replayed(const struct trace *trace)
{
	bool *live = calloc(trace->n_slots + 1, sizeof(*live));
	uint32_t checksum = 0, slot;
	bool ok = live != NULL;
	size_t i;

	for (i = 0; i < trace->n_ops && ok; i++) {
		slot = trace->ops[i].slot & ~TRACE_OP_FREE;
		ok = slot < trace->n_slots &&
			trace->ops[i].type < trace->n_sizes &&
			live[slot] == trace_op_is_free(&trace->ops[i]);
		if (!ok)
			break;
		live[slot] = !live[slot];
		checksum = trace_checksum(checksum, slot, live[slot] ?
				trace->sizes[trace->ops[i].type] : 0);
	}
	free(live);

	return ok && checksum == trace->checksum;
}

/* The bytes are copied, so that none beyond them can be read. */
static bool
try(const uint8_t *bytes, size_t len, bool complete)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct trace_error error;
	struct trace trace;
	bool ok = true;

	if (copy == NULL)
		return false;
	memcpy(copy, bytes, len);
	if (trace_parse(copy, len, &trace, &error) == 0) {
		ok = complete && can_be_replayed(&trace);
		trace_free(&trace);
		n_accepted++;
	} else {
		ok = error.what != NULL && error.offset <= len;
		n_refused++;
	}
	free(copy);

	return ok;
}

static bool
try_all(uint8_t *bytes, size_t len)
{
	unsigned int value;
	uint8_t byte;
	size_t i;

	if (!try(bytes, len, true) || n_accepted != 1) {
		report_error("the trace itself is refused");
		return false;
	}
	for (i = 0; i < len; i++) {
		if (!try(bytes, i, false)) {
			report_error("the first %zu bytes are taken for a trace", i);
			return false;
		}
		byte = bytes[i];
		for (value = 0; value < 256; value++) {
			bytes[i] = value;
			if (value != byte && !try(bytes, len, true)) {
				report_error("byte %zu is %u: that cannot be replayed",
					i, value);
				return false;
			}
		}
		bytes[i] = byte;
	}

	return true;
}

int
main(int argc, char **argv)
{
	static uint8_t bytes[1 << 20];
	struct trace trace;
	size_t len;
	FILE *f;

	f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (f == NULL)
		return 1;
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	if (!try_all(bytes, len) || trace_load(argv[1], &trace) < 0)
		return 1;
	trace_free(&trace);
	printf("%u refused, %u replayed\n", n_refused, n_accepted);

	return 0;
}
