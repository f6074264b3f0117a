/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Dump and audit.
 *
 * The audit checks each layer by itself, and then the whole: every object
 * that is outside of its slab is either allocated, or in one place of one
 * cache or depot. To find those in two places, objects found in magazines are
 * marked in their slab's bitmap, in which an object outside has no bit, and
 * the marks removed again. Where an object turns up that has a bit already,
 * it was freed twice and one of the two has reached the slab; marks could not
 * be told from bits then, so the bin is not marked at all.
 *
 * All meta memory in use has to be found as well, so that no magazine and no
 * block of caches is lost with the thread that had it.
 */

#include <errno.h>
#include <inttypes.h>

#include <eal_export.h>

#include "fastmem_control.h"
#include "fastmem_lcore.h"
#include "fastmem_remote.h"
#include "fastmem_stats.h"
#include "rte_fastmem.h"

enum audit_step {
	AUDIT_CHECK,
	AUDIT_MARK,
	AUDIT_UNMARK
};

struct audit {
	struct fastmem_root *root;
	struct fastmem_depot *depot;
	enum audit_step step;
	uint64_t n_cached; /**< Objects found in magazines. */
	uint64_t n_mags;   /**< Magazines of the depot, wherever they are. */
	uint64_t meta_bytes; /**< Bytes of meta found in use. */
	unsigned int errors;
};

static void
audit_object(struct audit *audit, void *obj)
{
	struct fastmem_bin *bin = &audit->depot->bin;
	struct fastmem_slab *slab = fastmem_dir_slab(&audit->root->dir, obj);
	uint64_t *word, bit;
	uint32_t slot;

	if (slab == NULL || slab->bin == NULL ||
			(slab->bin != bin && slab->bin != bin->kin) ||
			!fastmem_slab_is_object(slab, obj)) {
		if (audit->step == AUDIT_CHECK) {
			FASTMEM_LOG(ERR, "audit: %p is kept as a free object of %zu B on socket %d, which it is not",
				obj, fastmem_bin_size(bin),
				bin->backing->socket_id);
			audit->errors++;
		}
		return;
	}
	fastmem_slab_number(slab, obj, &slot);
	word = &slab->bitmap[slot / 64];
	bit = RTE_BIT64(slot % 64);
	if (audit->step == AUDIT_UNMARK) {
		*word &= ~bit;
		return;
	}
	if ((*word & bit) != 0) {
		FASTMEM_LOG(ERR, "audit: %p of %zu B on socket %d was freed twice",
			obj, fastmem_bin_size(bin), bin->backing->socket_id);
		audit->errors++;
	}
	if (audit->step == AUDIT_MARK)
		*word |= bit;
	else
		audit->n_cached++;
}

static void
audit_objects(struct audit *audit, void *const *objs, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		audit_object(audit, objs[i]);
}

static void
audit_stack(struct audit *audit, struct fastmem_stack *stack, uint32_t least,
	uint32_t most)
{
	struct fastmem_mag *mag = NULL;
	uint32_t n = 0;

	while ((mag = fastmem_stack_walk(stack, mag)) != NULL) {
		n++;
		if (mag->count < least || mag->count > most) {
			if (audit->step == AUDIT_CHECK) {
				FASTMEM_LOG(ERR, "audit: a magazine of %u objects stands among those of %u to %u",
					mag->count, least, most);
				audit->errors++;
			}
			continue;
		}
		audit_objects(audit, mag->objs, mag->count);
	}
	audit->n_mags += n;
	if (audit->step == AUDIT_CHECK && n != fastmem_stack_count(stack)) {
		FASTMEM_LOG(ERR, "audit: a stack of %u magazines counts another number",
			n);
		audit->errors++;
	}
}

static void
audit_cache(struct audit *audit, const struct fastmem_cache *cache)
{
	uint32_t n = fastmem_cache_n_loaded(cache);
	uint32_t n_prev = rte_atomic_load_explicit(&cache->n_prev,
		rte_memory_order_relaxed);

	audit->n_mags += (cache->core.objs != NULL) + (cache->prev != NULL);
	if (n > cache->core.capacity || n_prev > cache->core.capacity ||
			(cache->core.capacity != 0 &&
			cache->core.capacity != audit->depot->capacity)) {
		if (audit->step == AUDIT_CHECK) {
			FASTMEM_LOG(ERR, "audit: a cache of bin %u has %u and %u objects, but room for %u",
				cache->core.index, n, n_prev, cache->core.capacity);
			audit->errors++;
		}
		return;
	}
	audit_objects(audit, cache->core.objs, n);
	if (n_prev != 0)
		audit_objects(audit, cache->prev->objs, n_prev);
}

