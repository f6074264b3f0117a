/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <string.h>

#include <rte_cycles.h>

#include "fastmem_backing.h"

/* Growth by 1/32 of what is there keeps the excess at 3 per cent and
 * the number of memzones, of which EAL has 2560, in the hundreds.
 */
#define GROW_FRACTION 32
#define GROW_MAX_SLABS 512

/* The first granule of a zone holds one object less of each class. For the
 * largest classes this is much of it, so their zones are longer.
 */
#define GROW_MIN_OBJECT RTE_BIT64(16)
#define GROW_MIN_SLABS_MAX 8

/* The unit of explicit reservations: 128 MiB, and larger for reservations so
 * large that EAL's memzones would run out.
 */
#define RESERVE_UNIT_SLABS 64
#define RESERVE_UNIT_GROWS (UINT64_C(16) << 30)
#define RESERVE_UNIT_MAX 4096

/* To learn that EAL has no more takes it milliseconds. Who has a choice asks it
 * again after so many times of that only, but after so many parts of a second
 * at the latest.
 */
#define SHORT_FACTOR 16
#define SHORT_MAX_FRACTION 10

static inline void
backing_set_bytes(struct fastmem_backing *backing, uint64_t bytes)
{
	rte_atomic_store_explicit(&backing->bytes, bytes,
		rte_memory_order_relaxed);
}

void
fastmem_backing_init(struct fastmem_backing *backing, struct fastmem_dir *dir,
	RTE_ATOMIC(uint32_t) *zone_ids, int socket_id)
{
	memset(backing, 0, sizeof(*backing));
	backing->dir = dir;
	backing->zone_ids = zone_ids;
	backing->socket_id = socket_id;
	fastmem_meta_init(&backing->meta);
	fastmem_lock_init(&backing->grow_lock);
	fastmem_lock_init(&backing->lock);
	fastmem_backing_set_limit(backing, UINT64_MAX);
}

static struct fastmem_slab_list *
backing_list(struct fastmem_backing *backing, const struct fastmem_slab *slab)
	__rte_requires_capability(&backing->lock)
{
	return slab->head != 0 || slab->tail != 0 ?
		&backing->clipped : &backing->whole;
}

static void
backing_stock_add(struct fastmem_backing *backing, struct fastmem_slab *slab)
	__rte_requires_capability(&backing->lock)
{
	struct fastmem_slab_list *list = backing_list(backing, slab);

	slab->state = FASTMEM_SLAB_STOCK;
	/* Behind those of pinned zones; as a rule, there are none. */
	if (slab->zone->n_pins == 0 && (backing->pins_change ||
			(list->first != NULL && list->first->zone->n_pins != 0)))
		fastmem_slab_list_append(list, slab);
	else
		fastmem_slab_list_push(list, slab);
	slab->zone->n_stock++;
	fastmem_figure_add(&backing->n_stock, 1);
}

static void
backing_stock_remove(struct fastmem_backing *backing, struct fastmem_slab *slab)
	__rte_requires_capability(&backing->lock)
{
	fastmem_slab_list_remove(backing_list(backing, slab), slab);
	slab->zone->n_stock--;
	fastmem_figure_add(&backing->n_stock, -1);
}

/* The first slab that has room for an object of a shape. */
static struct fastmem_slab *
backing_list_find(struct fastmem_backing *backing,
	const struct fastmem_slab_list *list, struct fastmem_shape shape,
	uint32_t zone_end)
	__rte_requires_capability(&backing->lock)
{
	struct fastmem_slab *slab;

	for (slab = list->first; slab != NULL; slab = slab->next) {
		/* Pinned ones are in front, unless they are being moved. */
		if (zone_end != FASTMEM_ZONE_ANY && slab->zone->n_pins == 0 &&
				!backing->pins_change)
			return NULL;
		/* Clipped at both ends, it has none for the largest class. */
		if (slab->zone->id < zone_end &&
				fastmem_slab_capacity(slab, shape) != 0)
			return slab;
	}
	return NULL;
}

void
fastmem_backing_restock(struct fastmem_backing *backing,
	struct fastmem_slab *slab)
{
	backing_stock_remove(backing, slab);
	backing_stock_add(backing, slab);
}

