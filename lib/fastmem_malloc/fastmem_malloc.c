/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * An object to be preloaded (LD_PRELOAD), which takes the place of rte_malloc()
 * and its family in a program that was built without it.
 *
 * The functions are those of rte_fastmem_malloc.h under the names of
 * rte_malloc.h. Where they go on to the heap, they find EAL's functions, which
 * come next in the loader's order. In EAL too, calls of one function by another
 * go through the loader, so they may come back to here:
 *
 * - rte_zmalloc_socket() reads the header of what rte_malloc_socket() gave to
 *   it, so that has to be the heap's. Hence the mark `in_heap`.
 * - rte_memzone_free() frees by rte_free(). That looks up whose memory it is,
 *   which for a memzone is always the heap's: what fastmem gives back holds no
 *   objects any more.
 * - rte_memzone_reserve(), by which fastmem gets its memory, goes to the heap
 *   directly. So does fastmem not call itself.
 *
 * The symbols have no version, which the loader takes for any that a
 * program asks for: one object serves programs of all releases of DPDK.
 *
 * Fastmem is initialized at the end of rte_eal_init(); until then, the heap
 * serves all. It is torn down only after rte_eal_cleanup(), in the course of
 * which devices free what they have.
 */

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fastmem.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_per_lcore.h>
#include <rte_stdatomic.h>

RTE_LOG_REGISTER(fastmem_malloc_logtype, lib.fastmem_malloc, INFO);
#define RTE_LOGTYPE_FASTMEM_MALLOC fastmem_malloc_logtype
#define MALLOC_LOG(level, ...) \
	RTE_LOG_LINE(level, FASTMEM_MALLOC, "" __VA_ARGS__)

/* How long a secondary process waits for the primary's to be initialized, which
 * is the next thing after EAL, and was before most often.
 */
#define ATTACH_TRIES 3
#define ATTACH_MS 200

/* Why the heap had to serve an allocation. */
enum heap_reason {
	HEAP_EARLY,    /* Fastmem is not initialized. */
	HEAP_LARGE,    /* Larger than any class. */
	HEAP_EXTERNAL, /* On an external heap's socket. */
	HEAP_NOMEM,    /* Fastmem has no memory, or not on that socket. */
	HEAP_REASONS
};

static const char *const heap_reasons[HEAP_REASONS] = {
	[HEAP_EARLY] = "before or without fastmem",
	[HEAP_LARGE] = "too large for it",
	[HEAP_EXTERNAL] = "on external heaps",
	[HEAP_NOMEM] = "for lack of its memory",
};

static struct {
	/**
	 * Written by rte_eal_init() and rte_eal_cleanup() only. Threads of EAL
	 * run by then, so it is released, and what follows stays as it is.
	 */
	RTE_ATOMIC(bool) started;
	/** The program itself has called rte_fastmem_init(). */
	bool wanted;
	/** Where objects are, as fastmem sees it; also after fork(). */
	struct rte_fastmem_lcore dir;
	/** Allocations that the heap served; relaxed. */
	RTE_ATOMIC(uint64_t) n_heap[HEAP_REASONS];
} preload;

/* The calling thread is in a function of EAL, called by one of those below. */
static RTE_DEFINE_PER_LCORE(unsigned int, in_heap);

static bool
is_started(void)
{
	return rte_atomic_load_explicit(&preload.started,
		rte_memory_order_acquire);
}

static void
set_started(bool started)
{
	rte_atomic_store_explicit(&preload.started, started,
		rte_memory_order_release);
}

/* Find EAL's function, once. Any number of threads may come to the same result,
 * so relaxed will do.
 */
static void *
next_function(RTE_ATOMIC(uintptr_t) *cached, const char *name)
{
	uintptr_t function = rte_atomic_load_explicit(cached,
		rte_memory_order_relaxed);

	if (likely(function != 0))
		return (void *)function;
	function = (uintptr_t)dlsym(RTLD_NEXT, name);
	if (function == 0) {
		/* We need EAL ourselves, so it is there. */
		MALLOC_LOG(EMERG, "there is no %s", name);
		abort();
	}
	rte_atomic_store_explicit(cached, function, rte_memory_order_relaxed);
	return (void *)function;
}

#define NEXT(name) __extension__({ \
	static RTE_ATOMIC(uintptr_t) cached; \
	__typeof__(&(name)) function; \
	*(void **)&function = next_function(&cached, #name); \
	function; \
})

