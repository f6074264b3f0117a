/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <rte_fastmem.h>

#include "options.h"
#include "options_trace.h"
#include "output.h"
#include "report.h"

#define MIN_SIZE 8
#define MAX_ROUNDS 1000
#define MAX_DURATION 10000

#define DEFAULT_ROUNDS 15
#define DEFAULT_DURATION 2
#define MIN_ROUNDS 5

/* When there are targets: many short rounds, of which the median is stable. */
#define TARGETS_ROUNDS 61
#define TARGETS_DURATION 1
#define TARGETS_MIN_ROUNDS 15

/* When mempool drivers are compared, there are many cells. */
#define MEMPOOL_ROUNDS 16
#define MEMPOOL_DURATION 1
#define MAX_KEEP 32768
#define MAX_TOLERANCE 100
#define DEFAULT_TOLERANCE 3

static const unsigned int default_keeps[] = { 32, 128, 512, 2048, 8192, MAX_KEEP };
static const unsigned int default_bulks[] = { 1, 4, 8, 32 };

static const size_t default_sizes[] = { 8, 64, 256, 1024, 4096 };

enum {
	OPT_HELP = 256,
	OPT_LIST,
	OPT_SIZES,
	OPT_SCENARIOS,
	OPT_ALLOCATORS,
	OPT_CALLERS,
	OPT_ROUNDS,
	OPT_DURATION,
	OPT_JSON,
	OPT_CSV,
	OPT_MARKDOWN,
	OPT_COMPARE,
	OPT_NET,
	OPT_TARGETS,
	OPT_MEMPOOL_OPS,
	OPT_KEEP,
	OPT_BULK,
	OPT_TOLERANCE,
	OPT_REPLAY,
	OPT_MEMORY,
	OPT_SECONDARY,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "sizes", required_argument, NULL, OPT_SIZES },
	{ "scenarios", required_argument, NULL, OPT_SCENARIOS },
	{ "allocators", required_argument, NULL, OPT_ALLOCATORS },
	{ "callers", required_argument, NULL, OPT_CALLERS },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "csv", required_argument, NULL, OPT_CSV },
	{ "markdown", required_argument, NULL, OPT_MARKDOWN },
	{ "compare", no_argument, NULL, OPT_COMPARE },
	{ "net", no_argument, NULL, OPT_NET },
	{ "targets", required_argument, NULL, OPT_TARGETS },
	{ "mempool-ops", required_argument, NULL, OPT_MEMPOOL_OPS },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "bulk", required_argument, NULL, OPT_BULK },
	{ "tolerance", required_argument, NULL, OPT_TOLERANCE },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "memory", optional_argument, NULL, OPT_MEMORY },
	/* What the program starts itself with. */
	{ "secondary", no_argument, NULL, OPT_SECONDARY },
	{ NULL, 0, NULL, 0 },
};

