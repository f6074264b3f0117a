/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_thread.h>

#include "test_fastmem_mp_util.h"
#include "test_fastmem_util.h"

#define NUMBER_VAR "FASTMEM_TEST_PROCESS"
#define SECONDS_TO_START 20
#define STARTS 3
#define MAX_PLUGIN_ARGS 8

const struct rte_memzone *
fastmem_test_mp_reserve(const char *name, size_t len)
{
	const struct rte_memzone *mz = rte_memzone_reserve(name, len,
		SOCKET_ID_ANY, 0);

	if (mz != NULL)
		memset(mz->addr, 0, mz->len);
	return mz;
}

bool
fastmem_test_mp_possible(void)
{
	if (rte_eal_has_hugepages() && fastmem_test_shared_config())
		return true;
	printf("EAL runs without shared files, so there are no secondary processes, skipped\n");
	return false;
}

void *
fastmem_test_mp_lookup(const char *name)
{
	const struct rte_memzone *mz = rte_memzone_lookup(name);
	unsigned int i;

	if (mz == NULL) {
		printf("no primary process runs this test, skipped\n");
		return NULL;
	}
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		fastmem_test_sizes[i] = (size_t)8 << i;
	return mz->addr;
}

unsigned int
fastmem_test_mp_number(void)
{
	const char *value = getenv(NUMBER_VAR);

	return value != NULL ? strtoul(value, NULL, 0) : 0;
}

int
fastmem_test_mp_main(struct fastmem_test_mp *mp, int (*fn)(uint32_t task))
{
	rte_atomic_store_explicit(&mp->state, FASTMEM_TEST_MP_STARTED,
		rte_memory_order_release);
	mp->result = fn(mp->task);
	rte_atomic_store_explicit(&mp->state, FASTMEM_TEST_MP_DONE,
		rte_memory_order_release);
	return mp->result == 0 ? TEST_SUCCESS : TEST_FAILED;
}

/* The first CPU of the nth of the caller's lcores, counted from its own one. */
static int
nth_cpu(unsigned int n)
{
	unsigned int lcore_id = rte_lcore_id();
	rte_cpuset_t cpus;
	int i;

	for (; n > 0; n--)
		lcore_id = rte_get_next_lcore(lcore_id, 0, 1);
	cpus = rte_lcore_cpuset(lcore_id);
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpus))
			return i;
	return 0;
}

static void
format_lcores(char *text, size_t len, const struct fastmem_test_mp_args *args)
{
	size_t used = snprintf(text, len, "--lcores=");
	unsigned int i;

	for (i = 0; i < args->n_lcores && used < len; i++)
		used += snprintf(text + used, len - used, "%s%u@%d",
			i == 0 ? "" : ",", args->lcore_id + i,
			nth_cpu(i % rte_lcore_count()));
}

static void
set_env(const struct fastmem_test_mp_args *args)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", args->number);
	setenv(NUMBER_VAR, number, 1);
	setenv("DPDK_TEST", args->command, 1);
	unsetenv("DPDK_TEST_PARAMS");
	unsetenv("DPDK_TEST_SKIP");
	if (args->env != NULL)
		putenv(strdup(args->env));
}

/* The drivers that this process was told to load, in their order: pairs of -d
 * and a path. In another order, mempools would have other drivers.
 */
static void
plugin_args(char **args, unsigned int max)
{
	static char cmdline[65536];
	const char *end;
	unsigned int n = 0;
	size_t len;
	char *arg;
	FILE *f;

	f = fopen("/proc/self/cmdline", "r");
	if (f == NULL)
		return;
	len = fread(cmdline, 1, sizeof(cmdline) - 1, f);
	fclose(f);
	end = &cmdline[len];
	for (arg = cmdline; arg < end && n + 2 <= max; arg += strlen(arg) + 1) {
		if (strcmp(arg, "-d") != 0)
			continue;
		args[n++] = arg;
		arg += strlen(arg) + 1;
		args[n++] = arg;
	}
}