/* Small objects and meta leave the whole slabs to the large classes. */
static struct fastmem_slab *
backing_stock_get(struct fastmem_backing *backing, struct fastmem_shape shape,
	uint32_t zone_end)
{
	bool large = shape.size > GROW_MIN_OBJECT;
	struct fastmem_slab *slab;

	fastmem_race_point(FASTMEM_RACE_STOCK_GETS);
	fastmem_lock(&backing->lock);
	slab = backing_list_find(backing, large ? &backing->whole :
		&backing->clipped, shape, zone_end);
	if (slab == NULL)
		slab = backing_list_find(backing, large ? &backing->clipped :
			&backing->whole, shape, zone_end);
	if (slab != NULL) {
		backing_stock_remove(backing, slab);
		slab->state = FASTMEM_SLAB_BIN;
	}
	fastmem_unlock(&backing->lock);
	return slab;
}

void
fastmem_backing_put(struct fastmem_backing *backing, struct fastmem_slab *slab)
{
	fastmem_race_point(FASTMEM_RACE_STOCK_PUTS);
	fastmem_lock(&backing->lock);
	backing_stock_add(backing, slab);
	fastmem_unlock(&backing->lock);
}

/* Make meta memory of a slab that the caller took. */
static void
backing_feed_meta(struct fastmem_backing *backing, struct fastmem_slab *slab)
{
	uint32_t head = RTE_MAX((uint32_t)slab->head,
		(uint32_t)FASTMEM_ZONE_PAGE_EDGE);

	fastmem_lock(&backing->lock);
	slab->state = FASTMEM_SLAB_META;
	fastmem_figure_add(&backing->n_meta, 1);
	fastmem_unlock(&backing->lock);
	fastmem_race_point(FASTMEM_RACE_BACKING_FEEDS_META);
	fastmem_meta_add(&backing->meta, (void *)(slab->addr + head),
		FASTMEM_SLAB_SIZE - head - slab->tail);
}

/* Enter a memzone's slabs. */
static void
backing_add_zone(struct fastmem_backing *backing,
	const struct fastmem_zone_place *place, uint32_t id, unsigned int n,
	bool reserved)
	__rte_requires_capability(&backing->grow_lock)
{
	struct fastmem_slab *slab;
	struct fastmem_zone *zone;
	unsigned int n_meta, i;

	fastmem_race_point(FASTMEM_RACE_BACKING_ZONE_RESERVED);
	zone = fastmem_zone_describe(&backing->meta, place, id, n, &n_meta);
	zone->reserved = reserved;
	zone->next = backing->zones;
	backing->zones = zone;

	fastmem_race_point(FASTMEM_RACE_BACKING_ZONE_LISTED);
	for (i = 0; i < n; i++) {
		slab = &zone->slabs[i];
		fastmem_zone_init_slab(zone, place, i);
		fastmem_dir_set_slab(backing->dir, slab->addr, slab);
		fastmem_race_point(FASTMEM_RACE_BACKING_SLAB_SET);
		/* Each under a lock of its own: nobody waits for the zone. */
		if (i >= n_meta)
			fastmem_backing_put(backing, slab);
	}

	fastmem_race_point(FASTMEM_RACE_BACKING_ZONE_ADDED);
	fastmem_lock(&backing->lock);
	fastmem_figure_add(&backing->n_meta, n_meta);
	backing_set_bytes(backing,
		fastmem_backing_bytes(backing) + n * FASTMEM_SLAB_SIZE);
	fastmem_unlock(&backing->lock);
}

/* Take n slabs from EAL, or as many as the limit allows. Where EAL has no such
 * stretch of memory, try `needed` slabs, then halves.
 */
