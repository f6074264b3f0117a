/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <string.h>

#include "fastmem_bin.h"

void
fastmem_bin_init(struct fastmem_bin *bin, struct fastmem_backing *backing,
	unsigned int index, struct fastmem_shape shape)
{
	memset(bin, 0, sizeof(*bin));
	bin->backing = backing;
	bin->index = index;
	bin->shape = shape;
	bin->zone_end = FASTMEM_ZONE_ANY;
	bin->max_objs = UINT64_MAX;
	fastmem_lock_init(&bin->lock);
	rte_seqcount_init(&bin->sequence);
}

static void
bin_list(struct fastmem_bin *bin, struct fastmem_slab *slab)
	__rte_requires_capability(&bin->lock)
{
	slab->listed = true;
	fastmem_slab_list_append(&bin->partial, slab);
	fastmem_figure_add(&bin->n_partial, 1);
}

static void
bin_unlist(struct fastmem_bin *bin, struct fastmem_slab *slab)
	__rte_requires_capability(&bin->lock)
{
	slab->listed = false;
	fastmem_slab_list_remove(&bin->partial, slab);
	fastmem_figure_add(&bin->n_partial, -1);
}

/* Take up to n objects; the last ones, *fresh in number, are carved for it. */
static unsigned int
bin_take(struct fastmem_bin *bin, void **objs, unsigned int n, uint32_t *fresh)
	__rte_requires_capability(&bin->lock)
{
	struct fastmem_slab *slab, *next;
	unsigned int got = 0, k;

	*fresh = 0;
	for (slab = bin->partial.first; got < n && slab != NULL; slab = next) {
		next = slab->next;
		fastmem_race_point(FASTMEM_RACE_BIN_LOCKED);
		k = fastmem_slab_take(slab, &objs[got], n - got,
			RTE_MIN(bin->max_objs - bin->n_carved,
				(uint64_t)UINT32_MAX), fresh);
		got += k;
		bin->n_carved += *fresh;
		fastmem_race_point(FASTMEM_RACE_BIN_TAKEN);
		if (fastmem_slab_is_full(slab)) {
			rte_seqcount_write_begin(&bin->sequence);
			bin_unlist(bin, slab);
			fastmem_race_point(FASTMEM_RACE_BIN_HALF_COUNTED);
			fastmem_figure_add(&bin->n_full, 1);
			rte_seqcount_write_end(&bin->sequence);
		}
		/* What has to be constructed comes last. */
		if (*fresh != 0 && bin->type != NULL)
			break;
	}
	return got;
}

/* Construct what was carved, with no lock held. */
static void
bin_construct(const struct fastmem_bin *bin, void **objs, uint32_t n)
{
	const struct fastmem_type_local *type = bin->type;
	uint32_t i;

	if (type == NULL || type->ctor == NULL)
		return;
	/* In the order of their addresses. */
	for (i = n; i > 0; i--)
		type->ctor(objs[i - 1], type->arg);
}

struct fastmem_slab *
fastmem_bin_acquire(struct fastmem_bin *bin, bool grow)
{
	size_t bytes = fastmem_slab_bitmap_bytes(bin->shape);
	struct fastmem_slab *slab;
	void *bitmap = NULL;

	slab = fastmem_backing_get(bin->backing, bin->shape, bin->zone_end,
		grow);
	if (slab == NULL)
		return NULL;
	fastmem_race_point(FASTMEM_RACE_BIN_SLAB_GOT);
	if (bytes != 0) {
		bitmap = fastmem_backing_meta_alloc(bin->backing,
			FASTMEM_META_PLAIN, bytes, grow);
		if (bitmap == NULL) {
			fastmem_backing_put(bin->backing, slab);
			return NULL;
		}
	}
	fastmem_race_point(FASTMEM_RACE_BIN_BITMAP_GOT);
	fastmem_slab_format(slab, bin->shape, bitmap);
	fastmem_race_point(FASTMEM_RACE_BIN_SLAB_FORMATTED);
	fastmem_dir_set_bin(bin->backing->dir, slab->addr, bin->index);
	return slab;
}

void
fastmem_bin_release(struct fastmem_bin *bin, struct fastmem_slab *slab)
{
	size_t bytes = fastmem_slab_bitmap_bytes(bin->shape);

	if (bin->type != NULL && bin->type->dtor != NULL)
		fastmem_slab_walk(slab, bin->type->dtor, bin->type->arg);
	fastmem_dir_set_bin(bin->backing->dir, slab->addr, FASTMEM_BIN_NONE);
	fastmem_race_point(FASTMEM_RACE_BIN_SLAB_UNSET);
	if (bytes != 0)
		fastmem_meta_free(&bin->backing->meta, FASTMEM_META_PLAIN,
			slab->bitmap, bytes);
	fastmem_race_point(FASTMEM_RACE_BIN_BITMAP_FREED);
	fastmem_backing_put(bin->backing, slab);
}

