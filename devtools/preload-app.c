/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A program that knows of DPDK alone, for test-preload.sh: what DPDK's own
 * programs do not do. It has to end well with and without the object that is
 * preloaded, but for what is said to be different with it.
 */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_malloc.h>

#define LARGE ((size_t)3 << 20)

#define CHECK(what) do { \
	if (!(what)) { \
		fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what); \
		return false; \
	} \
} while (0)

static bool preloaded;

static bool
has_bytes(const uint8_t *ptr, uint8_t value, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ptr[i] != value)
			return false;
	return true;
}

static bool
refuses(void)
{
	/* not known to the compiler, which would complain */
	volatile size_t half = SIZE_MAX / 2 + 1, none = 0;
	volatile unsigned int align = 48;

	CHECK(rte_malloc(NULL, none, 0) == NULL);
	CHECK(rte_zmalloc_socket(NULL, none, 0, SOCKET_ID_ANY) == NULL);
	CHECK(rte_malloc(NULL, 100, align) == NULL);
	CHECK(rte_zmalloc(NULL, 100, align) == NULL);
	CHECK(rte_malloc(NULL, half, 0) == NULL);
	/* EAL's own gives memory for what is left of the product */
	CHECK(!preloaded || rte_calloc(NULL, half + 32, 2, 0) == NULL);
	CHECK(rte_malloc_validate(NULL, NULL) != 0);
	rte_free(NULL);
	return true;
}

/* What the statistics say of fastmem. */
static bool
dumps(void)
{
	FILE *f = tmpfile();
	bool heap = false, fastmem = false;
	char line[256];

	CHECK(f != NULL);
	rte_malloc_dump_stats(f, NULL);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		heap = heap || strstr(line, "Heap_size:") != NULL;
		fastmem = fastmem || strstr(line, "fastmem: ") != NULL;
	}
	fclose(f);
	CHECK(heap);
	CHECK(fastmem == preloaded);
	return true;
}

static void *
allocate(void *arg)
{
	size_t size = *(size_t *)arg;
	void *ptr = rte_zmalloc(NULL, size, 0);

	/* some more for its caches, which end with it */
	rte_free(rte_malloc(NULL, size, 0));
	return ptr;
}

/* An object of a thread that EAL knows nothing of, and that has ended. */
static bool
frees_of_thread(size_t size)
{
	pthread_t thread;
	void *ptr = NULL;

	CHECK(pthread_create(&thread, NULL, allocate, &size) == 0);
	CHECK(pthread_join(thread, &ptr) == 0);
	CHECK(ptr != NULL && has_bytes(ptr, 0, size));
	memset(ptr, 1, size);
	rte_free(ptr);
	return true;
}

/* The child has its parent's objects, to read and to leave alone. */
static bool
child(uint8_t *ptrs[2], uint8_t *large)
{
	size_t size = 0;
	uint8_t *ptr;

	CHECK(has_bytes(ptrs[0], 0xa1, 1000) && has_bytes(ptrs[1], 0xa1, 1000));
	CHECK((rte_malloc_validate(ptrs[0], &size) == 0) == !preloaded);
	CHECK(rte_malloc_virt2iova(ptrs[0]) == rte_malloc_virt2iova(ptrs[0]));
	ptr = rte_zmalloc(NULL, 5000, 0);
	CHECK(ptr != NULL && has_bytes(ptr, 0, 5000));
	rte_free(ptr);
	if (!preloaded)
		return true;
	rte_free(ptrs[0]);
	ptr = rte_realloc(ptrs[1], 2000, 0);
	CHECK(ptr != NULL && ptr != ptrs[1] && has_bytes(ptr, 0xa1, 1000));
	CHECK(rte_malloc_validate(ptr, &size) == 0 && size >= 2000);
	rte_free(ptr);
	CHECK(has_bytes(large, 0xa2, LARGE));
	CHECK(dumps());
	return true;
}

static bool
forks(void)
{
	uint8_t *ptrs[2], *large = rte_malloc(NULL, LARGE, 0), *ptr;
	siginfo_t info;
	pid_t pid;

	ptrs[0] = rte_malloc(NULL, 1000, 0);
	ptrs[1] = rte_malloc(NULL, 1000, 0);
	CHECK(ptrs[0] != NULL && ptrs[1] != NULL && large != NULL);
	memset(ptrs[0], 0xa1, 1000);
	memset(ptrs[1], 0xa1, 1000);
	memset(large, 0xa2, LARGE);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(child(ptrs, large) ? 0 : 1);
	/* whoever reaps it: that may take Linux a minute on busy processors */
	CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK(info.si_code == CLD_EXITED && info.si_status == 0);
	CHECK(has_bytes(ptrs[0], 0xa1, 1000) && has_bytes(ptrs[1], 0xa1, 1000));
	CHECK(rte_malloc_validate(ptrs[0], NULL) == 0);
	/* were they free, one of them would be the next one */
	ptr = rte_malloc(NULL, 1000, 0);
	CHECK(ptr != NULL && ptr != ptrs[0] && ptr != ptrs[1]);
	rte_free(ptr);
	rte_free(ptrs[0]);
	rte_free(ptrs[1]);
	rte_free(large);
	return true;
}

int
main(int argc, char **argv)
{
	const char *objects = getenv("LD_PRELOAD");

	preloaded = objects != NULL && strstr(objects, "fastmem_malloc") != NULL;
	/* too early for memory, but not for this */
	rte_free(NULL);
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	if (!refuses() || !dumps() || !frees_of_thread(100) ||
			!frees_of_thread(LARGE) || !forks())
		return 1;
	if (rte_eal_cleanup() != 0)
		return 1;
	rte_free(NULL);
	return 0;
}