static void
exec_secondary(const struct fastmem_test_mp_args *args)
{
	const char *prefix = strrchr(rte_eal_get_runtime_dir(), '/') + 1;
	char prefix_arg[PATH_MAX], lcores_arg[512];
	char name[] = "dpdk-test-secondary";
	char type_arg[] = "--proc-type=secondary";
	char pci_arg[] = "--no-pci", telemetry_arg[] = "--no-telemetry";
	char log_arg[] = "--log-level=lib.eal:warning";
	char *argv[7 + MAX_PLUGIN_ARGS + 1] = { name, type_arg, prefix_arg,
		lcores_arg, pci_arg, telemetry_arg, log_arg };
	int fd;

	/* most have nothing to do without the primary process */
	if (!args->outlives)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	plugin_args(&argv[7], MAX_PLUGIN_ARGS);
	snprintf(prefix_arg, sizeof(prefix_arg), "--file-prefix=%s", prefix);
	format_lcores(lcores_arg, sizeof(lcores_arg), args);
	/* the lock on the configuration is the primary's alone */
	for (fd = 3; fd < 1024; fd++)
		close(fd);
	set_env(args);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int
fastmem_test_mp_spawn(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args)
{
	pid_t pid;

	mp->task = task;
	mp->result = -1;
	rte_atomic_store_explicit(&mp->state, FASTMEM_TEST_MP_NEW,
		rte_memory_order_release);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exec_secondary(args);
	TEST_ASSERT(pid > 0, "cannot fork: %d", errno);
	mp->pid = pid;
	return TEST_SUCCESS;
}

static uint32_t
reap_main(void *arg)
{
	waitpid((pid_t)(intptr_t)arg, NULL, 0);
	return 0;
}

/*
 * A thread of its own takes what is left of a process, and nobody waits for it.
 * The kernel frees the entries below /proc meanwhile, in a loop that lasts for
 * a minute or two at times, on few and busy processors, while the process has
 * been dead for long: nothing is open any more, no lock is held.
 */
static void
reap(pid_t pid)
{
	rte_thread_t thread;

	if (rte_thread_create(&thread, NULL, reap_main, (void *)(intptr_t)pid) == 0)
		rte_thread_detach(thread);
	else
		waitpid(pid, NULL, 0);
}

bool
fastmem_test_mp_ended(struct fastmem_test_mp *mp)
{
	siginfo_t info = { .si_pid = 0 };

	if (mp->pid != 0 && waitid(P_PID, mp->pid, &info,
			WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == mp->pid) {
		mp->code = info.si_code;
		mp->status = info.si_status;
		reap(mp->pid);
		mp->pid = 0;
	}
	return mp->pid == 0;
}

void
fastmem_test_mp_wait(struct fastmem_test_mp *mp)
{
	while (!fastmem_test_mp_ended(mp))
		rte_delay_us_sleep(200);
}

int
fastmem_test_mp_wait_start(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args)
{
	unsigned int i, ms;

	for (i = 0; i < STARTS; i++) {
		if (i > 0 && fastmem_test_mp_spawn(mp, task, args) != 0)
			return TEST_FAILED;
		for (ms = 0; ms < SECONDS_TO_START * 1000; ms++) {
			if (fastmem_test_mp_state(mp) != FASTMEM_TEST_MP_NEW)
				return TEST_SUCCESS;
			if (fastmem_test_mp_ended(mp))
				break;
			rte_delay_us_sleep(1000);
		}
		if (ms == SECONDS_TO_START * 1000) {
			kill(mp->pid, SIGKILL);
			fastmem_test_mp_wait(mp);
		}
		if (fastmem_test_mp_state(mp) != FASTMEM_TEST_MP_NEW)
			return TEST_SUCCESS;
	}
	printf("no secondary process can be started here, skipped\n");
	return TEST_SKIPPED;
}

int
fastmem_test_mp_start(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args)
{
	if (fastmem_test_mp_spawn(mp, task, args) != 0)
		return TEST_FAILED;
	return fastmem_test_mp_wait_start(mp, task, args);
}

int
fastmem_test_mp_end(struct fastmem_test_mp *mp)
{
	fastmem_test_mp_wait(mp);
	TEST_ASSERT_EQUAL(fastmem_test_mp_state(mp), FASTMEM_TEST_MP_DONE,
		"secondary process ended early, code %d, status %d", mp->code,
		mp->status);
	TEST_ASSERT_SUCCESS(mp->result, "secondary process failed");
	return TEST_SUCCESS;
}

int
fastmem_test_mp_run(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args)
{
	int ret = fastmem_test_mp_start(mp, task, args);

	return ret == TEST_SUCCESS ? fastmem_test_mp_end(mp) : ret;
}