static void
bin_enter(struct fastmem_bin *bin, struct fastmem_slab *slab)
	__rte_requires_capability(&bin->lock)
{
	slab->bin = bin;
	rte_seqcount_write_begin(&bin->sequence);
	fastmem_figure_add(&bin->acquires, 1);
	fastmem_race_point(FASTMEM_RACE_BIN_HALF_COUNTED);
	if (fastmem_slab_is_full(slab))
		fastmem_figure_add(&bin->n_full, 1);
	else
		bin_list(bin, slab);
	rte_seqcount_write_end(&bin->sequence);
}

unsigned int
fastmem_bin_adopt(struct fastmem_bin *bin, struct fastmem_slab *slab,
	void **objs, unsigned int n)
{
	/* Nobody else knows the slab yet: no lock while it is carved. */
	uint32_t fresh;
	unsigned int got = fastmem_slab_take(slab, objs, n, UINT32_MAX, &fresh);

	fastmem_race_point(FASTMEM_RACE_BIN_ADOPT_CARVED);
	fastmem_lock(&bin->lock);
	bin->n_carved += fresh;
	bin_enter(bin, slab);
	fastmem_unlock(&bin->lock);
	return got;
}

unsigned int
fastmem_bin_take(struct fastmem_bin *bin, void **objs, unsigned int n)
{
	unsigned int got;
	uint32_t fresh;

	fastmem_lock(&bin->lock);
	got = bin_take(bin, objs, n, &fresh);
	fastmem_unlock(&bin->lock);
	bin_construct(bin, &objs[got - fresh], fresh);
	return got;
}

/* Tell if there is use for another slab. */
static bool
bin_may_carve(struct fastmem_bin *bin)
{
	bool ret;

	fastmem_lock(&bin->lock);
	ret = bin->n_carved < bin->max_objs;
	fastmem_unlock(&bin->lock);
	return ret;
}

unsigned int
fastmem_bin_fill(struct fastmem_bin *bin, void **objs, unsigned int n,
	bool grow)
{
	struct fastmem_slab *slab;
	unsigned int got;
	uint32_t fresh;

	got = fastmem_bin_take(bin, objs, n);
	if (got != 0 || !bin_may_carve(bin))
		return got;

	fastmem_backing_transit_begin(bin->backing);
	slab = fastmem_bin_acquire(bin, grow);

	fastmem_race_point(FASTMEM_RACE_BIN_SLAB_ACQUIRED);
	/* Objects, or a slab that another thread got, may have come meanwhile;
	 * a slab of which nothing is taken would never be given back.
	 */
	fastmem_lock(&bin->lock);
	got = bin_take(bin, objs, n, &fresh);
	if (got == 0 && slab != NULL && bin->n_carved < bin->max_objs) {
		bin_enter(bin, slab);
		slab = NULL;
		got = bin_take(bin, objs, n, &fresh);
	}
	fastmem_unlock(&bin->lock);
	fastmem_race_point(FASTMEM_RACE_BIN_SLAB_SPARE);
	bin_construct(bin, &objs[got - fresh], fresh);
	if (slab != NULL)
		fastmem_bin_release(bin, slab);
	fastmem_backing_transit_end(bin->backing);
	return got;
}

/* List a slab that was full and has objects again, or is to be taken off. */
static void
bin_list_full(struct fastmem_bin *bin, struct fastmem_slab *slab)
	__rte_requires_capability(&bin->lock)
{
	rte_seqcount_write_begin(&bin->sequence);
	bin_list(bin, slab);
	fastmem_race_point(FASTMEM_RACE_BIN_HALF_COUNTED);
	fastmem_figure_add(&bin->n_full, -1);
	rte_seqcount_write_end(&bin->sequence);
}

/* Take a slab that is listed off the bin. */
static void
bin_leave(struct fastmem_bin *bin, struct fastmem_slab *slab)
	__rte_requires_capability(&bin->lock)
{
	bin->n_carved -= fastmem_slab_n_carved(slab);
	rte_seqcount_write_begin(&bin->sequence);
	bin_unlist(bin, slab);
	fastmem_race_point(FASTMEM_RACE_BIN_HALF_COUNTED);
	fastmem_figure_add(&bin->releases, 1);
	rte_seqcount_write_end(&bin->sequence);
	slab->bin = NULL;
}

