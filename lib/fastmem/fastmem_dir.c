/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <rte_bitops.h>
#include <rte_memory.h>

#include "fastmem_dir.h"

struct dir_range {
	uintptr_t start;
	uintptr_t end;
};

static int
dir_range_add(const struct rte_memseg_list *msl, void *arg)
{
	struct dir_range *range = arg;
	uintptr_t start = (uintptr_t)msl->base_va;

	/* External memory is never used for memzones of the normal heaps. */
	if (msl->external != 0)
		return 0;
	range->start = RTE_MIN(range->start, start);
	range->end = RTE_MAX(range->end, start + msl->len);
	return 0;
}

void
fastmem_dir_range(uintptr_t *base, uintptr_t *bytes)
{
	struct dir_range range = { .start = UINTPTR_MAX, .end = 0 };

	rte_memseg_list_walk(dir_range_add, &range);
	*base = RTE_ALIGN_FLOOR(range.start, FASTMEM_SLAB_SIZE);
	*bytes = range.end > *base ?
		RTE_ALIGN_CEIL(range.end - *base, FASTMEM_SLAB_SIZE) : 0;
}

/* The slabs' table comes first, being the one with the larger alignment. */
static size_t
dir_slabs_bytes(uintptr_t bytes)
{
	return RTE_ALIGN_CEIL(fastmem_dir_granule(bytes) *
		sizeof(struct fastmem_slab *), RTE_CACHE_LINE_SIZE);
}

static size_t
dir_n_bins(uintptr_t bytes)
{
	return rte_align64pow2(fastmem_dir_granule(bytes));
}

size_t
fastmem_dir_footprint(uintptr_t bytes)
{
	return dir_slabs_bytes(bytes) + RTE_ALIGN_CEIL(dir_n_bins(bytes) *
		sizeof(uint16_t), RTE_CACHE_LINE_SIZE);
}

void
fastmem_dir_init(struct fastmem_dir *dir, uintptr_t base, uintptr_t bytes,
	void *mem)
{
	dir->base = base;
	dir->bytes = bytes;
	dir->mask = dir_n_bins(bytes) - 1;
	dir->slabs = mem;
	dir->bins = RTE_PTR_ADD(mem, dir_slabs_bytes(bytes));
}
