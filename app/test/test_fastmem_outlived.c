/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A secondary process that outlives its primary one: what it asks for is
 * refused soon, and what it reads does not wait for a thread that is dead. But
 * it waits for one that is only slow.
 *
 * The test's own process must not die. So it starts another primary process,
 * with files of its own, which starts a secondary one and kills itself. The
 * secondary process writes what it found to the pipe that is its stdout.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_thread.h>

#include "test_fastmem_mp_util.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_outlived_autotest"
#define AREA_NAME "test_fm_outlived_area"
#define KIND_VAR "FASTMEM_TEST_OUTLIVED"
#define OUTLIVED "outlived: "
#define STARTED "a secondary process has started"
#define N_OBJS 4000
#define N_READS 20
#define MIB_OF_PRIMARY "64"
/* One request, and one reader, may wait until they learn of the death. */
#define SECONDS_TO_END 20
#define SECONDS_TO_DIE 60
/* The primary process stops: before the request, and for longer than it takes
 * until one who waits for an answer looks after it.
 */
#define STOPPING_US 100000
#define STOPPED_US 1500000

enum kind {
	KIND_NONE,
	KIND_IDLE,   /* the primary process dies when it does nothing */
	KIND_RESETS, /* when it resets statistics */
	KIND_ENDS    /* it does not die, but clears up after the others */
};

struct area {
	struct fastmem_test_mp mp;
	RTE_ATOMIC(uint32_t) ready;
};

static struct area *area;

static enum kind
own_kind(void)
{
	const char *value = getenv(KIND_VAR);

	return value != NULL ? (enum kind)strtoul(value, NULL, 0) : KIND_NONE;
}

static uint32_t
continue_main(void *arg)
{
	rte_delay_us_sleep(STOPPING_US + STOPPED_US);
	kill((pid_t)(intptr_t)arg, SIGCONT);
	return 0;
}

/* No file can be opened to find out that the primary process is there still. */
static int
alloc_while_stopped(void)
{
	pid_t primary_pid = getppid();
	struct rlimit limit, none;
	rte_thread_t thread;
	void *obj;

	TEST_ASSERT_SUCCESS(getrlimit(RLIMIT_NOFILE, &limit), "no limit");
	TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL, continue_main,
		(void *)(intptr_t)primary_pid), "no thread");
	kill(primary_pid, SIGSTOP);
	rte_delay_us_sleep(STOPPING_US);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	obj = rte_fastmem_alloc(rte_fastmem_max_size(), 8, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	rte_thread_join(thread, NULL);
	TEST_ASSERT_NOT_NULL(obj, "a process that is stopped is taken for dead");
	rte_fastmem_free(obj);
	return 0;
}

/* What needs the primary process: more than a cache holds, and less. */
static unsigned int
alloc_until_refused(void **objs)
{
	unsigned int n = 0;

	while (n < N_OBJS && (objs[n] = rte_fastmem_alloc(4096, 8, 0)) != NULL)
		n++;
	return n;
}

/* In the secondary process, when the primary one is dead. */
static int
outlive(void **objs)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;
	unsigned int i;

	fastmem_test_free_all(objs, N_OBJS / 2);
	for (i = N_OBJS / 2; i < N_OBJS; i++)
		rte_fastmem_free(objs[i]);
	TEST_ASSERT(alloc_until_refused(objs) < N_OBJS,
		"memory from a process that is dead");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	TEST_ASSERT(rte_fastmem_reserve((size_t)1 << 30, SOCKET_ID_ANY) < 0,
		"memory is reserved by a process that is dead");
	rte_fastmem_stats_reset();
	for (i = 0; i < N_READS; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(4096, &cs),
			"no statistics of a class");
	}
	rte_fastmem_deinit();
	return 0;
}