static unsigned int
backing_grow(struct fastmem_backing *backing, unsigned int n,
	unsigned int needed, bool reserved)
	__rte_requires_capability(&backing->grow_lock)
{
	uint64_t limit = rte_atomic_load_explicit(&backing->limit,
		rte_memory_order_relaxed);
	uint64_t bytes = fastmem_backing_bytes(backing);
	struct fastmem_zone_place place;
	uint64_t start, now;
	uint32_t id;

	if (bytes >= limit)
		return 0;
	start = rte_get_tsc_cycles();
	n = RTE_MIN((uint64_t)n, (limit - bytes) / FASTMEM_SLAB_SIZE);

	/* Relaxed: a number has to be unique, nothing is ordered by it. */
	id = rte_atomic_fetch_add_explicit(backing->zone_ids, 1,
		rte_memory_order_relaxed);
	for (; n > 0; n = n > needed ? needed : n / 2) {
		if (!fastmem_zone_reserve(backing->dir, backing->socket_id, id,
				n, &place))
			continue;
		backing_add_zone(backing, &place, id, n, reserved);
		rte_atomic_store_explicit(&backing->short_until, 0,
			rte_memory_order_relaxed);
		FASTMEM_LOG(DEBUG, "socket %d grew by %u slabs",
			backing->socket_id, n);
		return n;
	}
	now = rte_get_tsc_cycles();
	rte_atomic_store_explicit(&backing->short_until, now + RTE_MIN(
		(now - start) * SHORT_FACTOR,
		rte_get_tsc_hz() / SHORT_MAX_FRACTION),
		rte_memory_order_relaxed);
	return 0;
}

bool
fastmem_backing_is_short(const struct fastmem_backing *backing)
{
	uint64_t until = rte_atomic_load_explicit(&backing->short_until,
		rte_memory_order_relaxed);

	return until != 0 && rte_get_tsc_cycles() < until;
}

static unsigned int
backing_grow_step(struct fastmem_backing *backing, struct fastmem_shape shape)
{
	uint64_t step = fastmem_backing_bytes(backing) / FASTMEM_SLAB_SIZE /
		GROW_FRACTION;
	uint64_t least = RTE_MIN(shape.size / GROW_MIN_OBJECT,
		(uint64_t)GROW_MIN_SLABS_MAX);

	least = RTE_MAX(least, UINT64_C(1));
	step = RTE_MAX(step, least);
	return RTE_MIN(step, (uint64_t)GROW_MAX_SLABS);
}

/* Get a slab, waiting for growth by another thread if there is any. */
static struct fastmem_slab *
backing_grow_get(struct fastmem_backing *backing, struct fastmem_shape shape)
{
	struct fastmem_slab *slab;
	unsigned int spins = 0, step, grown = 1;

	/* The other thread may be inside of EAL for long. Slabs that appear
	 * meanwhile are as good; and it may have been preempted, on this core.
	 */
	while (!fastmem_trylock(&backing->grow_lock)) {
		slab = backing_stock_get(backing, shape, FASTMEM_ZONE_ANY);
		if (slab != NULL)
			return slab;
		fastmem_race_point(FASTMEM_RACE_BACKING_GROW_WAITS);
		fastmem_wait(&spins);
	}
	fastmem_race_point(FASTMEM_RACE_BACKING_GROW_LOCKED);
	while ((slab = backing_stock_get(backing, shape, FASTMEM_ZONE_ANY)) ==
			NULL && grown != 0) {
		step = backing_grow_step(backing, shape);
		grown = backing_grow(backing, step, step, false);
	}
	fastmem_unlock(&backing->grow_lock);
	return slab;
}

struct fastmem_slab *
fastmem_backing_get(struct fastmem_backing *backing, struct fastmem_shape shape,
	uint32_t zone_end, bool grow)
{
	struct fastmem_slab *slab = backing_stock_get(backing, shape, zone_end);

	if (slab == NULL && grow && zone_end == FASTMEM_ZONE_ANY)
		slab = backing_grow_get(backing, shape);
	return slab;
}

bool
fastmem_backing_grow_to(struct fastmem_backing *backing, uint64_t bytes)
{
	uint64_t n;

	if (bytes > backing->dir->bytes)
		return false;
	while (fastmem_backing_bytes(backing) < bytes) {
		n = (bytes - fastmem_backing_bytes(backing) +
			FASTMEM_SLAB_SIZE - 1) / FASTMEM_SLAB_SIZE;
		n = RTE_MIN(n, (uint64_t)RESERVE_UNIT_MAX);
		if (backing_grow(backing, n, n, false) == 0)
			return false;
	}
	return true;
}

void *
fastmem_backing_meta_alloc(struct fastmem_backing *backing,
	enum fastmem_meta_kind kind, size_t size, bool grow)
{
	const struct fastmem_shape any = { .size = 1 };
	struct fastmem_slab *slab;
	void *chunk;

