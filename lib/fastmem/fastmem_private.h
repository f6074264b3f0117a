/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_PRIVATE_H
#define FASTMEM_PRIVATE_H

/**
 * @file
 * What all layers of the library share.
 *
 * Glossary, from the bottom up. A layer calls only those above it in this
 * list; statistics and debugging read all of them.
 *
 * meta       An arena for the library's own bookkeeping on one socket:
 *            chunks of a power of two bytes, never given back to EAL.
 * directory  Two flat tables with an entry for each granule, which is 2 MiB of
 *            the address range that EAL has reserved: the bin of the objects
 *            in it, for the fast path, and the slab.
 * slab       The memory of one granule. Carved into objects as they are
 *            needed; objects that came back are set bits in a bitmap. Nothing
 *            is ever written into a free object.
 * zone       A memzone, and the slabs that it consists of.
 * backing    The zones of one socket, and its stock: the slabs that serve
 *            no bin.
 * bin        The slabs of one size class on one socket. Classes whose objects
 *            are colored have two: one for them, and one, its kin, for objects
 *            aligned to their size. These may also stand in the caches and
 *            depot of the former, but not the other way round.
 * type       Objects of one exact size, which are constructed once: a bin with a
 *            constructor. Types come after the classes in all tables.
 * magazine   An array of pointers to free objects of one bin.
 * depot      The full, partly filled and empty magazines of a bin, in three
 *            lock-free stacks.
 * cache      An lcore's two magazines of one bin.
 * block      All caches of one lcore of one process, or of one of its threads
 *            without an lcore id.
 * journal    What a block's thread is doing to its caches, noted down so that
 *            it can be finished if the thread's process is killed.
 * keeper     The threads of the primary process that do for secondary ones what
 *            takes a lock or memory from EAL, and reclaim the blocks of those
 *            which were killed.
 * remote     A secondary process's side of that.
 * peer       A secondary process, as the primary one sees it.
 * lcore      What a process knows of its lcores and threads, and they themselves
 *            of their blocks.
 * thread     What becomes of a block when its thread ends, gets or loses its
 *            lcore id, or forks.
 *
 * A slab is in one of these states, and changes it in these ways only:
 *
 *   STOCK -> BIN    taken for a bin            (socket's lock)
 *   BIN   -> STOCK  its last object came back  (bin's, then socket's lock)
 *   STOCK -> META   gives its memory to meta   (socket's lock)
 *   STOCK -> (gone) its memzone is trimmed     (grow lock, socket's lock)
 *
 * Locks, in the order in which they are taken:
 *
 *   pool lock    (process)  creation of pools against each other; init
 *                           may be called with it held
 *   attach lock  (process)  init and deinit against each other
 *   start lock   (process)  the start of keepers against deinit
 *   lcore lock   (process)  the end of one thread, with or without an lcore id,
 *                           against deinit; one for each of them
 *   spare lock   (process)  threads without a block, in a secondary process
 *   remote lock  (process)  requests of a secondary process as a whole
 *   serve lock   (process)  a keeper's service to a secondary process against
 *                           the reclaim of its blocks
 *   stats lock   (root)     resets of the statistics against each other,
 *                           and against the creation of types
 *   type lock    (root)     creation and destruction of types
 *   reap lock    (socket)   one thread empties the depots of a socket, others
 *                           that are out of memory too wait for the result
 *   grow lock    (socket)   the list of memzones; held across calls to EAL
 *   bin lock     (bin)      its slabs: their bitmaps, lists and counters;
 *                           a colored bin's before that of its kin
 *   socket lock  (socket)   the stock and the figures of the backing
 *   meta lock    (socket)   the arena
 *   block lock   (root)     the list of all lcores' blocks
 *
 * EAL's lock of lcores comes before all of them but the attach lock: it is held
 * when a thread is registered or unregistered, which flushes its caches.
 * A forked process initializes those of the process anew, and touches no other.
 * Only those before the bin lock are ever held across something slow, and no
 * allocation that can be served from memory at hand takes one of them.
 * A block's caches belong to its lcore or thread: no lock, other threads only read
 * counters; those of a secondary process's thread belong to the keeper while the
 * thread waits for a request. The depots take no lock.
 *
 * Who waits for a lock sleeps, after a while: see fastmem_lock.h.
 *
 * Locks of a root, socket or bin lie in shared memory, where they would outlive
 * a holder that is killed: only the primary process takes them.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_bitops.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_lock_annotations.h>
#include <rte_log.h>
#include <rte_stdatomic.h>

#include "rte_fastmem_core.h"
#include "fastmem_race.h"

extern int fastmem_logtype;
#define RTE_LOGTYPE_FASTMEM fastmem_logtype
#define FASTMEM_LOG(level, ...) \
	RTE_LOG_LINE(level, FASTMEM, "" __VA_ARGS__)

/* The classes: 8 B is a pointer's worth, 1 MiB is half a slab. */
#define FASTMEM_MIN_SHIFT RTE_FASTMEM_MIN_SHIFT
#define FASTMEM_MAX_SHIFT RTE_FASTMEM_MAX_SHIFT
#define FASTMEM_N_CLASSES (FASTMEM_MAX_SHIFT - FASTMEM_MIN_SHIFT + 1)
#define FASTMEM_MAX_SIZE RTE_BIT64(FASTMEM_MAX_SHIFT)

