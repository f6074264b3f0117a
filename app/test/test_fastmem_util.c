/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "test_fastmem_util.h"

#define ZONE_PREFIX "fastmem"
#define ROOT_NAME ZONE_PREFIX "_root"
#define PROBE_NAME "test_fm_probe"
#define LOG_PREFIX "FASTMEM: "

size_t fastmem_test_sizes[FASTMEM_TEST_N_CLASSES];

static bool bare[RTE_MAX_NUMA_NODES];
static struct rte_malloc_socket_stats heap_before[RTE_MAX_NUMA_NODES];
static unsigned int n_teardown_errors;

static char *log_text;
static size_t log_len;
static FILE *log_file;

/* What the library logs beyond what a test has caught. */
static FILE *watch_file;
static unsigned int n_watched;
static const char *watch_expected;

static void
count_zone(const struct rte_memzone *mz, void *arg)
{
	unsigned int *n = arg;

	if (strncmp(mz->name, ZONE_PREFIX, strlen(ZONE_PREFIX)) == 0)
		(*n)++;
}

unsigned int
fastmem_test_count_zones(void)
{
	unsigned int n = 0;

	rte_memzone_walk(count_zone, &n);
	return n;
}

static ssize_t
watch_write(__rte_unused void *cookie, const char *buf, size_t len)
{
	if (len >= strlen(LOG_PREFIX) &&
			strncmp(buf, LOG_PREFIX, strlen(LOG_PREFIX)) == 0 &&
			(watch_expected == NULL || memmem(buf, len,
				watch_expected, strlen(watch_expected)) == NULL))
		n_watched++;
	return fwrite(buf, 1, len, stderr);
}

/*
 * Send the log through here as long as a suite runs, to notice what the
 * library complains about: each message is written by one flush.
 */
static void
watch_start(void)
{
	static const cookie_io_functions_t watch = { .write = watch_write };
	int logtype = rte_log_register("lib.fastmem");

	/* debugging messages are no complaints */
	if (logtype < 0 || rte_log_can_log(logtype, RTE_LOG_INFO + 1))
		return;
	watch_file = fopencookie(NULL, "w", watch);
	if (watch_file == NULL)
		return;
	setvbuf(watch_file, NULL, _IOFBF, BUFSIZ);
	rte_openlog_stream(watch_file);
}

static void
watch_stop(void)
{
	if (watch_file == NULL)
		return;
	rte_openlog_stream(NULL);
	fclose(watch_file);
	watch_file = NULL;
}

/* Find out on which sockets EAL has no memory. */
static void
probe_sockets(void)
{
	const struct rte_memzone *mz;
	unsigned int i;
	int socket_id;

	for (i = 0; i < rte_socket_count(); i++) {
		socket_id = rte_socket_id_by_idx(i);
		mz = rte_memzone_reserve(PROBE_NAME, 64, socket_id, 0);
		bare[socket_id] = mz == NULL;
		rte_memzone_free(mz);
	}
}

int
fastmem_test_run(struct unit_test_suite *suite)
{
	unsigned int i;
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		printf("%s: for primary processes only, skipped\n",
			suite->suite_name);
		return TEST_SKIPPED;
	}

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		fastmem_test_sizes[i] = (size_t)8 << i;

	probe_sockets();
	n_teardown_errors = 0;
	n_watched = 0;
	watch_expected = NULL;
	watch_start();
	ret = unit_test_suite_runner(suite);
	watch_stop();
	if (n_teardown_errors != 0) {
		printf("%s: %u errors after test cases\n", suite->suite_name,
			n_teardown_errors);
		ret = TEST_FAILED;
	}
	return ret;
}

int
fastmem_test_run_all(struct unit_test_suite * const *suites, unsigned int n)
{
	int result = TEST_SUCCESS;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = fastmem_test_run(suites[i]);
		if (ret == TEST_SKIPPED)
			return result == TEST_SUCCESS ? ret : result;
		if (ret != TEST_SUCCESS)
			result = TEST_FAILED;
	}
	return result;
}

void
fastmem_test_log_expect(const char *text)
{
	watch_expected = text;
}

int
fastmem_test_setup(void)
{
	unsigned int i;
	int socket_id;

	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0,
		"memzones of the library before initialization");
	memset(heap_before, 0, sizeof(heap_before));
	for (i = 0; i < rte_socket_count(); i++) {
		socket_id = rte_socket_id_by_idx(i);
		rte_malloc_get_socket_stats(socket_id, &heap_before[socket_id]);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	TEST_ASSERT(fastmem_test_count_zones() > 0,
		"no memzone has the name expected");
	return TEST_SUCCESS;
}

