/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Libraries that replace the C library's malloc, called by their own names for
 * it: loaded if they are there, and private to the adapters below. The rest of
 * the process, and the other allocators, go on with the C library's.
 *
 * An adapter jumps to a function by a pointer, which is how the adapter of the
 * C library gets there, too, and asks for the same sizes and alignment.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef RTE_EXEC_ENV_LINUX
#include <sys/auxv.h>
#endif

#include <rte_common.h>

#include "alloc_dl.h"
#include "secondary.h"

#define MAX_SONAMES 4
#define MAX_REASON 256

/*
 * Memory for variables of each thread which a library that is loaded at run
 * time may have, if it was built to be there from the start, as these are: the
 * C library keeps little more than 500 bytes unless told to keep more.
 */
#define TUNABLE "glibc.rtld.optional_static_tls"
#define TUNABLE_BYTES "65536"

struct library {
	/* Where to look, the newest first. */
	const char *sonames[MAX_SONAMES];
	const char *package;
	/* Of an aligned allocation, and what frees its result. */
	const char *alloc_name;
	const char *free_name;

	/* Set when it was looked for: why it is missing, empty if it is not. */
	bool tried;
	char reason[MAX_REASON];
	/* It is there, but there was too little memory for its variables. */
	bool lacks_tls;
	/* In the order in which the library has the parameters. */
	void *(*alloc)(size_t first, size_t second);
	void (*free)(void *obj);
};

static struct library mimalloc = {
	.sonames = { "libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so" },
	.package = "libmimalloc2.0, or libmimalloc3 of later releases",
	.alloc_name = "mi_malloc_aligned",
	.free_name = "mi_free",
};

/* It may have been built to have a prefix in its names. */
static struct library jemalloc = {
	.sonames = { "libjemalloc.so.2" },
	.package = "libjemalloc2",
	.alloc_name = "aligned_alloc",
	.free_name = "free",
};

static struct library tcmalloc = {
	.sonames = { "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" },
	.package = "libtcmalloc-minimal4",
	.alloc_name = "tc_memalign",
	.free_name = "tc_free",
};

/* POSIX has data pointers hold functions, which C does not. */
static bool
find_functions(struct library *library, void *handle, const char *prefix)
{
	char name[64];
	void *symbol;

	snprintf(name, sizeof(name), "%s%s", prefix, library->alloc_name);
	symbol = dlsym(handle, name);
	if (symbol == NULL)
		return false;
	memcpy(&library->alloc, &symbol, sizeof(symbol));
	snprintf(name, sizeof(name), "%s%s", prefix, library->free_name);
	symbol = dlsym(handle, name);
	if (symbol == NULL)
		return false;
	memcpy(&library->free, &symbol, sizeof(symbol));

	return true;
}

/* The first one that is there, or NULL with what was wrong with the last one. */
static void *
open_library(const struct library *library, const char **error)
{
	void *handle = NULL;
	unsigned int i;

	for (i = 0; i < MAX_SONAMES && library->sonames[i] != NULL; i++) {
		handle = dlopen(library->sonames[i], RTLD_NOW | RTLD_LOCAL);
		if (handle != NULL)
			break;
		*error = dlerror();
		if (strstr(*error, "No such file") == NULL)
			break;
	}

	return handle;
}

/* The library stays loaded: threads may have its variables. */
static void
load(struct library *library)
{
	const char *error = NULL;
	void *handle;

	library->tried = true;
	handle = open_library(library, &error);
	if (handle != NULL) {
		/* A prefix first: the C library has the names without one. */
		if (!find_functions(library, handle, "je_") &&
				!find_functions(library, handle, ""))
			snprintf(library->reason, MAX_REASON,
				"the library has no function %s",
				library->alloc_name);
		return;
	}

	library->lacks_tls = strstr(error, "static TLS") != NULL;
	if (library->lacks_tls)
		snprintf(library->reason, MAX_REASON,
			"%s, set GLIBC_TUNABLES=" TUNABLE "=" TUNABLE_BYTES,
			error);
	else if (strstr(error, "No such file") != NULL)
		snprintf(library->reason, MAX_REASON,
			"install the Debian package %s", library->package);
	else
		snprintf(library->reason, MAX_REASON, "%s", error);
}

static const char *
library_missing(struct library *library)
{
	if (!library->tried)
		load(library);

	return library->reason[0] == '\0' ? NULL : library->reason;
}