/* A slab is a hugepage of the most common size, for the sake of its IOVA. */
#define FASTMEM_SLAB_SHIFT RTE_FASTMEM_SLAB_SHIFT
#define FASTMEM_SLAB_SIZE RTE_BIT64(FASTMEM_SLAB_SHIFT)

/* Objects of these classes are colored (see fastmem_slab.h). Smaller ones fill
 * all cache lines anyway; larger ones would waste too much of a slab.
 */
#define FASTMEM_COLOR_MIN_CLASS \
	(RTE_CACHE_LINE_SIZE_LOG2 + 1 - FASTMEM_MIN_SHIFT)
#define FASTMEM_COLOR_MAX_CLASS (14 - FASTMEM_MIN_SHIFT)
#define FASTMEM_N_COLORED \
	(FASTMEM_COLOR_MAX_CLASS - FASTMEM_COLOR_MIN_CLASS + 1)

/* The bins of a socket: one for each class, and one more for the objects
 * of each colored class that have to be aligned to more than a cache line.
 */
#define FASTMEM_N_BINS (FASTMEM_N_CLASSES + FASTMEM_N_COLORED)

/** Internal flag: be content with slabs of the bin and of the stock. */
#define FASTMEM_F_AT_HAND RTE_BIT32(31)
/** Internal flag: collect magazines, not whole slabs. */
#define FASTMEM_F_MAGAZINES RTE_BIT32(30)

#define FASTMEM_FLAGS_ALL (RTE_FASTMEM_F_ZERO | RTE_FASTMEM_F_NO_GROW)

/**
 * The class that holds both a size and an alignment.
 *
 * @return
 *   The class's index, FASTMEM_N_CLASSES or more if none does.
 */
static inline unsigned int
fastmem_class(size_t size, size_t align)
{
	return 64 - FASTMEM_MIN_SHIFT -
		__rte_fastmem_zeros(RTE_MAX(size, (size_t)1), align);
}

static inline bool
fastmem_class_is_colored(unsigned int class_idx)
{
	return class_idx >= FASTMEM_COLOR_MIN_CLASS &&
		class_idx <= FASTMEM_COLOR_MAX_CLASS;
}

/** The number of a bin among those of its socket. The first ones are in the
 * order of their classes' leading zeros, see __rte_fastmem_own_cache().
 */
static inline unsigned int
fastmem_bin_number(unsigned int class_idx, size_t align)
{
	return align > RTE_CACHE_LINE_SIZE &&
			fastmem_class_is_colored(class_idx) ?
		FASTMEM_N_CLASSES + class_idx - FASTMEM_COLOR_MIN_CLASS :
		FASTMEM_N_CLASSES - 1 - class_idx;
}

/** The class of a bin, from its number. */
static inline unsigned int
fastmem_bin_class(unsigned int number)
{
	return number < FASTMEM_N_CLASSES ? FASTMEM_N_CLASSES - 1 - number :
		number - FASTMEM_N_CLASSES + FASTMEM_COLOR_MIN_CLASS;
}

/** Tell if the objects of a bin are colored, from its number. */
static inline bool
fastmem_bin_is_colored(unsigned int number)
{
	return number < FASTMEM_N_CLASSES &&
		fastmem_class_is_colored(fastmem_bin_class(number));
}

static inline bool
fastmem_align_valid(size_t align)
{
	return (align & (align - 1)) == 0;
}

static inline unsigned int
fastmem_class_shift(unsigned int class_idx)
{
	return class_idx + FASTMEM_MIN_SHIFT;
}

static inline size_t
fastmem_class_bytes(unsigned int class_idx)
{
	return (size_t)1 << fastmem_class_shift(class_idx);
}

/**
 * A figure that is changed under a lock only, but read without: so a process
 * that is killed while it reads statistics holds nothing. Relaxed.
 */
struct fastmem_figure {
	RTE_ATOMIC(uint64_t) value;
};

static inline uint64_t
fastmem_figure(const struct fastmem_figure *figure)
{
	return rte_atomic_load_explicit(&figure->value,
		rte_memory_order_relaxed);
}

static inline void
fastmem_figure_set(struct fastmem_figure *figure, uint64_t value)
{
	rte_atomic_store_explicit(&figure->value, value,
		rte_memory_order_relaxed);
}

static inline void
fastmem_figure_add(struct fastmem_figure *figure, int64_t n)
{
	fastmem_figure_set(figure, fastmem_figure(figure) + n);
}

/** Whether this is a secondary process, which is attached. */
extern bool fastmem_process_is_remote;

static inline bool
fastmem_is_remote(void)
{
	return fastmem_process_is_remote;
}

/**
 * In a secondary process: tell if the primary one is known to have ended.
 *
 * @param look
 *   Find out if it has, which takes a system call.
 */
bool
fastmem_primary_has_ended(bool look);

#endif /* FASTMEM_PRIVATE_H */
