/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

/*
 * A file with a program's allocations, as devtools/make-trace.py generates and
 * librte_fastmem_trace.so records it. The guide of this application has the
 * format; this is what those who read and write it in C have in common.
 *
 * Numbers of a fixed length are little-endian. The others are varints: 7 bits
 * in a byte, the lowest first, and the top bit set in all bytes but the last.
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_hash_crc.h>

#define TRACE_MAGIC "fmtrace\n"
#define TRACE_MAGIC_LEN (sizeof(TRACE_MAGIC) - 1)
#define TRACE_VERSION 1

/* The magic and the version; the numbers of events and the checksum. */
#define TRACE_HEADER_LEN (TRACE_MAGIC_LEN + 4)
#define TRACE_FOOTER_LEN (8 + 8 + 4)

/* The kind is in the lowest bits of an event's first number. */
#define TRACE_KIND_BITS 2

enum trace_kind {
	TRACE_ALLOC,   /* slot; size and alignment */
	TRACE_FREE,    /* slot */
	TRACE_REALLOC, /* slot; size and alignment */
	TRACE_MARK,    /* 0: the end; n: thread n - 1 makes what follows */
};

#define TRACE_MARK_END 0

/* What is larger is no object for any of the allocators. */
#define TRACE_MAX_SIZE UINT32_MAX
#define TRACE_MAX_ALIGN_LOG2 30
#define TRACE_MAX_SLOTS (UINT32_C(1) << 28)
#define TRACE_MAX_THREADS (1U << 16)

#define TRACE_VARINT_LEN 10

/* Of the longest event. */
#define TRACE_EVENT_LEN (2 * TRACE_VARINT_LEN + 1)

static inline size_t
trace_put_varint(uint8_t *to, uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		to[n++] = (uint8_t)value | 0x80;
		value >>= 7;
	}
	to[n++] = value;

	return n;
}

static inline void
trace_put_fixed(uint8_t *to, uint64_t value, unsigned int n_bytes)
{
	unsigned int i;

	for (i = 0; i < n_bytes; i++)
		to[i] = value >> (8 * i);
}

/* The checksum goes on with an allocation, or with a free, of size 0. */
static inline uint32_t
trace_checksum(uint32_t checksum, uint32_t slot, uint32_t size)
{
	return rte_hash_crc_8byte((uint64_t)size << 32 | slot, checksum);
}

#endif /* TRACE_FORMAT_H */