static int
library_start(struct library *library)
{
	return library_missing(library) == NULL ? 0 : -ENOENT;
}

/* As for the C library, which wants a multiple of the alignment. */
static int
library_open(size_t size, unsigned int live __rte_unused, uintptr_t *key)
{
	*key = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	return 0;
}

/*
 * The adapters of a library, and its allocator. The parameters of its function
 * are given in the order in which it has them.
 */
#define LIBRARY_ALLOCATOR(lib, description, first, second) \
static const char * \
lib##_missing(void) \
{ \
	return library_missing(&lib); \
} \
\
static int \
lib##_start(void) \
{ \
	return library_start(&lib); \
} \
\
ADAPTER void * \
lib##_alloc(uintptr_t key) \
{ \
	return lib.alloc(first, second); \
} \
\
ADAPTER void \
lib##_free(uintptr_t key __rte_unused, void *obj) \
{ \
	lib.free(obj); \
} \
\
ADAPTER void \
lib##_free_bulk(uintptr_t key __rte_unused, void **objs, unsigned int n) \
{ \
	unsigned int i; \
\
	for (i = 0; i < n; i++) \
		lib.free(objs[i]); \
} \
\
ADAPTER int \
lib##_alloc_bulk(uintptr_t key, void **objs, unsigned int n) \
{ \
	unsigned int i; \
\
	for (i = 0; i < n; i++) { \
		objs[i] = lib.alloc(first, second); \
		if (unlikely(objs[i] == NULL)) { \
			lib##_free_bulk(key, objs, i); \
			return -ENOMEM; \
		} \
	} \
\
	return 0; \
} \
\
CALLS(lib, lib##_alloc, lib##_free, lib##_alloc_bulk, lib##_free_bulk); \
\
const struct allocator lib##_allocator = { \
	.name = #lib, \
	.desc = description ", aligned to a cache line", \
	.missing = lib##_missing, \
	.start = lib##_start, \
	.open = library_open, \
	.calls = &lib##_calls, \
}

LIBRARY_ALLOCATOR(mimalloc, "mi_malloc_aligned and mi_free", key, RTE_CACHE_LINE_SIZE);
LIBRARY_ALLOCATOR(jemalloc, "jemalloc's aligned_alloc and free", RTE_CACHE_LINE_SIZE, key);
LIBRARY_ALLOCATOR(tcmalloc, "tc_memalign and tc_free", RTE_CACHE_LINE_SIZE, key);

static struct library *
library_of(const struct allocator *allocator)
{
	if (allocator == &mimalloc_allocator)
		return &mimalloc;
	if (allocator == &jemalloc_allocator)
		return &jemalloc;

	return allocator == &tcmalloc_allocator ? &tcmalloc : NULL;
}

/* Whether one of them could be loaded if the program was started anew. */
static bool
any_lacks_tls(const struct allocator * const *chosen, unsigned int n)
{
	struct library *library;
	bool lacks = false;
	unsigned int i;

	for (i = 0; i < n; i++) {
		library = library_of(chosen[i]);
		if (library == NULL)
			continue;
		library_missing(library);
		lacks |= library->lacks_tls;
	}

	return lacks;
}

/* Whether the program may not trust the environment, nor the C library. */
static bool
is_secure(void)
{
#ifdef RTE_EXEC_ENV_LINUX
	return getauxval(AT_SECURE) != 0;
#else
	return issetugid() != 0;
#endif
}

void
dl_prepare(const struct allocator * const *chosen, unsigned int n, char **argv)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	char program[PATH_MAX];
	char *value;
	ssize_t len;

	if (!any_lacks_tls(chosen, n))
		return;
	/* Been here, or the user has decided, or it would be ignored. */
	if ((tunables != NULL && strstr(tunables, TUNABLE) != NULL) ||
			is_secure())
		return;
	len = readlink(OWN_PROGRAM, program, sizeof(program) - 1);
	if (len < 0)
		return;
	program[len] = '\0';
	if (asprintf(&value, "%s%s" TUNABLE "=" TUNABLE_BYTES,
			tunables == NULL ? "" : tunables,
			tunables == NULL || tunables[0] == '\0' ? "" : ":") < 0)
		return;
	if (setenv("GLIBC_TUNABLES", value, 1) == 0)
		execv(program, argv);
	free(value);
}