/* Visit all magazines of a bin that are not on their way between layers. */
static void
audit_magazines(struct audit *audit, struct fastmem_depot *depot,
	enum audit_step step)
{
	const struct fastmem_block *block;

	audit->depot = depot;
	audit->step = step;
	audit->n_mags = 0;
	fastmem_lock(&depot->bin.lock);
	block = (const struct fastmem_block *)rte_atomic_load_explicit(
		&audit->root->blocks, rte_memory_order_acquire);
	for (; block != NULL; block = block->next)
		audit_cache(audit, &block->caches[depot->bin.index]);
	audit_stack(audit, &depot->full, depot->capacity, depot->capacity);
	audit_stack(audit, &depot->partial, 1, depot->capacity - 1);
	audit_stack(audit, &depot->empty, 0, 0);
	fastmem_unlock(&depot->bin.lock);
	if (step == AUDIT_CHECK)
		audit->meta_bytes += audit->n_mags * fastmem_meta_chunk_bytes(
			fastmem_depot_mag_bytes(depot));
}

/* A bin, and its kin: objects of the latter may be in caches of the former. */
static void
audit_bins(struct audit *audit, struct fastmem_depot *depot, uint32_t *n_slabs)
{
	struct fastmem_bin *bins[] = { &depot->bin, depot->bin.kin };
	struct fastmem_cache_counts sum = { 0 };
	uint64_t outside, meta_bytes, n_outside = 0;
	unsigned int errors, n_bins, i;
	enum audit_step step;
	uint32_t n;

	n_bins = bins[1] != NULL ? 2 : 1;
	for (i = 0; i < n_bins; i++) {
		audit->errors += fastmem_bin_audit(bins[i], &n, &outside,
			&meta_bytes);
		*n_slabs += n;
		audit->meta_bytes += meta_bytes;
		n_outside += outside;
		fastmem_stats_add_bin(audit->root, FASTMEM_STATS_ALL_BLOCKS,
			bins[i]->index, true, &sum);
		fastmem_stats_add_shared(audit->root, bins[i]->index, true, &sum);
	}

	errors = audit->errors;
	audit->n_cached = 0;
	for (step = AUDIT_CHECK; step <= AUDIT_UNMARK; step++) {
		for (i = 0; i < n_bins; i++)
			audit_magazines(audit, fastmem_root_depot(audit->root,
				bins[i]->index), step);
		/* Marks could not be told from what is wrong. */
		if (step == AUDIT_CHECK && audit->errors != errors)
			break;
	}

	if (n_outside + sum.frees != sum.allocs + audit->n_cached) {
		FASTMEM_LOG(ERR, "audit: %" PRIu64 " objects of %zu B on socket %d are outside of slabs, and %" PRIu64 " of them in magazines, after %" PRIu64 " allocations and %" PRIu64 " frees",
			n_outside, fastmem_bin_size(bins[0]),
			bins[0]->backing->socket_id,
			audit->n_cached, sum.allocs, sum.frees);
		audit->errors++;
	}
}

int
fastmem_control_audit(struct fastmem_root *root)
{
	struct audit audit = { .root = root };
	struct fastmem_type *type;
	uint32_t n_bin_slabs;
	unsigned int i, k;

	for (i = 0; i < audit.root->n_sockets; i++) {
		n_bin_slabs = 0;
		audit.errors += fastmem_block_audit(root, i, &audit.meta_bytes);
		for (k = 0; k < FASTMEM_N_CLASSES; k++)
			audit_bins(&audit, &audit.root->sockets[i].depots[k],
				&n_bin_slabs);
		for (k = 0; k < FASTMEM_MAX_TYPES; k++) {
			type = &root->types[k];
			if (fastmem_root_has_bin(root,
					fastmem_root_type_index(root, k)) &&
					type->depot.socket == &root->sockets[i])
				audit_bins(&audit, &type->depot, &n_bin_slabs);
		}
		audit.errors += fastmem_backing_audit(
			&audit.root->sockets[i].backing, n_bin_slabs,
			audit.meta_bytes);
	}
	return audit.errors == 0 ? 0 : -EFAULT;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_audit, 26.11)
int
rte_fastmem_audit(void)
{
	int ret;

	if (fastmem_process.root == NULL)
		return -ENODEV;
	if (fastmem_is_remote())
		return fastmem_remote_audit();
	fastmem_keeper_reclaim(true);
	fastmem_keeper_pause();
	ret = fastmem_control_audit(fastmem_process.root);
	fastmem_keeper_resume();
	return ret;
}

