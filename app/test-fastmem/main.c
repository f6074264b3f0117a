/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "alloc_dl.h"
#include "bench.h"
#include "caller.h"
#include "compare.h"
#include "footprint.h"
#include "judge.h"
#include "machine.h"
#include "mempool_ops.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "quiet.h"
#include "replay.h"
#include "report.h"
#include "report_trace.h"
#include "secondary.h"

/* The exit status when all went well, but a target was missed. */
#define EXIT_MISSED 2

static void
on_signal(int sig __rte_unused)
{
	bench_stop = 1;
}

static void
catch_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	/* A second one ends the program at once. */
	action.sa_flags = SA_RESETHAND | SA_RESTART;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void
stop_allocators(const struct allocator * const *started, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (started[i]->stop != NULL &&
				allocator_missing(started[i]) == NULL)
			started[i]->stop();
}

static int
start_allocators(const struct options *opts)
{
	unsigned int i;
	int ret;

	for (i = 0; i < opts->n_allocators; i++) {
		if (opts->allocators[i]->start == NULL ||
				allocator_missing(opts->allocators[i]) != NULL)
			continue;
		ret = opts->allocators[i]->start();
		if (ret == 0)
			continue;
		report_error("cannot start %s: %s", opts->allocators[i]->name,
			strerror(-ret));
		stop_allocators(opts->allocators, i);
		return ret;
	}

	return 0;
}

static bool
caller_chosen(const struct options *opts, const struct caller *caller)
{
	unsigned int i;

	for (i = 0; i < opts->n_callers; i++)
		if (opts->callers[i] == caller)
			return true;

	return false;
}

static int
run_scenario(const struct options *opts, const struct scenario *scenario,
	struct results *results)
{
	unsigned int n_sizes = scenario->mixed ? 1 : opts->n_sizes;
	unsigned int i;
	int ret = 0;

	if (!scenario->any_caller && !caller_chosen(opts, REFERENCE_CALLER)) {
		printf("\n%s: %s: skipped, this is for the caller %s\n",
			scenario->name, scenario->desc, REFERENCE_CALLER->name);
		return 0;
	}
	if (rte_lcore_count() < scenario->min_lcores) {
		printf("\n%s: %s: skipped, needs %u lcores\n", scenario->name,
			scenario->desc, scenario->min_lcores);
		return 0;
	}

	for (i = 0; i < n_sizes && ret == 0; i++)
		ret = bench_measure(opts, scenario,
				scenario->mixed ? 0 : opts->sizes[i], results);
	if (ret == 0 || i > 1)
		report_scenario(stdout, opts, scenario, results);

	return ret;
}

static int
run_targets(const struct options *opts, const struct scenario *scenario,
	struct results *results, struct verdicts *verdicts)
{
	int ret;

	ret = judge_scenario(opts, scenario, results, verdicts);
	report_verdicts(stdout, opts, scenario, verdicts);

	return ret;
}

static int
run_scenarios(const struct options *opts, struct results *results,
	struct verdicts *verdicts)
{
	const uint64_t start = rte_get_tsc_cycles();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < opts->n_scenarios && ret == 0; i++) {
		if (opts->targets != NULL)
			ret = run_targets(opts, opts->scenarios[i], results,
					verdicts);
		else
			ret = run_scenario(opts, opts->scenarios[i], results);
	}
	verdicts->duration = (rte_get_tsc_cycles() - start) / rte_get_tsc_hz();

	if (ret == -EINTR) {
		results->interrupted = true;
		report_error("interrupted");
	} else if (ret < 0) {
		report_error("cannot measure: %s", strerror(-ret));
	} else if (opts->targets != NULL) {
		report_summary(stdout, verdicts);
	}

	return ret;
}

/* Returns a negative errno, or the exit status. */
static int
run_mempool_ops(const struct options *opts)
{
	struct machine machine;
	unsigned int n_missed;
	int ret;

	machine_describe(&machine);
	report_machine(stdout, &machine, opts);
	ret = mempool_ops_run(opts, &n_missed);
	if (ret == -EINTR)
		report_error("interrupted");
	else if (ret < 0)
		report_error("cannot measure: %s", strerror(-ret));
	else if (n_missed > 0)
		ret = EXIT_MISSED;

	return ret;
}

/* What is measured instead of scenarios: its errors have been told. */
static int
end_trace(const struct options *opts, const struct outputs *outputs,
	const struct machine *machine, struct results *results, int ret)
{
	const struct verdicts verdicts = { 0 };
	const struct report report = {
		.machine = machine,
		.opts = opts,
		.results = results,
		.verdicts = &verdicts,
	};

	results->interrupted = ret == -EINTR;
	if (ret == -EINTR)
		report_error("interrupted");
	if (ret != 0 && ret != -EINTR)
		return ret;

	return outputs_write(outputs, &report) < 0 ? -EIO : ret;
}

/* Allocators start with no memory in advance. */
static int
run_memory(const struct options *opts, const struct outputs *outputs)
{
	struct footprint footprint;
	struct results results = { .memory = &footprint };
	struct machine machine;
	int ret;

	machine_describe(&machine);
	report_machine(stdout, &machine, opts);
	ret = footprint_run(opts, &footprint);
	report_memory(stdout, &footprint);
	ret = end_trace(opts, outputs, &machine, &results, ret);
	footprint_free(&footprint);

	return ret;
}

