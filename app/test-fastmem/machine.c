/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_string_fns.h>
#include <rte_version.h>

#include "allocator.h"
#include "machine.h"

static void
describe_cpu(char *buf, size_t len)
{
	static const char key[] = "model name";
	char line[256];
	char *value;
	FILE *f;

	/* Not every architecture has this line. */
	rte_strscpy(buf, "unknown CPU", len);

	f = fopen("/proc/cpuinfo", "r");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		value = strchr(line, ':');
		if (value == NULL)
			continue;
		value += strspn(value, ": \t");
		value[strcspn(value, "\n")] = '\0';
		rte_strscpy(buf, value, len);
		break;
	}
	fclose(f);
}

bool
machine_lcores_pinned(void)
{
	rte_cpuset_t all, cpus;
	unsigned int lcore;

	CPU_ZERO(&all);
	RTE_LCORE_FOREACH(lcore) {
		cpus = rte_lcore_cpuset(lcore);
		if (CPU_COUNT(&cpus) != 1)
			return false;
		CPU_OR(&all, &all, &cpus);
	}

	return CPU_COUNT(&all) == (int)rte_lcore_count();
}

static const char *
describe_compiler(void)
{
#if defined(__clang__)
	return "clang " __clang_version__;
#else
	return "gcc " __VERSION__;
#endif
}

void
machine_describe(struct machine *machine)
{
	const time_t now = time(NULL);
	struct utsname uts;

	describe_cpu(machine->cpu, sizeof(machine->cpu));
	if (uname(&uts) < 0) {
		rte_strscpy(uts.machine, "unknown", sizeof(uts.machine));
		rte_strscpy(uts.release, "unknown", sizeof(uts.release));
	}
	rte_strscpy(machine->arch, uts.machine, sizeof(machine->arch));
	rte_strscpy(machine->kernel, uts.release, sizeof(machine->kernel));
	strftime(machine->date, sizeof(machine->date), "%Y-%m-%dT%H:%M:%SZ",
		gmtime(&now));
	machine->tsc_hz = rte_get_tsc_hz();
	machine->lcores = rte_lcore_count();
	machine->pinned = machine_lcores_pinned();
	machine->fastmem = FASTMEM_VERSION;
	machine->dpdk = rte_version();
	machine->compiler = describe_compiler();
	machine->hugepages = rte_eal_has_hugepages();
	machine->iova = rte_eal_iova_mode() == RTE_IOVA_PA ? "PA" : "VA";
	machine->fastmem_reserved = fastmem_reserved();
}