static void
count_heap(size_t size, unsigned int align, int socket)
{
	enum heap_reason reason;

	if (!is_started())
		reason = HEAP_EARLY;
	else if (RTE_MAX(size, (size_t)align) > rte_fastmem_max_size())
		reason = HEAP_LARGE;
	else if (rte_malloc_heap_socket_is_external(socket) == 1)
		reason = HEAP_EXTERNAL;
	else
		reason = HEAP_NOMEM;
	rte_atomic_fetch_add_explicit(&preload.n_heap[reason], 1,
		rte_memory_order_relaxed);
}

/* Tell if memory is fastmem's, though that is not initialized in this process:
 * fork() has made it.
 */
static bool
is_orphan(const void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr - preload.dir.dir_base;

	return is_started() &&
		(offset >> RTE_FASTMEM_SLAB_SHIFT) <= preload.dir.dir_mask &&
		__rte_fastmem_bin(&preload.dir, offset) != 0;
}

/* What rte_fastmem_malloc.h finds below under the names of rte_malloc.h. */

static void *
next_malloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	void *ptr = NEXT(rte_malloc_socket)(type, size, align, socket);

	if (ptr != NULL)
		count_heap(size, align, socket);
	return ptr;
}

static void *
next_zmalloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	void *ptr;

	RTE_PER_LCORE(in_heap)++;
	ptr = NEXT(rte_zmalloc_socket)(type, size, align, socket);
	RTE_PER_LCORE(in_heap)--;
	if (ptr != NULL)
		count_heap(size, align, socket);
	return ptr;
}

static void
next_free(void *ptr)
{
	if (unlikely(is_orphan(ptr)))
		MALLOC_LOG(DEBUG, "%p is freed in a forked process, and left alone",
			ptr);
	else
		NEXT(rte_free)(ptr);
}

static void *
next_realloc_socket(void *ptr, size_t size, unsigned int align, int socket)
{
	size_t left;
	void *to;

	if (unlikely(is_orphan(ptr))) {
		/* How large it was is not known any more. */
		left = RTE_BIT64(RTE_FASTMEM_SLAB_SHIFT) -
			((uintptr_t)ptr &
			(RTE_BIT64(RTE_FASTMEM_SLAB_SHIFT) - 1));
		to = next_malloc_socket(NULL, size, align, socket);
		if (to != NULL)
			memcpy(to, ptr, RTE_MIN(left, size));
		return to;
	}
	RTE_PER_LCORE(in_heap)++;
	to = NEXT(rte_realloc_socket)(ptr, size, align, socket);
	RTE_PER_LCORE(in_heap)--;
	return to;
}

static int
next_malloc_validate(const void *ptr, size_t *size)
{
	return is_orphan(ptr) ? -1 : NEXT(rte_malloc_validate)(ptr, size);
}

static rte_iova_t
next_malloc_virt2iova(const void *ptr)
{
	return is_orphan(ptr) ? rte_mem_virt2iova(ptr) :
		NEXT(rte_malloc_virt2iova)(ptr);
}

#define rte_malloc_socket next_malloc_socket
#define rte_zmalloc_socket next_zmalloc_socket
#define rte_free next_free
#define rte_realloc_socket next_realloc_socket
#define rte_malloc_validate next_malloc_validate
#define rte_malloc_virt2iova next_malloc_virt2iova
#include "rte_fastmem_malloc.h"
#undef rte_malloc_socket
#undef rte_zmalloc_socket
#undef rte_free
#undef rte_realloc_socket
#undef rte_malloc_validate
#undef rte_malloc_virt2iova

/* What the program finds. */

void *
rte_malloc(const char *type, size_t size, unsigned int align)
{
	return rte_fastmem_heap_malloc(type, size, align);
}

void *
rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	return rte_fastmem_heap_zmalloc(type, size, align);
}

void *
rte_calloc(const char *type, size_t num, size_t size, unsigned int align)
{
	return rte_fastmem_heap_calloc(type, num, size, align);
}

void *
rte_realloc(void *ptr, size_t size, unsigned int align)
{
	return rte_fastmem_heap_realloc(ptr, size, align);
}

void *
rte_malloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	if (unlikely(RTE_PER_LCORE(in_heap) != 0))
		return NEXT(rte_malloc_socket)(type, size, align, socket);
	return rte_fastmem_heap_malloc_socket(type, size, align, socket);
}

void *
rte_zmalloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	return rte_fastmem_heap_zmalloc_socket(type, size, align, socket);
}

void *
rte_calloc_socket(const char *type, size_t num, size_t size,
	unsigned int align, int socket)
{
	return rte_fastmem_heap_calloc_socket(type, num, size, align, socket);
}