static int
secondary(uint32_t task __rte_unused)
{
	static void *objs[N_OBJS];
	uint64_t start;
	double seconds;
	int ret;

	/* should any of it never end */
	alarm(SECONDS_TO_DIE);
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	if (own_kind() == KIND_IDLE && alloc_while_stopped() != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(alloc_until_refused(objs), N_OBJS,
		"cannot allocate");
	rte_atomic_store_explicit(&area->ready, 1, rte_memory_order_release);
	while (rte_eal_primary_proc_alive(NULL) != 0)
		rte_delay_us_sleep(1000);

	start = rte_get_timer_cycles();
	ret = outlive(objs);
	seconds = (double)(rte_get_timer_cycles() - start) /
		rte_get_timer_hz();
	printf("\n" OUTLIVED "%d %.3f\n", ret, seconds);
	fflush(stdout);
	return ret;
}

static uint32_t
reset_main(void *arg __rte_unused)
{
	for (;;)
		rte_fastmem_stats_reset();
	return 0;
}

/* The process that dies. It returns where that comes to nothing. */
static int
primary(enum kind kind)
{
	const struct fastmem_test_mp_args args = {
		.command = COMMAND,
		.lcore_id = rte_lcore_id(),
		.n_lcores = 1,
		.outlives = true,
	};
	const struct rte_memzone *zone;
	rte_thread_t thread;
	int ret;

	if (kind == KIND_ENDS)
		return TEST_SUCCESS;
	zone = fastmem_test_mp_reserve(AREA_NAME, sizeof(*area));
	TEST_ASSERT_NOT_NULL(zone, "no memory");
	area = zone->addr;
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	if (kind == KIND_RESETS)
		TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL,
			reset_main, NULL), "no thread");
	ret = fastmem_test_mp_start(&area->mp, 0, &args);
	if (ret != TEST_SUCCESS)
		return ret;
	printf("\n" STARTED "\n");
	fflush(stdout);
	while (rte_atomic_load_explicit(&area->ready,
			rte_memory_order_acquire) == 0) {
		TEST_ASSERT(!fastmem_test_mp_ended(&area->mp),
			"the secondary process has ended");
		rte_delay_us_sleep(1000);
	}
	kill(getpid(), SIGKILL);
	return TEST_FAILED;
}

/* The folder for hugepages that this process was given, as an argument. */
static const char *
huge_dir_arg(void)
{
	static const char option[] = "--huge-dir";
	static char arg[sizeof(option) + PATH_MAX];
	static char text[65536];
	const char *p, *end;
	bool found = false;
	FILE *f;

	f = fopen("/proc/self/cmdline", "r");
	if (f == NULL)
		return NULL;
	end = text + fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	for (p = text; p < end; p += strlen(p) + 1) {
		if (found || strncmp(p, option, sizeof(option) - 1) == 0) {
			if (!found && p[sizeof(option) - 1] == '\0') {
				found = true;
				continue;
			}
			if (!found)
				return p;
			snprintf(arg, sizeof(arg), "%s=%.*s", option, PATH_MAX - 1,
				p);
			return arg;
		}
	}
	return NULL;
}

static void
exec_primary(enum kind kind, int fd)
{
	const char *prefix = strrchr(rte_eal_get_runtime_dir(), '/') + 1;
	char prefix_arg[PATH_MAX], lcores_arg[32], iova_arg[32], kind_arg[16];
	const char *argv[] = { "dpdk-test-primary", prefix_arg, lcores_arg,
		iova_arg, "-m", MIB_OF_PRIMARY, "--no-pci", "--no-telemetry",
		"--log-level=lib.eal:warning", NULL, NULL };
	int i;

	/* with the secondary process, which can be killed together with it */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDOUT_FILENO);
	for (i = 3; i < 1024; i++)
		close(i);
	snprintf(prefix_arg, sizeof(prefix_arg), "--file-prefix=%s-outlived",
		prefix);
	snprintf(lcores_arg, sizeof(lcores_arg), "--lcores=0@%d",
		rte_lcore_to_cpu_id(-1));
	snprintf(iova_arg, sizeof(iova_arg), "--iova-mode=%s",
		rte_eal_iova_mode() == RTE_IOVA_PA ? "pa" : "va");
	argv[RTE_DIM(argv) - 2] = huge_dir_arg();
	snprintf(kind_arg, sizeof(kind_arg), "%d", kind);
	setenv(KIND_VAR, kind_arg, 1);
	setenv("DPDK_TEST", COMMAND, 1);
	unsetenv("DPDK_TEST_PARAMS");
	unsetenv("DPDK_TEST_SKIP");
	execv("/proc/self/exe", (char **)(uintptr_t)argv);
	_exit(127);
}

