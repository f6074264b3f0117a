/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * An object to be preloaded (LD_PRELOAD), which records what a program does
 * with rte_malloc() and its family in the file FASTMEM_TRACE, for
 * dpdk-test-fastmem to replay. EAL's own functions, which come next in the
 * loader's order, do the work.
 *
 * These call each other through the loader, and so may come back to here: only
 * the outermost call of a thread is recorded.
 *
 * A free is recorded before it is done and an allocation when it has been done,
 * so that whoever gets memory which another thread has freed comes behind that
 * one.
 *
 * When recording fails, the program goes on as if nothing had been. So does a
 * child that was forked.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_per_lcore.h>

#include "trace_record.h"

/* Not in DPDK before 25.07. */
void
rte_free_sensitive(void *ptr);

/* EAL's functions; found before there is a second thread. */
static struct {
	__typeof__(&rte_malloc) malloc;
	__typeof__(&rte_zmalloc) zmalloc;
	__typeof__(&rte_calloc) calloc;
	__typeof__(&rte_realloc) realloc;
	__typeof__(&rte_malloc_socket) malloc_socket;
	__typeof__(&rte_zmalloc_socket) zmalloc_socket;
	__typeof__(&rte_calloc_socket) calloc_socket;
	__typeof__(&rte_realloc_socket) realloc_socket;
	__typeof__(&rte_free) free;
	__typeof__(&rte_free_sensitive) free_sensitive;
} next;

#define FIND_NEXT(name) \
	(*(void **)&next.name = dlsym(RTLD_NEXT, "rte_" #name))

static void
find_next(void)
{
	FIND_NEXT(malloc);
	FIND_NEXT(zmalloc);
	FIND_NEXT(calloc);
	FIND_NEXT(realloc);
	FIND_NEXT(malloc_socket);
	FIND_NEXT(zmalloc_socket);
	FIND_NEXT(calloc_socket);
	FIND_NEXT(realloc_socket);
	FIND_NEXT(free_sensitive);
	/* The last one: with it, all have been found. */
	FIND_NEXT(free);
	if (next.free == NULL) {
		RTE_LOG(EMERG, FASTMEM_TRACE, "there is no rte_free\n");
		abort();
	}
}

/* Set before there is a second thread. */
static bool recording;

/* Calls of the thread that have not returned. */
static RTE_DEFINE_PER_LCORE(unsigned int, depth);

/* A call begins; it is to be recorded if it is the outermost one. */
static bool
enter(void)
{
	/* A constructor of the program was faster. */
	if (unlikely(next.free == NULL))
		find_next();
	return RTE_PER_LCORE(depth)++ == 0 && recording;
}

static void
leave(void)
{
	RTE_PER_LCORE(depth)--;
}

/* What a call has allocated is recorded when the call is done. */
static void *
leave_alloc(bool outermost, void *ptr, size_t size, unsigned int align)
{
	if (outermost && ptr != NULL)
		record_alloc(ptr, size, align);
	leave();
	return ptr;
}

void *
rte_malloc(const char *type, size_t size, unsigned int align)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.malloc(type, size, align), size,
			align);
}

void *
rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.zmalloc(type, size, align), size,
			align);
}

void *
rte_calloc(const char *type, size_t num, size_t size, unsigned int align)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.calloc(type, num, size, align),
			num * size, align);
}

void *
rte_malloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.malloc_socket(type, size, align,
			socket), size, align);
}

void *
rte_zmalloc_socket(const char *type, size_t size, unsigned int align,
	int socket)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.zmalloc_socket(type, size, align,
			socket), size, align);
}

void *
rte_calloc_socket(const char *type, size_t num, size_t size,
	unsigned int align, int socket)
{
	const bool outermost = enter();

	return leave_alloc(outermost, next.calloc_socket(type, num, size,
			align, socket), num * size, align);
}

static void *
reallocate(void *ptr, size_t size, unsigned int align,
	void *(*real)(void *ptr, size_t size, unsigned int align, int socket),
	int socket)
{
	uint32_t slot;
	bool taken;
	void *to;

	taken = record_take(ptr, &slot);
	to = real(ptr, size, align, socket);
	if (!taken)
		return leave_alloc(true, to, size, align);
	if (to != NULL)
		record_realloc(to, slot, size, align);
	else
		record_put_back(ptr, slot);
	leave();
	return to;
}

static void *
real_realloc(void *ptr, size_t size, unsigned int align,
	int socket __rte_unused)
{
	return next.realloc(ptr, size, align);
}

void *
rte_realloc(void *ptr, size_t size, unsigned int align)
{
	const bool outermost = enter();

	if (outermost && ptr != NULL)
		return reallocate(ptr, size, align, real_realloc, 0);
	return leave_alloc(outermost, next.realloc(ptr, size, align), size,
			align);
}

void *
rte_realloc_socket(void *ptr, size_t size, unsigned int align, int socket)
{
	const bool outermost = enter();

	if (outermost && ptr != NULL)
		return reallocate(ptr, size, align, next.realloc_socket, socket);
	return leave_alloc(outermost, next.realloc_socket(ptr, size, align,
			socket), size, align);
}

static void
enter_free(const void *ptr)
{
	if (enter() && ptr != NULL)
		record_free(ptr);
}

void
rte_free(void *ptr)
{
	enter_free(ptr);
	next.free(ptr);
	leave();
}

void
rte_free_sensitive(void *ptr)
{
	enter_free(ptr);
	next.free_sensitive(ptr);
	leave();
}

RTE_INIT(fastmem_trace_init)
{
	const char *path = getenv("FASTMEM_TRACE");

	find_next();
	recording = path != NULL && path[0] != '\0' && record_init(path) == 0;
}

/* The end of the program, with or without rte_eal_cleanup(). */
RTE_FINI(fastmem_trace_fini)
{
	if (recording)
		record_end();
}