static void
teardown_error(const char *what)
{
	n_teardown_errors++;
	printf("Error after test case: %s\n", what);
}

static void
check_heap(void)
{
	struct rte_malloc_socket_stats now;
	unsigned int i;
	int socket_id;

	for (i = 0; i < rte_socket_count(); i++) {
		socket_id = rte_socket_id_by_idx(i);
		memset(&now, 0, sizeof(now));
		rte_malloc_get_socket_stats(socket_id, &now);
		if (now.heap_allocsz_bytes ==
				heap_before[socket_id].heap_allocsz_bytes &&
				now.alloc_count ==
				heap_before[socket_id].alloc_count &&
				now.heap_totalsz_bytes ==
				heap_before[socket_id].heap_totalsz_bytes)
			continue;
		printf("socket %d: EAL had %zu of %zu B in %u pieces in use, has %zu of %zu in %u\n",
			socket_id, heap_before[socket_id].heap_allocsz_bytes,
			heap_before[socket_id].heap_totalsz_bytes,
			heap_before[socket_id].alloc_count,
			now.heap_allocsz_bytes, now.heap_totalsz_bytes,
			now.alloc_count);
		teardown_error("memory of EAL was not given back");
	}
}

static void
teardown(bool audit, bool heap)
{
	int ret;

	if (audit) {
		ret = rte_fastmem_audit();
		/* a case may have torn the library down itself */
		if (ret != 0 && ret != -ENODEV)
			teardown_error("the audit found damage");
	}
	rte_fastmem_deinit();
	if (fastmem_test_count_zones() != 0)
		teardown_error("memzones were not freed");
	if (heap)
		check_heap();
	if (audit && n_watched != 0)
		teardown_error("the library has complained");
	n_watched = 0;
	watch_expected = NULL;
}

void
fastmem_test_teardown(void)
{
	teardown(true, true);
}

void
fastmem_test_teardown_damaged(void)
{
	teardown(false, true);
}

void
fastmem_test_teardown_shared(void)
{
	teardown(true, false);
}

static int
flush_lcore(__rte_unused void *arg)
{
	rte_fastmem_cache_flush();
	return 0;
}

int
fastmem_test_flush_all(void)
{
	unsigned int lcore_id;

	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(flush_lcore, NULL,
			lcore_id), "cannot launch on lcore %u", lcore_id);
	rte_eal_mp_wait_lcore();
	/* the last one sees what the others put into the depots */
	rte_fastmem_cache_flush();
	return 0;
}

int
fastmem_test_all_back(void)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;
	unsigned int i;

	TEST_ASSERT_SUCCESS(fastmem_test_flush_all(), "cannot flush");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT_EQUAL(stats.bytes_in_use, 0, "%" PRIu64 " B in use",
		stats.bytes_in_use);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
			fastmem_test_sizes[i], &cs), "no statistics");
		TEST_ASSERT(cs.in_use == 0 && cs.slabs_partial == 0 &&
			cs.slabs_full == 0,
			"class %zu: %" PRIu64 " objects in use, %u + %u slabs",
			cs.class_size, cs.in_use, cs.slabs_partial,
			cs.slabs_full);
	}
	return 0;
}

static int
first_socket(const struct rte_memseg_list *msl, void *arg)
{
	int *socket_id = arg;

	*socket_id = msl->socket_id;
	return 1;
}

bool
fastmem_test_socket_is_bare(int socket_id)
{
	return bare[socket_id];
}

int
fastmem_test_socket(void)
{
	const struct rte_memzone *root = rte_memzone_lookup(ROOT_NAME);
	int socket_id = (int)rte_socket_id();
	unsigned int i;

	if (!rte_eal_has_hugepages())
		rte_memseg_list_walk(first_socket, &socket_id);
	/* otherwise it is where the directory is, or will be */
	if (socket_id != SOCKET_ID_ANY && !bare[socket_id])
		return socket_id;
	if (root != NULL)
		return root->socket_id;
	for (i = 0; i < rte_socket_count(); i++)
		if (!bare[rte_socket_id_by_idx(i)])
			return rte_socket_id_by_idx(i);
	return rte_socket_id_by_idx(0);
}

int
fastmem_test_missing_socket(void)
{
	unsigned int i;
	int socket_id;

	for (socket_id = RTE_MAX_NUMA_NODES - 1; socket_id >= 0; socket_id--) {
		for (i = 0; i < rte_socket_count(); i++)
			if (rte_socket_id_by_idx(i) == socket_id)
				break;
		if (i == rte_socket_count())
			return socket_id;
	}
	return -1;
}