/* Put one object back; returns its slab if that has no objects any more. */
static struct fastmem_slab *
bin_put(struct fastmem_bin *bin, struct fastmem_slab *slab, void *obj)
	__rte_requires_capability(&bin->lock)
{
	if (!fastmem_slab_put(slab, obj)) {
		FASTMEM_LOG(ERR, "%p was freed but is free already, or no object",
			obj);
		return NULL;
	}
	fastmem_race_point(FASTMEM_RACE_BIN_PUT);
	if (!slab->listed)
		bin_list_full(bin, slab);
	if (fastmem_slab_outside(slab) != 0)
		return NULL;
	bin_leave(bin, slab);
	return slab;
}

/* The same for an object of the bin or its kin. */
static struct fastmem_slab *
bin_put_any(struct fastmem_bin *bin, void *obj)
	__rte_requires_capability(&bin->lock)
{
	struct fastmem_slab *slab = fastmem_dir_slab(bin->backing->dir, obj);
	struct fastmem_bin *kin = bin->kin;
	struct fastmem_slab *empty;

	if (likely(slab != NULL && slab->bin == bin))
		return bin_put(bin, slab, obj);
	/* The object keeps its slab in its bin, so this needs no lock. */
	if (slab != NULL && kin != NULL && slab->bin == kin) {
		fastmem_lock(&kin->lock);
		empty = bin_put(kin, slab, obj);
		fastmem_unlock(&kin->lock);
		return empty;
	}
	FASTMEM_LOG(ERR, "%p was freed as an object of %zu B on socket %d, which it is not",
		obj, fastmem_bin_size(bin), bin->backing->socket_id);
	return NULL;
}

void
fastmem_bin_drain(struct fastmem_bin *bin, void *const *objs, unsigned int n)
{
	struct fastmem_slab *slab, *empty = NULL;
	unsigned int i;

	fastmem_lock(&bin->lock);
	for (i = 0; i < n; i++) {
		slab = bin_put_any(bin, objs[i]);
		if (slab == NULL)
			continue;
		slab->next = empty;
		empty = slab;
	}
	fastmem_unlock(&bin->lock);

	/* To release a slab, the bin and its kin are the same. */
	while ((slab = empty) != NULL) {
		fastmem_race_point(FASTMEM_RACE_BIN_SLAB_EMPTY);
		empty = slab->next;
		fastmem_bin_release(bin, slab);
	}
}

uint64_t
fastmem_bin_purge(struct fastmem_bin *bin)
{
	const struct fastmem_dir *dir = bin->backing->dir;
	struct fastmem_slab *slab;
	uint64_t n_outside = 0;
	uintptr_t offset;

	for (offset = 0; offset < dir->bytes; offset += FASTMEM_SLAB_SIZE) {
		slab = dir->slabs[fastmem_dir_granule(offset)];
		if (slab == NULL || slab->bin != bin)
			continue;
		fastmem_lock(&bin->lock);
		n_outside += fastmem_slab_outside(slab);
		if (!slab->listed)
			bin_list_full(bin, slab);
		bin_leave(bin, slab);
		fastmem_unlock(&bin->lock);
		fastmem_bin_release(bin, slab);
	}
	return n_outside;
}

bool
fastmem_bin_was_used(struct fastmem_bin *bin)
{
	return fastmem_figure(&bin->acquires) != 0;
}

void
fastmem_bin_get_info(struct fastmem_bin *bin, struct fastmem_bin_info *info)
{
	uint32_t sn = rte_seqcount_read_begin(&bin->sequence);
	unsigned int spins = 0;

	for (;;) {
		info->slab_acquires = fastmem_figure(&bin->acquires) -
			fastmem_figure(&bin->acquires_base);
		info->slab_releases = fastmem_figure(&bin->releases) -
			fastmem_figure(&bin->releases_base);
		fastmem_race_point(FASTMEM_RACE_BIN_HALF_READ);
		info->n_partial = fastmem_figure(&bin->n_partial);
		info->n_full = fastmem_figure(&bin->n_full);
		if (!rte_seqcount_read_retry(&bin->sequence, sn))
			break;
		/* Who changes them may have been preempted. */
		if ((sn & 1) != 0 && !fastmem_wait_primary(&spins))
			break;
		sn = rte_seqcount_read_begin(&bin->sequence);
	}
}

void
fastmem_bin_reset(struct fastmem_bin *bin)
{
	fastmem_lock(&bin->lock);
	rte_seqcount_write_begin(&bin->sequence);
	fastmem_race_point(FASTMEM_RACE_BIN_HALF_COUNTED);
	fastmem_figure_set(&bin->acquires_base, fastmem_figure(&bin->acquires));
	fastmem_figure_set(&bin->releases_base, fastmem_figure(&bin->releases));
	rte_seqcount_write_end(&bin->sequence);
	fastmem_unlock(&bin->lock);
}

