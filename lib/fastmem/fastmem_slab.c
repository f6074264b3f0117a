/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <limits.h>
#include <string.h>

#include "fastmem_slab.h"

#define SLAB_INLINE_BITS (FASTMEM_SLAB_INLINE_WORDS * 64)

static uint32_t
slab_slots(struct fastmem_shape shape)
{
	return FASTMEM_SLAB_SIZE / shape.size;
}

size_t
fastmem_slab_bitmap_bytes(struct fastmem_shape shape)
{
	uint32_t slots = slab_slots(shape);

	return slots <= SLAB_INLINE_BITS ? 0 :
		RTE_ALIGN_CEIL(slots, UINT32_C(64)) / CHAR_BIT;
}

/* In a colored slab, the last of so many places is lost: the shift, which goes
 * through all multiples of a cache line below the object's size, takes
 * the object's size together.
 */
static uint32_t
slab_period(struct fastmem_shape shape)
{
	return RTE_MIN(slab_slots(shape), RTE_BIT32(RTE_FASTMEM_COLOR_SHIFT -
		RTE_FASTMEM_COLOR_STEP_SHIFT));
}

static uintptr_t
slab_offset(uint32_t number, struct fastmem_shape shape)
{
	uintptr_t offset;

	if (shape.color == 0)
		return (uintptr_t)number * shape.size;
	offset = ((uintptr_t)number + number / (slab_period(shape) - 1)) *
		shape.size;
	return offset + ((offset >> (RTE_FASTMEM_COLOR_SHIFT -
		RTE_FASTMEM_COLOR_STEP_SHIFT)) & shape.color);
}

static uint32_t
slab_first(const struct fastmem_slab *slab, struct fastmem_shape shape)
{
	/* Nothing is shifted yet where a memzone's header ends. */
	return (slab->head + shape.size - 1) / shape.size;
}

static uint32_t
slab_end(const struct fastmem_slab *slab, struct fastmem_shape shape)
{
	uint32_t end = slab_slots(shape);

	if (shape.color != 0)
		end -= end / slab_period(shape);
	while (end > 0 && slab_offset(end - 1, shape) + shape.size >
			FASTMEM_SLAB_SIZE - slab->tail)
		end--;
	return end;
}

uint32_t
fastmem_slab_capacity(const struct fastmem_slab *slab,
	struct fastmem_shape shape)
{
	uint32_t first = slab_first(slab, shape);
	uint32_t end = slab_end(slab, shape);

	return end > first ? end - first : 0;
}

static uint32_t
slab_carved(const struct fastmem_slab *slab)
{
	/* Relaxed: written under the bin's lock; a check without it tells at
	 * worst a stray pointer from an object that nobody was given yet.
	 */
	return rte_atomic_load_explicit(&slab->carved, rte_memory_order_relaxed);
}

static void
slab_set_carved(struct fastmem_slab *slab, uint32_t carved)
{
	rte_atomic_store_explicit(&slab->carved, carved, rte_memory_order_relaxed);
}

void
fastmem_slab_format(struct fastmem_slab *slab, struct fastmem_shape shape,
	void *bitmap)
{
	size_t bytes = fastmem_slab_bitmap_bytes(shape);

	slab->bitmap = bytes != 0 ? bitmap : slab->words;
	slab->shape = shape;
	slab->first = slab_first(slab, shape);
	slab->end = slab_end(slab, shape);
	slab->n_free = 0;
	slab->hint = 0;
	slab->listed = false;
	slab_set_carved(slab, slab->first);
	memset(slab->bitmap, 0, bytes != 0 ? bytes : sizeof(slab->words));
}

static void *
slab_object(const struct fastmem_slab *slab, uint32_t slot)
{
	return (void *)(slab->addr +
		slab_offset(slot, slab->shape));
}

