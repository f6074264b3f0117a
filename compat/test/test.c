/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The test application beside an installed DPDK. Like DPDK's own it runs the
 * tests that are named in the environment variable DPDK_TEST or after EAL's
 * arguments, and asks for names on a prompt when there are none.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_eal.h>

#include <cmdline_rdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>
#include <cmdline_socket.h>
#include <cmdline.h>

#include "test.h"

#define NAME_SEPARATORS " ,\t\n"

const char *prgname;
int last_test_result;

static struct test_commands_list commands = TAILQ_HEAD_INITIALIZER(commands);
static struct test_commands_list actions = TAILQ_HEAD_INITIALIZER(actions);

static unsigned int n_passed;
static unsigned int n_failed;
static unsigned int n_skipped;

void
add_test_command(struct test_command *t)
{
	TAILQ_INSERT_TAIL(&commands, t, next);
}

void
add_test_action(struct test_command *t)
{
	TAILQ_INSERT_TAIL(&actions, t, next);
}

static struct test_command *
find_command(const struct test_commands_list *list, const char *name)
{
	struct test_command *t;

	TAILQ_FOREACH(t, list, next)
		if (strcmp(t->command, name) == 0)
			return t;
	return NULL;
}

/* Tell whether a name stands in a list of names. */
static bool
name_listed(const char *list, const char *name)
{
	size_t len;

	while (list != NULL && *list != '\0') {
		list += strspn(list, NAME_SEPARATORS);
		len = strcspn(list, NAME_SEPARATORS);
		if (len > 0 && len == strlen(name) && strncmp(list, name, len) == 0)
			return true;
		list += len;
	}
	return false;
}

static void
run_command(const struct test_command *t)
{
	int result;

	result = t->callback();
	last_test_result = result;
	if (result == TEST_SUCCESS) {
		n_passed++;
		printf("Test OK\n");
	} else if (result == TEST_SKIPPED) {
		n_skipped++;
		printf("Test Skipped\n");
	} else {
		n_failed++;
		printf("Test Failed\n");
	}
	fflush(stdout);
}

static void
run_name(const char *name)
{
	const struct test_command *t;

	t = find_command(&commands, name);
	if (t == NULL) {
		n_failed++;
		printf("Error: invalid test command: '%s'\n", name);
	} else if (name_listed(getenv("DPDK_TEST_SKIP"), name)) {
		n_skipped++;
		printf("Skipping %s [DPDK_TEST_SKIP]\n", name);
	} else {
		printf("Running %s\n", name);
		run_command(t);
	}
	fflush(stdout);
}

/* Run the tests named in a list, and return how many names it has. */
static unsigned int
run_names(const char *list)
{
	unsigned int n = 0;
	char *copy, *name, *save;

	if (list == NULL)
		return 0;
	copy = strdup(list);
	if (copy == NULL)
		rte_exit(EXIT_FAILURE, "No memory for a list of tests\n");
	for (name = strtok_r(copy, NAME_SEPARATORS, &save); name != NULL;
			name = strtok_r(NULL, NAME_SEPARATORS, &save)) {
		run_name(name);
		n++;
	}
	free(copy);

	return n;
}

static int
run_action(const char *name)
{
	const struct test_command *t;

	t = find_command(&actions, name);
	if (t == NULL) {
		printf("Error: no such action of a second instance: '%s'\n", name);
		return TEST_FAILED;
	}
	return t->callback();
}

struct cmd_name_result {
	cmdline_fixed_string_t name;
};

static void
cmd_test_parsed(void *parsed_result, __rte_unused struct cmdline *cl,
	__rte_unused void *data)
{
	const struct cmd_name_result *res = parsed_result;

	run_name(res->name);
}

static void
cmd_list_parsed(__rte_unused void *parsed_result, struct cmdline *cl,
	__rte_unused void *data)
{
	const struct test_command *t;

	TAILQ_FOREACH(t, &commands, next)
		cmdline_printf(cl, "%s\n", t->command);
}

static void
cmd_quit_parsed(__rte_unused void *parsed_result, struct cmdline *cl,
	__rte_unused void *data)
{
	cmdline_quit(cl);
}

/* The alternatives of the first are filled in by commands_init(). */
static cmdline_parse_token_string_t cmd_test_name =
	TOKEN_STRING_INITIALIZER(struct cmd_name_result, name, "");