uint64_t
fastmem_bin_walk(struct fastmem_bin *bin, void (*func)(void *obj, void *arg),
	void *arg)
{
	const struct fastmem_dir *dir = bin->backing->dir;
	const struct fastmem_slab *slab;
	uintptr_t offset;
	uint64_t n = 0;

	fastmem_lock(&bin->lock);
	for (offset = 0; offset < dir->bytes; offset += FASTMEM_SLAB_SIZE) {
		slab = dir->slabs[fastmem_dir_granule(offset)];
		if (slab == NULL || slab->bin != bin)
			continue;
		n += fastmem_slab_n_carved(slab);
		if (func != NULL)
			fastmem_slab_walk(slab, func, arg);
	}
	fastmem_unlock(&bin->lock);
	return n;
}

unsigned int
fastmem_bin_list_outside(struct fastmem_bin *bin, void **objs, unsigned int n)
{
	const struct fastmem_dir *dir = bin->backing->dir;
	const struct fastmem_slab *slab;
	unsigned int got = 0;
	uintptr_t offset;

	fastmem_lock(&bin->lock);
	for (offset = 0; offset < dir->bytes && got < n;
			offset += FASTMEM_SLAB_SIZE) {
		slab = dir->slabs[fastmem_dir_granule(offset)];
		if (slab != NULL && slab->bin == bin)
			got += fastmem_slab_list_outside(slab, &objs[got],
				n - got);
	}
	fastmem_unlock(&bin->lock);
	return got;
}

static unsigned int
bin_audit_slab(const struct fastmem_slab *slab)
{
	uint32_t carved = rte_atomic_load_explicit(&slab->carved,
		rte_memory_order_relaxed);
	uint32_t slot, n_bits = 0;
	bool valid = true;

	for (slot = 0; slot < slab->end; slot++) {
		if ((slab->bitmap[slot / 64] & RTE_BIT64(slot % 64)) == 0)
			continue;
		n_bits++;
		if (slot < slab->first || slot >= carved ||
				slot / 64 < slab->hint)
			valid = false;
	}
	if (valid && n_bits == slab->n_free && slab->first <= carved &&
			carved <= slab->end &&
			slab->listed == !fastmem_slab_is_full(slab) &&
			slab->state == FASTMEM_SLAB_BIN &&
			fastmem_slab_outside(slab) != 0)
		return 0;
	FASTMEM_LOG(ERR, "audit: slab %#" PRIxPTR ": objects %u to %u of %u carved, %u counted free, %u bits, %slisted",
		slab->addr, slab->first, carved, slab->end, slab->n_free,
		n_bits, slab->listed ? "" : "not ");
	return 1;
}

unsigned int
fastmem_bin_audit(struct fastmem_bin *bin, uint32_t *n_slabs,
	uint64_t *outside, uint64_t *meta_bytes)
{
	size_t bitmap_bytes = fastmem_slab_bitmap_bytes(bin->shape);
	const struct fastmem_dir *dir = bin->backing->dir;
	uint32_t n_partial = 0, n_full = 0, n_list = 0;
	const struct fastmem_slab *slab;
	struct fastmem_bin_info info;
	unsigned int errors = 0;
	uintptr_t offset;
	uint64_t n_carved;

	*outside = 0;
	n_carved = 0;
	fastmem_lock(&bin->lock);
	for (offset = 0; offset < dir->bytes; offset += FASTMEM_SLAB_SIZE) {
		slab = dir->slabs[fastmem_dir_granule(offset)];
		if (slab == NULL || slab->bin != bin)
			continue;
		errors += bin_audit_slab(slab);
		errors += fastmem_dir_bin(dir, offset) != bin->index;
		*outside += fastmem_slab_outside(slab);
		n_carved += fastmem_slab_n_carved(slab);
		n_partial += slab->listed;
		n_full += !slab->listed;
	}
	for (slab = bin->partial.first; slab != NULL; slab = slab->next)
		n_list++;
	*n_slabs = n_partial + n_full;
	*meta_bytes = bitmap_bytes == 0 ? 0 :
		*n_slabs * fastmem_meta_chunk_bytes(bitmap_bytes);
	fastmem_bin_get_info(bin, &info);
	if (n_partial != info.n_partial || n_partial != n_list ||
			n_full != info.n_full || n_carved != bin->n_carved ||
			n_carved > bin->max_objs ||
			*n_slabs != fastmem_figure(&bin->acquires) -
			fastmem_figure(&bin->releases)) {
		FASTMEM_LOG(ERR, "audit: bin %u: %u partial slabs and %u full ones, %u listed, %u and %u counted",
			bin->index, n_partial, n_full, n_list, info.n_partial,
			info.n_full);
		errors++;
	}
	fastmem_unlock(&bin->lock);
	return errors;
}