	while ((chunk = fastmem_meta_alloc(&backing->meta, kind, size)) == NULL) {
		slab = fastmem_backing_get(backing, any, FASTMEM_ZONE_ANY, grow);
		if (slab == NULL)
			return NULL;
		backing_feed_meta(backing, slab);
	}
	return chunk;
}

size_t
fastmem_backing_reserve(struct fastmem_backing *backing, size_t bytes)
{
	uint64_t got, unit, needed;
	unsigned int n;

	if (bytes > backing->dir->bytes)
		return 0;
	bytes = RTE_ALIGN_CEIL(bytes, FASTMEM_SLAB_SIZE);

	fastmem_lock(&backing->grow_lock);
	while (backing->reserve_taken < backing->reserve_asked + bytes) {
		unit = RESERVE_UNIT_SLABS *
			(1 + fastmem_backing_bytes(backing) / RESERVE_UNIT_GROWS);
		unit = RTE_MIN(unit, (uint64_t)RESERVE_UNIT_MAX);
		needed = (backing->reserve_asked + bytes -
			backing->reserve_taken) / FASTMEM_SLAB_SIZE;
		n = backing_grow(backing, unit, RTE_MIN(needed, unit), true);
		if (n == 0)
			break;
		fastmem_race_point(FASTMEM_RACE_BACKING_RESERVES);
		backing->reserve_taken += n * FASTMEM_SLAB_SIZE;
	}
	got = backing->reserve_taken - backing->reserve_asked;
	got = RTE_MIN(got, bytes);
	backing->reserve_asked += got;
	fastmem_unlock(&backing->grow_lock);
	return got;
}

void
fastmem_backing_unreserve(struct fastmem_backing *backing, size_t bytes)
{
	fastmem_lock(&backing->grow_lock);
	backing->reserve_asked -= RTE_MIN(bytes, backing->reserve_asked);
	fastmem_unlock(&backing->grow_lock);
}

void
fastmem_backing_set_limit(struct fastmem_backing *backing, uint64_t limit)
{
	/* Relaxed: growth that has begun may finish under the former limit. */
	rte_atomic_store_explicit(&backing->limit, limit,
		rte_memory_order_relaxed);
}

/* Take a zone without objects off the books, of those with numbers from one on;
 * NULL if there is none.
 */
static struct fastmem_zone *
backing_trim_zone(struct fastmem_backing *backing, uint32_t zone_begin)
	__rte_requires_capability(&backing->grow_lock)
{
	struct fastmem_zone *zone, **link;
	struct fastmem_slab *slab;
	uint32_t i;

	fastmem_lock(&backing->lock);
	for (link = &backing->zones; (zone = *link) != NULL; link = &zone->next)
		if (zone->n_stock == zone->n_slabs && zone->n_pins == 0 &&
				zone->id >= zone_begin)
			break;
	if (zone != NULL) {
		*link = zone->next;
		for (i = 0; i < zone->n_slabs; i++) {
			slab = &zone->slabs[i];
			backing_stock_remove(backing, slab);
			fastmem_dir_set_slab(backing->dir, slab->addr, NULL);
			fastmem_race_point(FASTMEM_RACE_BACKING_TRIM_UNSET);
		}
		backing_set_bytes(backing, fastmem_backing_bytes(backing) -
			zone->n_slabs * FASTMEM_SLAB_SIZE);
	}
	fastmem_unlock(&backing->lock);
	return zone;
}

uint64_t
fastmem_backing_trim_from(struct fastmem_backing *backing, uint32_t zone_begin)
{
	struct fastmem_zone *zone;
	uint64_t bytes, total = 0;

	while ((zone = backing_trim_zone(backing, zone_begin)) != NULL) {
		fastmem_race_point(FASTMEM_RACE_BACKING_TRIM_UNLISTED);
		fastmem_zone_free(zone->id);
		fastmem_race_point(FASTMEM_RACE_BACKING_TRIM_FREED);
		bytes = zone->n_slabs * FASTMEM_SLAB_SIZE;
		total += bytes;
		if (zone->reserved) {
			backing->reserve_taken -= bytes;
			backing->reserve_asked = RTE_MIN(backing->reserve_asked,
				backing->reserve_taken);
		}
		fastmem_meta_free(&backing->meta, FASTMEM_META_PLAIN, zone,
			fastmem_zone_bytes(zone->n_slabs));
	}
	return total;
}