void
options_usage(const char *prgname)
{
	printf("\nUsage: %s [EAL options] -- [options]\n\n"
		"  --sizes SIZE[,SIZE...]       sizes of objects in bytes, K and M are allowed\n"
		"                               (default: 8,64,256,1024,4096)\n"
		"  --scenarios NAME[,NAME...]   scenarios, see --list (default: all)\n"
		"  --allocators NAME[,NAME...]  allocators, see --list (default: all)\n"
		"  --callers NAME[,NAME...]     callers, see --list (default: lcore)\n"
		"  --rounds N                   rounds of measurements (default: %u)\n"
		"  --duration MS                milliseconds of a measurement (default: %u)\n"
		"  --net                        show medians less those of 'null', in place of\n"
		"                               the best figures\n"
		"  --json FILE                  write the results as JSON, '-' for stdout\n"
		"  --csv FILE                   write them as CSV, '-' for stdout\n"
		"  --markdown FILE              write them as Markdown, '-' for stdout\n"
		"  --compare A B                compare the results in two files of JSON instead\n"
		"                               (without EAL options)\n"
		"  --targets FILE               judge fastmem by the targets in the file\n"
		"                               (then %u rounds of %u ms by default)\n"
		"  --mempool-ops NAME[,NAME...] compare mempool drivers instead: the first one\n"
		"                               with the others\n"
		"  --keep N[,N...]              objects that an lcore has at once\n"
		"                               (default: 32,128,512,2048,8192,32768)\n"
		"  --bulk N[,N...]              objects got and put at once (default: 1,4,8,32)\n"
		"  --tolerance PERCENT          how much slower the first driver may be than\n"
		"                               the fastest other one (default: %u), or how much\n"
		"                               results that are compared may differ (default: %u)\n"
		"  --replay FILE                replay a trace of allocations instead\n"
		"  --memory [FILE]              measure the memory that is taken instead, for the\n"
		"                               trace, or for a load that is built in\n"
		"  --list                       list scenarios, allocators and callers\n"
		"  --help                       show this text\n\n",
		prgname, DEFAULT_ROUNDS, DEFAULT_DURATION,
		TARGETS_ROUNDS, TARGETS_DURATION, DEFAULT_TOLERANCE,
		COMPARE_TOLERANCE);
}

void
options_list(void)
{
	unsigned int i;

	printf("Scenarios:\n");
	for (i = 0; scenarios[i] != NULL; i++)
		printf("  %-18s%s\n", scenarios[i]->name, scenarios[i]->desc);

	printf("\nThere are bulkN, pipelineN and duplexN for any N from 1 to %u.\n",
		MAX_BURST);

	printf("\nAllocators:\n");
	for (i = 0; allocators[i] != NULL; i++) {
		printf("  %-18s%s\n", allocators[i]->name, allocators[i]->desc);
		if (allocator_missing(allocators[i]) != NULL)
			printf("  %-18smissing: %s\n", "",
				allocator_missing(allocators[i]));
	}

	printf("\nCallers:\n");
	for (i = 0; callers[i] != NULL; i++)
		printf("  %-18s%s\n", callers[i]->name, callers[i]->desc);
}

static int
parse_number(const char *option, const char *text, unsigned int max,
	unsigned int *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
			value < 1 || value > max) {
		report_error("--%s: '%s' is not a number from 1 to %u",
			option, text, max);
		return -EINVAL;
	}
	*number = value;

	return 0;
}

static int
add_size(const char *text, struct options *opts)
{
	const size_t max = rte_fastmem_max_size();
	unsigned int i, shift;
	uintmax_t size;
	char *end;

	errno = 0;
	size = strtoumax(text, &end, 10);
	shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;
	if (shift != 0)
		end++;
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
			size > max >> shift || size << shift < MIN_SIZE) {
		report_error("--sizes: '%s' is not a size from %u to %zu",
			text, MIN_SIZE, max);
		return -EINVAL;
	}
	size <<= shift;

	for (i = 0; i < opts->n_sizes; i++) {
		if (opts->sizes[i] == size) {
			report_error("--sizes: %zu is given twice", (size_t)size);
			return -EINVAL;
		}
	}
	if (opts->n_sizes == RTE_DIM(opts->sizes)) {
		report_error("--sizes: more than %u sizes", MAX_SIZES);
		return -EINVAL;
	}
	opts->sizes[opts->n_sizes++] = size;

	return 0;
}

static int
add_scenario(const char *name, struct options *opts)
{
	const struct scenario *scenario = scenario_find(name);
	unsigned int i;

	if (scenario == NULL) {
		report_error("--scenarios: there is no scenario '%s', see --list",
			name);
		return -EINVAL;
	}
	for (i = 0; i < opts->n_scenarios; i++) {
		if (opts->scenarios[i] == scenario) {
			report_error("--scenarios: '%s' is given twice", name);
			return -EINVAL;
		}
	}
	if (opts->n_scenarios == RTE_DIM(opts->scenarios)) {
		report_error("--scenarios: more than %u scenarios",
			MAX_SCENARIOS);
		return -EINVAL;
	}
	opts->scenarios[opts->n_scenarios++] = scenario;

	return 0;
}