static int
run_replay(const struct options *opts, const struct outputs *outputs)
{
	struct replay replay;
	struct results results = { .replay = &replay };
	struct machine machine;
	int ret;

	ret = start_allocators(opts);
	if (ret < 0)
		return ret;
	machine_describe(&machine);
	report_machine(stdout, &machine, opts);
	ret = replay_run(opts, &replay);
	report_replay(stdout, opts, &replay);
	ret = end_trace(opts, outputs, &machine, &results, ret);
	stop_allocators(opts->allocators, opts->n_allocators);

	return ret;
}

/* Returns a negative errno, or the exit status. */
static int
run(const struct options *opts, const struct outputs *outputs)
{
	struct verdicts verdicts = { 0 };
	struct results results = { 0 };
	struct machine machine;
	const struct report report = {
		.machine = &machine,
		.opts = opts,
		.results = &results,
		.verdicts = &verdicts,
	};
	int ret;

	if (opts->n_mempool_ops > 0)
		return run_mempool_ops(opts);
	if (opts->memory)
		return run_memory(opts, outputs);
	if (opts->replay)
		return run_replay(opts, outputs);

	ret = start_allocators(opts);
	if (ret < 0)
		return ret;
	callers_start(opts->callers, opts->n_callers);

	machine_describe(&machine);
	report_machine(stdout, &machine, opts);

	quiet_start();
	progress_start(opts);
	ret = run_scenarios(opts, &results, &verdicts);
	if (ret == 0 && opts->targets == NULL) {
		report_spread(stdout, &report);
		report_duration(stdout, &results, verdicts.duration);
	}
	if (outputs_write(outputs, &report) < 0)
		ret = -EIO;
	if (ret == 0 && !judge_passed(&verdicts))
		ret = EXIT_MISSED;

	judge_free(&verdicts);
	results_free(&results);
	callers_stop();
	stop_allocators(opts->allocators, opts->n_allocators);

	return ret;
}

/* Signals are the primary's: the end of this process is bound to its end. */
static int
run_secondary(int argc, char **argv)
{
	int ret;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);

	if (rte_eal_init(argc, argv) < 0) {
		report_error("cannot initialize EAL of a secondary process: %s",
			rte_strerror(rte_errno));
		return -1;
	}
	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		ret = secondary_serve();
	} else {
		report_error("--secondary: this is a primary process");
		ret = -EINVAL;
	}
	rte_eal_cleanup();

	return ret;
}

static int
run_in_eal(int argc, char **argv, const struct options *opts,
	const struct outputs *outputs)
{
	int ret;

	rte_set_application_usage_hook(options_usage);
	if (rte_eal_init(argc, argv) < 0) {
		report_error("cannot initialize EAL: %s",
			rte_strerror(rte_errno));
		return -1;
	}

	if (rte_eal_process_type() == RTE_PROC_PRIMARY) {
		catch_signals();
		ret = run(opts, outputs);
	} else {
		report_error("must be a primary process");
		ret = -ENOTSUP;
	}
	rte_eal_cleanup();

	return ret;
}

static void
free_args(char **args)
{
	unsigned int i;

	for (i = 0; args != NULL && args[i] != NULL; i++)
		free(args[i]);
	free(args);
}

/* What the program was given, which is changed when it is parsed, or NULL. */
static char **
copy_args(int argc, char **argv)
{
	char **args;
	int i;

	args = calloc(argc + 1, sizeof(*args));
	for (i = 0; args != NULL && i < argc; i++) {
		args[i] = strdup(argv[i]);
		if (args[i] == NULL) {
			free_args(args);
			args = NULL;
		}
	}

	return args;
}

int
main(int argc, char **argv)
{
	char **given = copy_args(argc, argv);
	struct outputs outputs;
	struct options opts;
	int eal_argc = 0;
	int ret;

	/*
	 * The own options come first: what is wrong with them is told before
	 * EAL takes any memory.
	 */
	while (eal_argc < argc && strcmp(argv[eal_argc], "--") != 0)
		eal_argc++;
	if (eal_argc < argc)
		ret = options_parse(argc - eal_argc, argv + eal_argc, &opts);
	else
		ret = options_parse(1, argv, &opts);
	if (ret < 0)
		return EXIT_FAILURE;

	if (opts.help) {
		options_usage(argv[0]);
		return EXIT_SUCCESS;
	}
	if (opts.compare)
		return compare_files(stdout, opts.compared, opts.tolerance) < 0 ?
			EXIT_FAILURE : EXIT_SUCCESS;
	if (given != NULL && !opts.secondary && opts.n_mempool_ops == 0)
		dl_prepare(opts.allocators, opts.n_allocators, given);
	free_args(given);
	if (opts.list) {
		options_list();
		return EXIT_SUCCESS;
	}
	if (outputs_open(&opts, &outputs) < 0)
		return EXIT_FAILURE;

	/* EAL is given an array that ends where its options do. */
	argv[eal_argc] = NULL;
	if (opts.secondary)
		return run_secondary(eal_argc, argv) < 0 ? EXIT_FAILURE :
			EXIT_SUCCESS;
	secondary_keep_args(eal_argc, argv);
	ret = run_in_eal(eal_argc, argv, &opts, &outputs);
	if (outputs_close(&outputs, &opts) < 0 && ret >= 0)
		ret = -EIO;

	return ret < 0 ? EXIT_FAILURE : ret;
}
