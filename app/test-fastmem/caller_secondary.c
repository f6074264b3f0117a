/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * An lcore of a secondary process, on the CPU of the main lcore, which sleeps
 * meanwhile. The process is started by exec, so that what is at one address in
 * both is only what EAL puts there.
 */

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "caller.h"
#include "options.h"
#include "report.h"
#include "secondary.h"

#define MAX_KEPT_ARGS 64
#define MAX_CPU_LIST 512

extern char **environ;

static char *kept_args[MAX_KEPT_ARGS];
static unsigned int n_kept_args;

static int fd = -1;
static pid_t pid;
static unsigned int own_lcore;

/* What is open, by allocator: each process has to be told. */
static struct {
	bool open;
	struct secondary_request request;
} subjects[MAX_ALLOCATORS];

/*
 * The drivers of mempools are numbered in the order in which they were loaded:
 * both processes must load the same.
 */
void
secondary_keep_args(int argc, char **argv)
{
	static const char * const options[] = { "-d", "--driver-path" };
	unsigned int j;
	int i;

	for (i = 1; i < argc; i++) {
		for (j = 0; j < RTE_DIM(options); j++) {
			if (strncmp(argv[i], options[j], strlen(options[j])) != 0 ||
					n_kept_args + 2 > MAX_KEPT_ARGS)
				continue;
			kept_args[n_kept_args++] = argv[i];
			if (strcmp(argv[i], options[j]) == 0 && i + 1 < argc)
				kept_args[n_kept_args++] = argv[++i];
			break;
		}
	}
}

/* EAL's IPC between processes exists if the memory is shared, too. */
static bool
is_shared(void)
{
	static const char name[] = "test_fastmem_probe";

	if (rte_mp_action_register(name, NULL) < 0)
		return rte_errno != ENOTSUP;
	rte_mp_action_unregister(name);

	return true;
}

/* Some allocators have a cache for each lcore id, whatever the process. */
static unsigned int
free_lcore(void)
{
	unsigned int lcore = 0;

	while (lcore < RTE_MAX_LCORE && !rte_lcore_has_role(lcore, ROLE_OFF))
		lcore++;

	return lcore;
}

/* An lcore on the CPUs of the main lcore, in the form of EAL's --lcores. */
static const char *
lcores_arg(unsigned int lcore)
{
	static char arg[MAX_CPU_LIST];
	rte_cpuset_t cpus = rte_lcore_cpuset(rte_get_main_lcore());
	const char *separator = "";
	unsigned int cpu;
	int len;

	len = snprintf(arg, sizeof(arg), "--lcores=%u@(", lcore);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus) || len + 8 > MAX_CPU_LIST)
			continue;
		len += snprintf(arg + len, sizeof(arg) - len, "%s%u", separator,
				cpu);
		separator = ",";
	}
	snprintf(arg + len, sizeof(arg) - len, ")");

	return arg;
}

/* The prefix names the folder with the files of EAL at run time. */
static const char *
prefix_arg(void)
{
	static char arg[PATH_MAX];
	const char *dir = rte_eal_get_runtime_dir();
	const char *slash = strrchr(dir, '/');

	snprintf(arg, sizeof(arg), "--file-prefix=%s",
		slash == NULL ? dir : slash + 1);

	return arg;
}

/* What the process writes must not get into JSON on stdout. */
static int
spawn(const char **argv, int child_fd)
{
	posix_spawn_file_actions_t actions;
	int ret;

	ret = posix_spawn_file_actions_init(&actions);
	if (ret != 0)
		return -ret;
	ret = posix_spawn_file_actions_adddup2(&actions, child_fd,
			SECONDARY_FD);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions,
				STDERR_FILENO, STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawn(&pid, OWN_PROGRAM, &actions, NULL,
				(char **)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);

	return -ret;
}

static int
receive(struct secondary_reply *reply)
{
	ssize_t n;

	do {
		n = recv(fd, reply, sizeof(*reply), 0);
	} while (n < 0 && errno == EINTR);

	return n == sizeof(*reply) ? reply->ret : -ECONNRESET;
}