static void
dump_bin(FILE *f, struct fastmem_root *root, struct fastmem_depot *depot,
	const char *mark)
{
	struct fastmem_cache_counts sum = { 0 };
	struct fastmem_bin_info info;

	fastmem_bin_get_info(&depot->bin, &info);
	fastmem_stats_add_bin(root, FASTMEM_STATS_ALL_BLOCKS, depot->bin.index,
		false, &sum);
	fastmem_stats_add_shared(root, depot->bin.index, false, &sum);
	if (sum.allocs == 0 && info.n_partial + info.n_full == 0)
		return;
	fprintf(f, "  %8zu%-1s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %8u %8u %8u %8u %8u\n",
		fastmem_bin_size(&depot->bin),
		mark, sum.allocs, sum.frees, sum.cached,
		info.n_partial, info.n_full,
		fastmem_stack_count(&depot->full),
		fastmem_stack_count(&depot->partial),
		depot->capacity);
}

static void
dump_socket(FILE *f, struct fastmem_root *root, struct fastmem_socket *socket)
{
	struct fastmem_backing_info info;
	struct fastmem_depot *depot;
	struct fastmem_type *type;
	uint64_t used, total;
	unsigned int i;

	fastmem_backing_get_info(&socket->backing, &info);
	fastmem_meta_usage(&socket->backing.meta, &used, &total);
	fprintf(f, " socket %d: backing=%" PRIu64 " limit=",
		socket->backing.socket_id, info.bytes);
	if (info.limit == UINT64_MAX)
		fprintf(f, "none");
	else
		fprintf(f, "%" PRIu64, info.limit);
	fprintf(f, " stock_slabs=%u meta_slabs=%u meta_bytes=%" PRIu64 " of %" PRIu64 "\n",
		info.n_stock, info.n_meta, used, total);
	/* The letter a marks objects aligned to their size in colored classes. */
	fprintf(f, "  %8s  %12s %12s %12s %8s %8s %8s %8s %8s\n", "class",
		"allocs", "frees", "cached", "partial", "full", "magazine",
		"partly", "capacity");
	for (i = 0; i < FASTMEM_N_CLASSES; i++) {
		depot = &socket->depots[fastmem_bin_number(i, 0)];
		dump_bin(f, root, depot, "");
		if (depot->bin.kin != NULL)
			dump_bin(f, root, fastmem_root_depot(root,
				depot->bin.kin->index), "a");
	}
	for (i = 0; i < FASTMEM_MAX_TYPES; i++) {
		type = &root->types[i];
		if (!fastmem_root_has_bin(root, fastmem_root_type_index(root, i))
				|| type->depot.socket != socket)
			continue;
		fprintf(f, "  type %s:\n", type->name);
		dump_bin(f, root, &type->depot, "");
	}
}

static void
dump_block(FILE *f, const struct fastmem_root *root,
	const struct fastmem_block *block)
{
	uint32_t owner = fastmem_block_owner(block);

	if (block->lcore_id == LCORE_ID_ANY)
		fprintf(f, " caches of a thread: ");
	else
		fprintf(f, " caches of lcore %u: ", block->lcore_id);
	if (owner == FASTMEM_PROCESS_NONE)
		fprintf(f, "given up\n");
	else if (owner == FASTMEM_PROCESS_PRIMARY)
		fprintf(f, "primary process\n");
	else
		fprintf(f, "process %u\n",
			root->peers[owner - FASTMEM_PROCESS_PEERS].pid);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_dump, 26.11)
void
rte_fastmem_dump(FILE *f)
{
	struct fastmem_root *root = fastmem_process.root;
	const struct fastmem_block *block;
	unsigned int i;

	if (f == NULL)
		return;
	if (root == NULL) {
		fprintf(f, "fastmem: not initialized\n");
		return;
	}
	fprintf(f, "fastmem: directory covers %#" PRIxPTR " bytes at %#" PRIxPTR "\n",
		root->dir.bytes, root->dir.base);
	for (i = 0; i < root->n_sockets; i++)
		dump_socket(f, root, &root->sockets[i]);
	block = (const struct fastmem_block *)rte_atomic_load_explicit(
		&root->blocks, rte_memory_order_acquire);
	for (; block != NULL; block = block->next)
		dump_block(f, root, block);
	fastmem_race_dump(f);
}
