/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/* What tests do with objects and their sizes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "test_fastmem_util.h"

/* Objects of up to this size are filled and checked wholly. */
#define FILL_WHOLE 4096
#define FILL_EDGE 512
#define FILL_STRIDE 4096

size_t
fastmem_test_class_of(size_t size, size_t align)
{
	size_t class_size = 8;

	if (align == 0)
		align = RTE_CACHE_LINE_SIZE;
	while (class_size < size || class_size < align)
		class_size *= 2;
	return class_size;
}

bool
fastmem_test_believes_constants(void)
{
	void *room, *aligned, *next;

	/* an aligned object is served as another one if it was believed to be */
	room = rte_fastmem_alloc(4096, 8, 0);
	aligned = rte_fastmem_alloc(4096, 4096, 0);
	fastmem_test_free_constant(aligned, 4096);
	next = rte_fastmem_alloc(4096, 8, 0);
	rte_fastmem_free(room);
	rte_fastmem_free(next);
	return aligned != NULL && next == aligned;
}

/* Compilers do not inline calls that sanitizers make large, unless told so. */
__attribute__((flatten)) void
fastmem_test_free_constant(void *obj, size_t class_size)
{
	switch (class_size) {
#define FREE_CONSTANT(size) \
	case size: \
		rte_fastmem_free_sized(obj, size, 8); \
		break
	FREE_CONSTANT(8);
	FREE_CONSTANT(16);
	FREE_CONSTANT(32);
	FREE_CONSTANT(64);
	FREE_CONSTANT(128);
	FREE_CONSTANT(256);
	FREE_CONSTANT(512);
	FREE_CONSTANT(1024);
	FREE_CONSTANT(2048);
	FREE_CONSTANT(4096);
	FREE_CONSTANT(8192);
	FREE_CONSTANT(16384);
	FREE_CONSTANT(32768);
	FREE_CONSTANT(65536);
	FREE_CONSTANT(131072);
	FREE_CONSTANT(262144);
	FREE_CONSTANT(524288);
	FREE_CONSTANT(1048576);
#undef FREE_CONSTANT
	default:
		printf("no class of %zu B\n", class_size);
		abort();
	}
}

unsigned int
fastmem_test_class_index(size_t class_size)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES - 1; i++)
		if (fastmem_test_sizes[i] == class_size)
			break;
	return i;
}

int
fastmem_test_check_object(const void *obj, size_t size, size_t align)
{
	size_t usable = rte_fastmem_usable_size(obj);

	TEST_ASSERT_EQUAL(usable, fastmem_test_class_of(size, align),
		"size %zu align %zu: %zu B usable", size, align, usable);
	if (align == 0)
		align = RTE_CACHE_LINE_SIZE;
	TEST_ASSERT(((uintptr_t)obj & (align - 1)) == 0,
		"size %zu align %zu: at %p", size, align, obj);
	return 0;
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 29;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 32;
	return x;
}

/* The next offset to fill or check after one. */
static size_t
fill_next(size_t offset, size_t len)
{
	offset += sizeof(uint64_t);
	if (len > FILL_WHOLE && offset >= FILL_EDGE && offset < len - FILL_EDGE) {
		offset = RTE_ALIGN_CEIL(offset, FILL_STRIDE);
		if (offset > len - FILL_EDGE)
			offset = RTE_ALIGN_FLOOR(len - FILL_EDGE,
				sizeof(uint64_t));
	}
	return offset;
}

void
fastmem_test_fill(void *obj, size_t len, uint64_t seed)
{
	uint64_t key = mix((uintptr_t)obj ^ seed * 3) + len;
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i = fill_next(i, len)) {
		word = mix(key + i);
		memcpy((char *)obj + i, &word, RTE_MIN(sizeof(word), len - i));
	}
}

int
fastmem_test_check(const void *obj, size_t len, uint64_t seed)
{
	uint64_t key = mix((uintptr_t)obj ^ seed * 3) + len;
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i = fill_next(i, len)) {
		word = mix(key + i);
		if (memcmp((const char *)obj + i, &word,
				RTE_MIN(sizeof(word), len - i)) == 0)
			continue;
		printf("object %p of %zu B: wrong content at offset %zu\n",
			obj, len, i);
		return -1;
	}
	return 0;
}

void *
fastmem_test_opaque(void *ptr)
{
	return ptr;
}

bool
fastmem_test_all_bytes(const void *obj, size_t len, uint8_t value)
{
	const uint8_t *bytes = obj;

	return len == 0 || (bytes[0] == value &&
		memcmp(bytes, bytes + 1, len - 1) == 0);
}

static int
compare_addresses(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(void * const *)a;
	uintptr_t y = (uintptr_t)*(void * const *)b;

	return (x > y) - (x < y);
}

void
fastmem_test_sort(void **objs, size_t n)
{
	qsort(objs, n, sizeof(objs[0]), compare_addresses);
}