int
fastmem_test_limit(size_t bytes)
{
	int own = fastmem_test_socket();
	unsigned int i;
	int socket_id;

	for (i = 0; i < rte_socket_count(); i++) {
		socket_id = rte_socket_id_by_idx(i);
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(socket_id,
			socket_id == own || bytes == SIZE_MAX ? bytes : 0),
			"cannot set the limit of socket %d", socket_id);
	}
	return 0;
}

uint64_t
fastmem_test_backing(void)
{
	struct rte_fastmem_stats stats;

	return rte_fastmem_stats(&stats) == 0 ? stats.bytes_backing : UINT64_MAX;
}

uint64_t
fastmem_test_in_use(size_t class_size)
{
	struct rte_fastmem_class_stats cs;

	return rte_fastmem_stats_class(class_size, &cs) == 0 ? cs.in_use :
		UINT64_MAX;
}

size_t
fastmem_test_exhaust(void **objs, size_t max, size_t class_size)
{
	unsigned int bulk = 256;
	size_t n = 0;

	/* smaller and smaller bulks, so that the last object is found */
	while (bulk > 0) {
		if (n + bulk > max || rte_fastmem_alloc_bulk(&objs[n], bulk,
				class_size, 8, 0) != 0)
			bulk /= 2;
		else
			n += bulk;
	}
	return n;
}

void
fastmem_test_free_all(void **objs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 256)
		rte_fastmem_free_bulk(&objs[i], RTE_MIN(n - i, (size_t)256));
}

bool
fastmem_test_bounded(void)
{
	int own = fastmem_test_socket();
	struct rte_malloc_socket_stats stats;
	void *probe;

	if (!rte_eal_has_hugepages())
		return true;
	/* where memory is fixed, an allocation adds nothing to the heap */
	if (rte_malloc_get_socket_stats(own, &stats) != 0)
		return false;
	probe = rte_malloc_socket(NULL, stats.greatest_free_size + 1, 0, own);
	rte_free(probe);
	return probe == NULL;
}

bool
fastmem_test_shared_config(void)
{
	struct stat config, mine;
	char path[PATH_MAX];
	int fd;

	/* a primary process keeps the file open, for the lock on it */
	snprintf(path, sizeof(path), "%s/config", rte_eal_get_runtime_dir());
	if (stat(path, &config) != 0)
		return false;
	for (fd = 0; fd < 1024; fd++)
		if (fstat(fd, &mine) == 0 && mine.st_dev == config.st_dev &&
				mine.st_ino == config.st_ino)
			return true;
	return false;
}

int
fastmem_test_log_start(void)
{
	log_file = open_memstream(&log_text, &log_len);
	TEST_ASSERT_NOT_NULL(log_file, "no memory for a log");
	return rte_openlog_stream(log_file);
}

char *
fastmem_test_log_stop(void)
{
	rte_openlog_stream(watch_file);
	fclose(log_file);
	return log_text;
}

unsigned int
fastmem_test_log_lines(const char *text, const char *word)
{
	const char *end, *hit;
	unsigned int n = 0;

	for (; *text != '\0'; text = *end != '\0' ? end + 1 : end) {
		end = strchrnul(text, '\n');
		hit = strstr(text, word);
		if (end > text && hit != NULL && hit < end)
			n++;
	}
	return n;
}

struct thread_call {
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static uint32_t
thread_main(void *arg)
{
	struct thread_call *call = arg;

	call->result = call->fn(call->arg);
	return 0;
}

int
fastmem_test_in_thread(int (*fn)(void *arg), void *arg)
{
	struct thread_call call = { .fn = fn, .arg = arg };
	rte_thread_t thread;

	TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL, thread_main, &call),
		"cannot create a thread");
	TEST_ASSERT_SUCCESS(rte_thread_join(thread, NULL),
		"cannot join a thread");
	return call.result;
}

int
fastmem_test_elsewhere(int (*fn)(void *arg), void *arg)
{
	unsigned int lcore_id;

	RTE_LCORE_FOREACH_WORKER(lcore_id)
		if (rte_lcore_to_socket_id(lcore_id) == rte_socket_id())
			break;
	if (lcore_id >= RTE_MAX_LCORE)
		return fastmem_test_in_thread(fn, arg);
	TEST_ASSERT_SUCCESS(rte_eal_remote_launch(fn, arg, lcore_id),
		"cannot launch on lcore %u", lcore_id);
	return rte_eal_wait_lcore(lcore_id);
}

uint64_t
fastmem_test_rand(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}