unsigned int
fastmem_slab_take(struct fastmem_slab *slab, void **objs, unsigned int n,
	uint32_t most_fresh, uint32_t *fresh)
{
	uint32_t carved = slab_carved(slab);
	unsigned int got = 0, i;
	uint64_t word;

	while (got < n && slab->n_free > 0) {
		word = slab->bitmap[slab->hint];
		if (word == 0) {
			slab->hint++;
			continue;
		}
		for (; word != 0 && got < n; word &= word - 1) {
			objs[got++] = slab_object(slab,
				slab->hint * 64 + rte_ctz64(word));
			slab->n_free--;
		}
		slab->bitmap[slab->hint] = word;
	}

	/* A magazine is emptied from its end: put the lowest address there,
	 * so that fresh memory is touched in ascending order.
	 */
	*fresh = RTE_MIN(n - got, slab->end - carved);
	*fresh = RTE_MIN(*fresh, most_fresh);
	for (i = 0; i < *fresh; i++)
		objs[got + i] = slab_object(slab, carved + *fresh - 1 - i);
	fastmem_race_point(FASTMEM_RACE_SLAB_CARVING);
	slab_set_carved(slab, carved + *fresh);
	return got + *fresh;
}

void
fastmem_slab_walk(const struct fastmem_slab *slab,
	void (*func)(void *obj, void *arg), void *arg)
{
	uint32_t carved = slab_carved(slab), i;

	for (i = slab->first; i < carved; i++)
		func(slab_object(slab, i), arg);
}

unsigned int
fastmem_slab_list_outside(const struct fastmem_slab *slab, void **objs,
	unsigned int n)
{
	uint32_t carved = slab_carved(slab), i;
	unsigned int got = 0;

	for (i = slab->first; i < carved && got < n; i++)
		if ((slab->bitmap[i / 64] & RTE_BIT64(i % 64)) == 0)
			objs[got++] = slab_object(slab, i);
	return got;
}

bool
fastmem_slab_number(const struct fastmem_slab *slab, const void *ptr,
	uint32_t *number)
{
	uintptr_t offset = (uintptr_t)ptr - slab->addr;
	uint32_t place;

	if (offset >= FASTMEM_SLAB_SIZE)
		return false;
	/* However far it is shifted, an object begins where it would without,
	 * as far as its shift is concerned.
	 */
	offset = __rte_fastmem_shift_back(offset, slab->shape.color);
	place = (uint32_t)offset / slab->shape.size;
	*number = slab->shape.color == 0 ? place :
		place - place / slab_period(slab->shape);
	return offset == (uintptr_t)place * slab->shape.size &&
		(slab->shape.color == 0 ||
		(place + 1) % slab_period(slab->shape) != 0);
}

bool
fastmem_slab_is_object(const struct fastmem_slab *slab, const void *ptr)
{
	uint32_t number;

	return fastmem_slab_number(slab, ptr, &number) &&
		number >= slab->first && number < slab_carved(slab);
}

bool
fastmem_slab_put(struct fastmem_slab *slab, void *obj)
{
	uint32_t slot;
	uint64_t bit;

	if (!fastmem_slab_number(slab, obj, &slot) ||
			slot < slab->first || slot >= slab_carved(slab))
		return false;
	bit = RTE_BIT64(slot % 64);
	if ((slab->bitmap[slot / 64] & bit) != 0)
		return false;
	slab->bitmap[slot / 64] |= bit;
	slab->hint = RTE_MIN(slab->hint, slot / 64);
	slab->n_free++;
	return true;
}

void
fastmem_slab_list_push(struct fastmem_slab_list *list,
	struct fastmem_slab *slab)
{
	slab->prev = NULL;
	slab->next = list->first;
	if (list->first != NULL)
		list->first->prev = slab;
	else
		list->last = slab;
	list->first = slab;
}

void
fastmem_slab_list_append(struct fastmem_slab_list *list,
	struct fastmem_slab *slab)
{
	slab->next = NULL;
	slab->prev = list->last;
	if (list->last != NULL)
		list->last->next = slab;
	else
		list->first = slab;
	list->last = slab;
}

void
fastmem_slab_list_remove(struct fastmem_slab_list *list,
	struct fastmem_slab *slab)
{
	if (slab->prev != NULL)
		slab->prev->next = slab->next;
	else
		list->first = slab->next;
	if (slab->next != NULL)
		slab->next->prev = slab->prev;
	else
		list->last = slab->prev;
	slab->next = NULL;
	slab->prev = NULL;
}