static int
add_allocator(const char *name, struct options *opts)
{
	const struct allocator *allocator = allocator_find(name);
	unsigned int i;

	if (allocator == NULL) {
		report_error("--allocators: there is no allocator '%s', see --list",
			name);
		return -EINVAL;
	}
	for (i = 0; i < opts->n_allocators; i++) {
		if (opts->allocators[i] == allocator) {
			report_error("--allocators: '%s' is given twice", name);
			return -EINVAL;
		}
	}
	opts->allocators[opts->n_allocators++] = allocator;

	return 0;
}

static int
add_caller(const char *name, struct options *opts)
{
	const struct caller *caller = caller_find(name);
	unsigned int i;

	if (caller == NULL) {
		report_error("--callers: there is no caller '%s', see --list",
			name);
		return -EINVAL;
	}
	for (i = 0; i < opts->n_callers; i++) {
		if (opts->callers[i] == caller) {
			report_error("--callers: '%s' is given twice", name);
			return -EINVAL;
		}
	}
	opts->callers[opts->n_callers++] = caller;

	return 0;
}

static int
add_mempool_ops(const char *name, struct options *opts)
{
	if (opts->n_mempool_ops == RTE_DIM(opts->mempool_ops)) {
		report_error("--mempool-ops: more than %u drivers",
			MAX_MEMPOOL_OPS);
		return -EINVAL;
	}
	opts->mempool_ops[opts->n_mempool_ops++] = name;

	return 0;
}

static int
add_keep(const char *text, struct options *opts)
{
	if (opts->n_keeps == RTE_DIM(opts->keeps)) {
		report_error("--keep: more than %u numbers", MAX_NUMBERS);
		return -EINVAL;
	}

	return parse_number("keep", text, MAX_KEEP, &opts->keeps[opts->n_keeps++]);
}

static int
add_bulk(const char *text, struct options *opts)
{
	if (opts->n_bulks == RTE_DIM(opts->bulks)) {
		report_error("--bulk: more than %u numbers", MAX_NUMBERS);
		return -EINVAL;
	}

	return parse_number("bulk", text, MAX_KEEP, &opts->bulks[opts->n_bulks++]);
}

static int
parse_list(char *text, struct options *opts,
	int (*add)(const char *item, struct options *opts))
{
	char *item, *next;
	int ret;

	for (item = text; item != NULL; item = next) {
		next = strchr(item, ',');
		if (next != NULL)
			*next++ = '\0';
		ret = add(item, opts);
		if (ret < 0)
			return ret;
	}

	return 0;
}

static int
parse_targets(const char *path, struct options *opts)
{
	static struct targets targets;

	opts->targets = &targets;

	return targets_load(path, &targets);
}