/* Read what the processes write until both have ended, or for too long. */
static int
read_all(int fd, char *text, size_t len)
{
	uint64_t end = rte_get_timer_cycles() +
		2 * SECONDS_TO_DIE * rte_get_timer_hz();
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n = 1;

	while (n != 0) {
		if (rte_get_timer_cycles() > end)
			return -ETIMEDOUT;
		if (poll(&pollfd, 1, 100) <= 0)
			continue;
		if (used == len - 1)
			used = 0;
		n = read(fd, text + used, len - 1 - used);
		if (n < 0)
			return -errno;
		used += n;
	}
	text[used] = '\0';
	return 0;
}

/* Run a primary process of a kind; tells how it ended, and what it wrote. */
static int
run_primary(enum kind kind, char *text, size_t len, int *status)
{
	int fds[2], ret;
	pid_t pid;

	TEST_ASSERT_SUCCESS(pipe(fds), "no pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exec_primary(kind, fds[1]);
	close(fds[1]);
	TEST_ASSERT(pid > 0, "cannot fork: %d", errno);
	ret = read_all(fds[0], text, len);
	if (ret != 0)
		kill(-pid, SIGKILL);
	close(fds[0]);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	TEST_ASSERT_SUCCESS(ret, "the processes did not end");
	return 0;
}

static int
test_kind(enum kind kind)
{
	static char text[65536];
	int status, result;
	const char *line;
	double seconds;

	if (run_primary(kind, text, sizeof(text), &status) != 0)
		return TEST_FAILED;
	line = strstr(text, OUTLIVED);
	if (line == NULL && strstr(text, STARTED) == NULL) {
		printf("%s\nno other primary process can do this here, status %d, skipped\n",
			text, status);
		return TEST_SKIPPED;
	}
	if (line == NULL)
		printf("%s\n", text);
	TEST_ASSERT(line != NULL && sscanf(line, OUTLIVED "%d %lf", &result,
		&seconds) == 2, "the secondary process did not get to its end");
	if (result != 0)
		printf("%s\n", text);
	TEST_ASSERT_SUCCESS(result, "the secondary process failed");
	printf("a secondary process alone: %.3f s\n", seconds);
	TEST_ASSERT(seconds < SECONDS_TO_END, "it waited for %.3f s", seconds);
	return TEST_SUCCESS;
}

static int
test_outlives_idle(void)
{
	return test_kind(KIND_IDLE);
}

static int
test_outlives_resets(void)
{
	return test_kind(KIND_RESETS);
}

static int
suite_setup(void)
{
	return fastmem_test_mp_possible() ? TEST_SUCCESS : TEST_SKIPPED;
}

/* A process that was killed leaves its hugepages to the next one. */
static void
suite_teardown(void)
{
	char text[4096];
	int status;

	if (fastmem_test_mp_possible())
		run_primary(KIND_ENDS, text, sizeof(text), &status);
}

static struct unit_test_suite fastmem_outlived_testsuite = {
	.suite_name = "fastmem after a primary process",
	.setup = suite_setup,
	.teardown = suite_teardown,
	.unit_test_cases = {
		TEST_CASE(test_outlives_idle),
		TEST_CASE(test_outlives_resets),
		TEST_CASES_END()
	}
};

static int
test_fastmem_outlived(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		area = fastmem_test_mp_lookup(AREA_NAME);
		return area == NULL ? TEST_SKIPPED :
			fastmem_test_mp_main(&area->mp, secondary);
	}
	if (own_kind() != KIND_NONE)
		return primary(own_kind());
	return fastmem_test_run(&fastmem_outlived_testsuite);
}

REGISTER_FAST_TEST(fastmem_outlived_autotest, NOHUGE_OK, ASAN_OK,
	test_fastmem_outlived);