static cmdline_parse_token_string_t cmd_list_name =
	TOKEN_STRING_INITIALIZER(struct cmd_name_result, name, "list");
static cmdline_parse_token_string_t cmd_quit_name =
	TOKEN_STRING_INITIALIZER(struct cmd_name_result, name, "quit");

static cmdline_parse_inst_t cmd_test = {
	.f = cmd_test_parsed,
	.help_str = "run a test",
	.tokens = { (void *)&cmd_test_name, NULL },
};

static cmdline_parse_inst_t cmd_list = {
	.f = cmd_list_parsed,
	.help_str = "list the tests",
	.tokens = { (void *)&cmd_list_name, NULL },
};

static cmdline_parse_inst_t cmd_quit = {
	.f = cmd_quit_parsed,
	.help_str = "leave the program",
	.tokens = { (void *)&cmd_quit_name, NULL },
};

static cmdline_parse_ctx_t main_ctx[] = {
	&cmd_test,
	&cmd_list,
	&cmd_quit,
	NULL,
};

static int
commands_init(void)
{
	const struct test_command *t;
	size_t len = 1;
	char *names;

	TAILQ_FOREACH(t, &commands, next)
		len += strlen(t->command) + 1;
	names = calloc(1, len);
	if (names == NULL)
		return -ENOMEM;
	TAILQ_FOREACH(t, &commands, next) {
		strcat(names, t->command);
		if (TAILQ_NEXT(t, next) != NULL)
			strcat(names, "#");
	}
	cmd_test_name.string_data.str = names;

	return 0;
}

static int
interact(void)
{
	struct cmdline *cl;

	if (commands_init() < 0)
		return -1;
	cl = cmdline_stdin_new(main_ctx, "RTE>>");
	if (cl == NULL)
		return -1;
	cmdline_interact(cl);
	cmdline_stdin_exit(cl);

	return 0;
}

/*
 * EAL's arguments may be continued in the environment. Return a copy of all of
 * them, which is EAL's to reorder and to keep pointers into.
 */
static char **
merge_arguments(int *argc, char **argv)
{
	const char *params = getenv("DPDK_TEST_PARAMS");
	static char **all, *copy; /* in use until the end */
	char *arg, *save;
	int n = 1;

	if (params == NULL)
		params = "";
	copy = strdup(params);
	all = calloc(*argc + strlen(params) / 2 + 2, sizeof(*all));
	if (copy == NULL || all == NULL)
		rte_exit(EXIT_FAILURE, "No memory for the arguments\n");

	/* options have to precede the names of tests */
	all[0] = argv[0];
	for (arg = strtok_r(copy, " ", &save); arg != NULL;
			arg = strtok_r(NULL, " ", &save))
		all[n++] = arg;
	memcpy(&all[n], &argv[1], (*argc - 1) * sizeof(*all));
	*argc += n - 1;

	return all;
}

int
main(int argc, char **argv)
{
	const char *action = getenv(RECURSIVE_ENV_VAR);
	unsigned int n_names;
	int ret, i;

	argv = merge_arguments(&argc, argv);
	prgname = argv[0];
	ret = rte_eal_init(argc, argv);
	if (ret < 0) {
		printf("Error with EAL initialization, ret = %d\n", ret);
		return EXIT_FAILURE;
	}

	if (action != NULL) {
		ret = run_action(action);
		rte_eal_cleanup();
		return ret == TEST_SUCCESS ? EXIT_SUCCESS : ret & 0xff;
	}

	n_names = run_names(getenv("DPDK_TEST"));
	for (i = ret + 1; i < argc; i++)
		n_names += run_names(argv[i]);
	ret = 0;
	if (n_names == 0)
		ret = interact();

	if (n_names > 0 || n_passed + n_failed + n_skipped > 0)
		printf("%u passed, %u failed, %u skipped\n", n_passed, n_failed, n_skipped);
	if (rte_eal_cleanup() != 0)
		ret = -1;
	if (ret != 0 || n_failed > 0)
		return EXIT_FAILURE;
	/* as DPDK's, for meson: nothing but skipped tests */
	return n_names > 0 && n_passed == 0 ? TEST_SKIPPED : EXIT_SUCCESS;
}
