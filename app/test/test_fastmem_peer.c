/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memzone.h>
#include <rte_stdatomic.h>

#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define AREA_NAME "test_fm_peer_area"
#define SECONDS_TO_START 20
#define STARTS 3

enum state { STATE_NEW, STATE_STARTED, STATE_DONE };

struct area {
	RTE_ATOMIC(uint32_t) state;
	uint32_t task;
	int32_t result;
	uint64_t shared[];
};

static const struct rte_memzone *area_zone;
static struct area *area;
static pid_t child;

int
fastmem_test_peer_setup(size_t bytes, void **shared)
{
	if (!rte_eal_has_hugepages() || !fastmem_test_shared_config()) {
		printf("EAL runs without shared files, so there are no secondary processes, skipped\n");
		return TEST_SKIPPED;
	}
	area_zone = rte_memzone_reserve(AREA_NAME, sizeof(*area) + bytes,
		SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(area_zone, "no memory");
	area = area_zone->addr;
	memset(area, 0, sizeof(*area) + bytes);
	*shared = area->shared;
	return TEST_SUCCESS;
}

void
fastmem_test_peer_teardown(void)
{
	rte_memzone_free(area_zone);
	area_zone = NULL;
	area = NULL;
}

static int
first_cpu(void)
{
	rte_cpuset_t cpus = rte_lcore_cpuset(rte_lcore_id());
	int i;

	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpus))
			return i;
	return 0;
}

static void
exec_secondary(const char *command)
{
	const char *prefix = strrchr(rte_eal_get_runtime_dir(), '/') + 1;
	char prefix_arg[PATH_MAX], lcores_arg[64];
	char name[] = "dpdk-test-secondary";
	char type_arg[] = "--proc-type=secondary";
	char pci_arg[] = "--no-pci", telemetry_arg[] = "--no-telemetry";
	char *argv[] = { name, type_arg, prefix_arg, lcores_arg, pci_arg,
		telemetry_arg, NULL };
	int fd;

	snprintf(prefix_arg, sizeof(prefix_arg), "--file-prefix=%s", prefix);
	snprintf(lcores_arg, sizeof(lcores_arg), "--lcores=%u@%d",
		rte_lcore_id(), first_cpu());
	/* the lock on the configuration is the primary's alone */
	for (fd = 3; fd < 1024; fd++)
		close(fd);
	setenv("DPDK_TEST", command, 1);
	unsetenv("DPDK_TEST_PARAMS");
	unsetenv("DPDK_TEST_SKIP");
	execv("/proc/self/exe", argv);
	_exit(127);
}

static uint32_t
area_state(void)
{
	return rte_atomic_load_explicit(&area->state, rte_memory_order_acquire);
}

/*
 * EAL may fail to map memory where the primary has it, by chance, so there are
 * some attempts.
 */
int
fastmem_test_peer_start(const char *command, uint32_t task)
{
	unsigned int i, ms;
	int status;

	for (i = 0; i < STARTS; i++) {
		area->task = task;
		area->result = -1;
		rte_atomic_store_explicit(&area->state, STATE_NEW,
			rte_memory_order_release);
		fflush(NULL);
		child = fork();
		TEST_ASSERT(child >= 0, "cannot fork: %d", errno);
		if (child == 0)
			exec_secondary(command);
		for (ms = 0; ms < SECONDS_TO_START * 1000; ms++) {
			if (area_state() != STATE_NEW)
				return TEST_SUCCESS;
			if (waitpid(child, &status, WNOHANG) == child)
				break;
			rte_delay_us_sleep(1000);
		}
		if (ms == SECONDS_TO_START * 1000) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
		}
		if (area_state() != STATE_NEW)
			return TEST_SUCCESS;
	}
	printf("no secondary process can be started here, skipped\n");
	return TEST_SKIPPED;
}

int
fastmem_test_peer_end(void)
{
	int status = 0;

	waitpid(child, &status, 0);
	TEST_ASSERT_EQUAL(area_state(), STATE_DONE,
		"secondary process ended early, status %#x", status);
	TEST_ASSERT_SUCCESS(area->result, "secondary process failed");
	return TEST_SUCCESS;
}

int
fastmem_test_peer_run(const char *command, uint32_t task)
{
	int ret = fastmem_test_peer_start(command, task);

	return ret == TEST_SUCCESS ? fastmem_test_peer_end() : ret;
}

int
fastmem_test_peer_main(int (*fn)(uint32_t task, void *shared))
{
	area_zone = rte_memzone_lookup(AREA_NAME);
	if (area_zone == NULL) {
		printf("no primary process runs this test, skipped\n");
		return TEST_SKIPPED;
	}
	area = area_zone->addr;
	rte_atomic_store_explicit(&area->state, STATE_STARTED,
		rte_memory_order_release);
	area->result = fn(area->task, area->shared);
	rte_atomic_store_explicit(&area->state, STATE_DONE,
		rte_memory_order_release);
	return area->result == 0 ? TEST_SUCCESS : TEST_FAILED;
}