void *
rte_realloc_socket(void *ptr, size_t size, unsigned int align, int socket)
{
	return rte_fastmem_heap_realloc_socket(ptr, size, align, socket);
}

void
rte_free(void *ptr)
{
	rte_fastmem_heap_free(ptr);
}

/* Not in DPDK before 25.07. */
void
rte_free_sensitive(void *ptr);

void
rte_free_sensitive(void *ptr)
{
	rte_fastmem_heap_free_sensitive(ptr);
}

int
rte_malloc_validate(const void *ptr, size_t *size)
{
	return rte_fastmem_heap_validate(ptr, size);
}

/* To the heap, fastmem is a few large objects: it tells more of itself. */
void
rte_malloc_dump_stats(FILE *f, const char *type)
{
	NEXT(rte_malloc_dump_stats)(f, type);
	if (is_started())
		rte_fastmem_dump(f);
}

rte_iova_t
rte_malloc_virt2iova(const void *ptr)
{
	return rte_fastmem_heap_virt2iova(ptr);
}

/* Print what was done if the environment asks for it. */
static void
report(void)
{
	struct rte_fastmem_stats stats;
	unsigned int i;

	if (getenv("FASTMEM_MALLOC_STATS") == NULL)
		return;
	if (is_started() && rte_fastmem_stats(&stats) == 0)
		MALLOC_LOG(INFO, "%" PRIu64 " allocations and %" PRIu64 " frees served by fastmem",
			stats.alloc_total, stats.free_total);
	for (i = 0; i < HEAP_REASONS; i++)
		MALLOC_LOG(INFO, "%" PRIu64 " allocations served by the heap: %s",
			rte_atomic_load_explicit(&preload.n_heap[i],
				rte_memory_order_relaxed), heap_reasons[i]);
}

/* Take memory in advance if the environment asks for it. */
static void
reserve(void)
{
	const char *value = getenv("FASTMEM_MALLOC_RESERVE");
	unsigned long mib;
	char *end;

	if (value == NULL || rte_eal_process_type() != RTE_PROC_PRIMARY)
		return;
	mib = strtoul(value, &end, 10);
	if (end == value || *end != '\0' || mib > SIZE_MAX >> 20)
		MALLOC_LOG(WARNING, "FASTMEM_MALLOC_RESERVE='%s' is not a number of MiB",
			value);
	else if (rte_fastmem_reserve((size_t)mib << 20, SOCKET_ID_ANY) != 0)
		MALLOC_LOG(WARNING, "there are no %lu MiB to reserve", mib);
}

static void
start(void)
{
	unsigned int tries = 0;
	int ret;

	while ((ret = NEXT(rte_fastmem_init)()) == -ENODEV &&
			rte_eal_process_type() != RTE_PROC_PRIMARY &&
			++tries < ATTACH_TRIES)
		rte_delay_us_sleep(ATTACH_MS * 1000);
	if (ret != 0 && ret != -EBUSY) {
		MALLOC_LOG(WARNING, "fastmem cannot be initialized, the heap serves all: %s",
			rte_strerror(-ret));
		return;
	}
	/* A constructor of the program was faster. */
	preload.wanted = ret == -EBUSY;
	__rte_fastmem_get_dir(&preload.dir);
	set_started(true);
	reserve();
}

int
rte_eal_init(int argc, char **argv)
{
	int ret = NEXT(rte_eal_init)(argc, argv);

	if (ret >= 0 && !is_started())
		start();
	return ret;
}

int
rte_eal_cleanup(void)
{
	bool was_started = is_started();
	int ret;

	if (was_started) {
		report();
		__rte_fastmem_cleanup_begin();
	}
	ret = NEXT(rte_eal_cleanup)();
	if (was_started) {
		__rte_fastmem_cleanup_end();
		set_started(false);
	}
	return ret;
}

/* The program may use fastmem by itself, and not know that it is there already,
 * nor that others need it.
 */
int
rte_fastmem_init(void)
{
	if (!is_started())
		return NEXT(rte_fastmem_init)();
	if (preload.wanted)
		return -EBUSY;
	preload.wanted = true;
	return 0;
}

void
rte_fastmem_deinit(void)
{
	if (!is_started())
		NEXT(rte_fastmem_deinit)();
	preload.wanted = false;
}

/* If rte_eal_cleanup() was not called. */
RTE_FINI(fastmem_malloc_fini)
{
	if (is_started())
		report();
}