static void
secondary_stop(void)
{
	siginfo_t info;

	if (fd < 0)
		return;
	/* This is what it waits for to end. */
	close(fd);
	fd = -1;
	/*
	 * Init reaps it, soon after this process has ended: that may take
	 * minutes in the kernel, which frees entries below /proc meanwhile.
	 */
	while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0) {
		if (errno != EINTR)
			return;
	}
	if (info.si_code != CLD_EXITED)
		report_error("the secondary process was ended by signal %d",
			info.si_status);
	else if (info.si_status != 0)
		report_error("the secondary process has failed");
}

static int
start_process(void)
{
	const char *argv[MAX_KEPT_ARGS + 16] = {
		"dpdk-test-fastmem",
		"--proc-type=secondary",
		"--no-pci",
		"--no-telemetry",
		"--log-level=error",
		rte_eal_iova_mode() == RTE_IOVA_PA ? "--iova-mode=pa" :
			"--iova-mode=va",
	};
	struct secondary_reply reply;
	unsigned int i, n = 0;
	int fds[2];
	int ret;

	while (argv[n] != NULL)
		n++;
	argv[n++] = prefix_arg();
	argv[n++] = lcores_arg(own_lcore);
	for (i = 0; i < n_kept_args; i++)
		argv[n++] = kept_args[i];
	argv[n++] = "--";
	argv[n++] = "--secondary";

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ret = spawn(argv, fds[1]);
	close(fds[1]);
	fd = fds[0];
	if (ret < 0) {
		close(fd);
		fd = -1;
		return ret;
	}

	ret = receive(&reply);
	if (ret < 0)
		secondary_stop();

	return ret;
}

static const char *
secondary_start(void)
{
	if (!rte_eal_has_hugepages())
		return "there are no secondary processes without hugepages";
	if (!is_shared())
		return "there are no secondary processes with --in-memory or --no-shconf";
	own_lcore = free_lcore();
	if (own_lcore == RTE_MAX_LCORE)
		return "there is no lcore id left for a secondary process";
	if (start_process() < 0)
		return "the secondary process could not be started";

	return NULL;
}

static int
request(const struct secondary_request *req, struct secondary_reply *reply)
{
	if (send(fd, req, sizeof(*req), MSG_NOSIGNAL) != sizeof(*req))
		return -ECONNRESET;

	return receive(reply);
}

static void
request_init(struct secondary_request *req, enum secondary_op op,
	const struct scenario *scenario, const struct subject *subject)
{
	memset(req, 0, sizeof(*req));
	req->op = op;
	snprintf(req->scenario, sizeof(req->scenario), "%s", scenario->name);
	while (allocators[req->allocator] != subject->alloc)
		req->allocator++;
	req->size = subject->size;
	req->live = subject->live;
	memcpy(req->keys, subject->keys, sizeof(req->keys));
}

static int
secondary_open(const struct scenario *scenario, const struct subject *subject)
{
	struct secondary_request req;
	struct secondary_reply reply;

	request_init(&req, SECONDARY_OPEN, scenario, subject);
	subjects[req.allocator].open = true;
	subjects[req.allocator].request = req;

	return request(&req, &reply);
}

static void
secondary_close(const struct scenario *scenario, const struct subject *subject)
{
	struct secondary_request req;
	struct secondary_reply reply;

	request_init(&req, SECONDARY_CLOSE, scenario, subject);
	subjects[req.allocator].open = false;
	request(&req, &reply);
}

static void
secondary_renew(void)
{
	struct secondary_reply reply;
	unsigned int i;
	int ret;

	secondary_stop();
	ret = start_process();
	for (i = 0; i < RTE_DIM(subjects) && ret == 0; i++)
		if (subjects[i].open)
			ret = request(&subjects[i].request, &reply);
	if (ret < 0)
		secondary_stop();
}

static int
secondary_run(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	struct secondary_request req;
	struct secondary_reply reply;
	int ret;

	request_init(&req, SECONDARY_RUN, scenario, subject);
	req.n = n;
	ret = request(&req, &reply);
	if (ret == 0)
		*sample = reply.sample;

	return ret;
}

const struct caller secondary_caller = {
	.name = "secondary",
	.desc = "an lcore of a secondary process, on the CPU of the main lcore",
	.start = secondary_start,
	.stop = secondary_stop,
	.open = secondary_open,
	.close = secondary_close,
	.renew = secondary_renew,
	.run = secondary_run,
};