static int
parse_option(int opt, char *arg, struct options *opts)
{
	switch (opt) {
	case OPT_HELP:
		opts->help = true;
		return 0;
	case OPT_LIST:
		opts->list = true;
		return 0;
	case OPT_SIZES:
		opts->n_sizes = 0;
		return parse_list(arg, opts, add_size);
	case OPT_SCENARIOS:
		opts->n_scenarios = 0;
		return parse_list(arg, opts, add_scenario);
	case OPT_ALLOCATORS:
		opts->n_allocators = 0;
		return parse_list(arg, opts, add_allocator);
	case OPT_CALLERS:
		opts->n_callers = 0;
		return parse_list(arg, opts, add_caller);
	case OPT_ROUNDS:
		return parse_number("rounds", arg, MAX_ROUNDS, &opts->rounds);
	case OPT_DURATION:
		return parse_number("duration", arg, MAX_DURATION,
				&opts->duration);
	case OPT_JSON:
		return output_parse(OUTPUT_JSON, arg, opts);
	case OPT_CSV:
		return output_parse(OUTPUT_CSV, arg, opts);
	case OPT_MARKDOWN:
		return output_parse(OUTPUT_MARKDOWN, arg, opts);
	case OPT_COMPARE:
		opts->compare = true;
		return 0;
	case OPT_NET:
		opts->net = true;
		return 0;
	case OPT_TARGETS:
		return parse_targets(arg, opts);
	case OPT_MEMPOOL_OPS:
		opts->n_mempool_ops = 0;
		return parse_list(arg, opts, add_mempool_ops);
	case OPT_KEEP:
		opts->n_keeps = 0;
		return parse_list(arg, opts, add_keep);
	case OPT_BULK:
		opts->n_bulks = 0;
		return parse_list(arg, opts, add_bulk);
	case OPT_TOLERANCE:
		return parse_number("tolerance", arg, MAX_TOLERANCE,
				&opts->tolerance);
	case OPT_REPLAY:
		opts->replay = true;
		opts->trace_path = arg;
		return 0;
	case OPT_MEMORY:
		opts->memory = true;
		opts->trace_path = arg;
		return 0;
	case OPT_SECONDARY:
		opts->secondary = true;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The scenarios which have targets, of those that were asked for. */
static int
choose_scenarios(struct options *opts)
{
	const struct targets *targets = opts->targets;
	unsigned int i, j, n = 0;

	for (i = 0; i < opts->n_scenarios; i++) {
		for (j = 0; j < targets->n; j++) {
			if (targets->array[j].scenario != opts->scenarios[i])
				continue;
			opts->scenarios[n++] = opts->scenarios[i];
			break;
		}
	}
	opts->n_scenarios = n;
	if (n == 0) {
		report_error("--targets: there are none for these scenarios");
		return -EINVAL;
	}

	return 0;
}

/* The allocators which the targets are about, references and null included. */
static int
choose_allocators(struct options *opts)
{
	const struct targets *targets = opts->targets;
	unsigned int i, j;

	if (opts->n_allocators > 0) {
		report_error("--allocators: these are given by --targets");
		return -EINVAL;
	}
	for (i = 0; allocators[i] != NULL; i++) {
		for (j = 0; j < targets->n; j++) {
			if (targets->array[j].allocator != allocators[i] &&
					targets->array[j].reference != allocators[i] &&
					allocators[i] != NULL_ALLOCATOR)
				continue;
			opts->allocators[opts->n_allocators++] = allocators[i];
			break;
		}
	}

	return 0;
}

/* Who calls what the targets are about, references included. */
static int
choose_callers(struct options *opts)
{
	const struct targets *targets = opts->targets;
	unsigned int i, j;

	if (opts->n_callers > 0) {
		report_error("--callers: these are given by --targets");
		return -EINVAL;
	}
	for (i = 0; callers[i] != NULL; i++) {
		for (j = 0; j < targets->n; j++) {
			if (targets->array[j].caller != callers[i] &&
					callers[i] != REFERENCE_CALLER)
				continue;
			opts->callers[opts->n_callers++] = callers[i];
			break;
		}
	}

	return 0;
}

static int
set_mempool_defaults(struct options *opts)
{
	if (opts->n_keeps == 0) {
		memcpy(opts->keeps, default_keeps, sizeof(default_keeps));
		opts->n_keeps = RTE_DIM(default_keeps);
	}
	if (opts->n_bulks == 0) {
		memcpy(opts->bulks, default_bulks, sizeof(default_bulks));
		opts->n_bulks = RTE_DIM(default_bulks);
	}
	if (opts->tolerance == 0)
		opts->tolerance = DEFAULT_TOLERANCE;
	if (opts->n_mempool_ops == 0)
		return 0;
	if (opts->rounds == 0)
		opts->rounds = MEMPOOL_ROUNDS;
	if (opts->duration == 0)
		opts->duration = MEMPOOL_DURATION;
	if (outputs_wanted(opts) || opts->targets != NULL) {
		report_error("--mempool-ops: neither with a file for results nor with --targets");
		return -EINVAL;
	}
	if (opts->n_mempool_ops == 1) {
		report_error("--mempool-ops: nothing to compare with");
		return -EINVAL;
	}

	return 0;
}

static int
check_net(const struct options *opts)
{
	unsigned int i;

	if (!opts->net)
		return 0;
	if (opts->targets != NULL || opts->n_mempool_ops > 0) {
		report_error("--net: neither with --targets nor with --mempool-ops");
		return -EINVAL;
	}
	for (i = 0; i < opts->n_allocators; i++)
		if (opts->allocators[i] == NULL_ALLOCATOR)
			return 0;
	report_error("--net: '%s' is not among the allocators",
		NULL_ALLOCATOR->name);

	return -EINVAL;
}

/* What was not given. */
static int
set_defaults(struct options *opts)
{
	const bool judging = opts->targets != NULL;
	unsigned int i;
	int ret = 0;

	if (opts->n_sizes == 0) {
		memcpy(opts->sizes, default_sizes, sizeof(default_sizes));
		opts->n_sizes = RTE_DIM(default_sizes);
	}
	if (opts->n_scenarios == 0)
		for (i = 0; scenarios[i] != NULL; i++)
			opts->scenarios[opts->n_scenarios++] = scenarios[i];
	if (judging) {
		ret = choose_scenarios(opts);
		if (ret == 0)
			ret = choose_allocators(opts);
		if (ret == 0)
			ret = choose_callers(opts);
	} else if (opts->n_allocators == 0) {
		for (i = 0; allocators[i] != NULL; i++)
			opts->allocators[opts->n_allocators++] = allocators[i];
	}
	if (opts->n_callers == 0)
		opts->callers[opts->n_callers++] = REFERENCE_CALLER;
	if (ret == 0)
		ret = set_mempool_defaults(opts);
	if (ret == 0)
		ret = check_net(opts);
	if (opts->rounds == 0)
		opts->rounds = judging ? TARGETS_ROUNDS : DEFAULT_ROUNDS;
	if (opts->duration == 0)
		opts->duration = judging ? TARGETS_DURATION : DEFAULT_DURATION;
	opts->min_rounds = RTE_MIN(opts->rounds, judging ?
			(unsigned int)TARGETS_MIN_ROUNDS : MIN_ROUNDS);

	return ret;
}

bool
options_by_caller(const struct options *opts)
{
	return opts->n_callers > 1 || opts->callers[0] != REFERENCE_CALLER;
}

int
options_parse(int argc, char **argv, struct options *opts)
{
	const char *other = NULL;
	int opt, ret, i;

	memset(opts, 0, sizeof(*opts));

	optind = 1;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", long_options, &i)) != -1) {
		if (opt == '?' || opt == ':') {
			report_error(opt == ':' ? "%s needs a value" :
				"unknown option '%s', see --help",
				argv[optind - 1]);
			return -EINVAL;
		}
		/* Its file may be an argument of its own. */
		if (opt == OPT_MEMORY && optarg == NULL && optind < argc &&
				argv[optind][0] != '-')
			optarg = argv[optind++];
		ret = parse_option(opt, optarg, opts);
		if (ret < 0)
			return ret;
		if (opt != OPT_COMPARE && opt != OPT_TOLERANCE)
			other = long_options[i].name;
	}
	if (opts->compare && !opts->help)
		return options_parse_compared(argc - optind, argv + optind,
				other, opts);
	if (optind < argc) {
		report_error("unexpected argument '%s', see --help",
			argv[optind]);
		return -EINVAL;
	}

	return options_trace(opts) < 0 ? -EINVAL : set_defaults(opts);
}