uint64_t
fastmem_backing_trim(struct fastmem_backing *backing)
{
	uint64_t total;

	fastmem_lock(&backing->grow_lock);
	total = fastmem_backing_trim_from(backing, 0);
	fastmem_unlock(&backing->grow_lock);
	return total;
}

void
fastmem_backing_get_info(struct fastmem_backing *backing,
	struct fastmem_backing_info *info)
{
	info->bytes = fastmem_backing_bytes(backing);
	info->limit = rte_atomic_load_explicit(&backing->limit,
		rte_memory_order_relaxed);
	info->n_stock = fastmem_figure(&backing->n_stock);
	info->n_meta = fastmem_figure(&backing->n_meta);
}

static uint32_t
backing_audit_list(struct fastmem_backing *backing,
	const struct fastmem_slab_list *list, unsigned int *errors)
	__rte_requires_capability(&backing->lock)
{
	const struct fastmem_slab *slab;
	uint32_t n = 0;

	for (slab = list->first; slab != NULL; slab = slab->next, n++) {
		if (slab->state == FASTMEM_SLAB_STOCK &&
				backing_list(backing, slab) == list &&
				(slab->zone->n_pins == 0 || slab->prev == NULL ||
				slab->prev->zone->n_pins != 0) &&
				fastmem_dir_slab(backing->dir,
					(void *)slab->addr) == slab &&
				fastmem_dir_bin(backing->dir, slab->addr -
					backing->dir->base) == FASTMEM_BIN_NONE)
			continue;
		FASTMEM_LOG(ERR, "audit: slab %#" PRIxPTR " is in stock in state %u",
			slab->addr, slab->state);
		(*errors)++;
	}
	return n;
}

unsigned int
fastmem_backing_audit(struct fastmem_backing *backing, uint32_t n_bin_slabs,
	uint64_t meta_bytes)
{
	const struct fastmem_zone *zone;
	uint32_t n_zones = 0, n_stock = 0, n;
	struct fastmem_backing_info info;
	uint64_t meta_used, meta_total;
	unsigned int errors = 0;

	fastmem_lock(&backing->grow_lock);
	fastmem_lock(&backing->lock);
	for (zone = backing->zones; zone != NULL; zone = zone->next) {
		n_zones += zone->n_slabs;
		n_stock += zone->n_stock;
		meta_bytes += fastmem_zone_meta_bytes(zone);
	}
	fastmem_backing_get_info(backing, &info);
	n = backing_audit_list(backing, &backing->whole, &errors) +
		backing_audit_list(backing, &backing->clipped, &errors);
	if (n != info.n_stock || n_stock != info.n_stock) {
		FASTMEM_LOG(ERR, "audit: socket %d: %u slabs are listed in stock, %u by zones, %u counted",
			backing->socket_id, n, n_stock, info.n_stock);
		errors++;
	}
	if (n_zones != info.n_stock + info.n_meta + n_bin_slabs) {
		FASTMEM_LOG(ERR, "audit: socket %d: of %u slabs, %u are in stock, %u in meta, %u in bins",
			backing->socket_id, n_zones, info.n_stock,
			info.n_meta, n_bin_slabs);
		errors++;
	}
	if (fastmem_backing_bytes(backing) != n_zones * FASTMEM_SLAB_SIZE) {
		FASTMEM_LOG(ERR, "audit: socket %d: %" PRIu64 " bytes of backing for %u slabs",
			backing->socket_id, fastmem_backing_bytes(backing),
			n_zones);
		errors++;
	}
	fastmem_meta_usage(&backing->meta, &meta_used, &meta_total);
	if (meta_used != meta_bytes) {
		FASTMEM_LOG(ERR, "audit: socket %d: %" PRIu64 " bytes of meta in use, %" PRIu64 " are found",
			backing->socket_id, meta_used, meta_bytes);
		errors++;
	}
	fastmem_unlock(&backing->lock);
	fastmem_unlock(&backing->grow_lock);
	return errors;
}
