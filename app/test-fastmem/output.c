/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

static const struct {
	/* The name of the option. */
	const char *name;
	int (*write)(FILE *f, const struct report *report);
} formats[N_OUTPUTS] = {
	[OUTPUT_JSON] = { "json", report_json },
	[OUTPUT_CSV] = { "csv", report_csv },
	[OUTPUT_MARKDOWN] = { "markdown", report_markdown },
};

int
output_parse(enum output output, const char *path, struct options *opts)
{
	const char *name = formats[output].name;
	unsigned int i;

	if (output == OUTPUT_JSON && !report_json_available()) {
		report_error("--%s: this program was built without Jansson",
			name);
		return -EINVAL;
	}
	if (path[0] == '\0') {
		report_error("--%s: the name of the file is empty", name);
		return -EINVAL;
	}
	for (i = 0; i < N_OUTPUTS; i++) {
		if (i == output || opts->outputs[i] == NULL ||
				strcmp(opts->outputs[i], path) != 0)
			continue;
		report_error("--%s: '%s' is the file of --%s already", name,
			path, formats[i].name);
		return -EINVAL;
	}
	opts->outputs[output] = path;

	return 0;
}

bool
outputs_wanted(const struct options *opts)
{
	unsigned int i;

	for (i = 0; i < N_OUTPUTS; i++)
		if (opts->outputs[i] != NULL)
			return true;

	return false;
}

/*
 * When a file is stdout, nothing else may be written there, yet EAL's log goes
 * there too in some releases: keep the file descriptor for the file alone, and
 * let stdout be stderr.
 */
static FILE *
take_stdout(void)
{
	FILE *f;
	int fd;

	fd = dup(STDOUT_FILENO);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f != NULL && dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		fclose(f);
		f = NULL;
	}

	return f;
}

/* With all that was in it before. */
static FILE *
open_file(const char *path)
{
	FILE *f;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT, 0666);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "w");
	if (f == NULL)
		close(fd);

	return f;
}

/* Paths may differ, and be those of one file. */
static bool
same_file(FILE *a, FILE *b)
{
	struct stat stat_a, stat_b;

	return fstat(fileno(a), &stat_a) == 0 &&
		fstat(fileno(b), &stat_b) == 0 &&
		S_ISREG(stat_a.st_mode) && stat_a.st_dev == stat_b.st_dev &&
		stat_a.st_ino == stat_b.st_ino;
}

static int
check_distinct(const struct outputs *outputs)
{
	unsigned int i, j;

	for (i = 0; i < N_OUTPUTS; i++) {
		for (j = 0; j < i; j++) {
			if (outputs->files[i] == NULL ||
					outputs->files[j] == NULL ||
					!same_file(outputs->files[i],
						outputs->files[j]))
				continue;
			report_error("--%s and --%s are one file",
				formats[j].name, formats[i].name);
			return -EINVAL;
		}
	}

	return 0;
}

/* What was opened by its path is overwritten from its beginning. */
static int
empty(FILE *f, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0 || fstat(fileno(f), &st) < 0 ||
			!S_ISREG(st.st_mode))
		return 0;

	return ftruncate(fileno(f), 0) < 0 ? -errno : 0;
}

int
outputs_open(const struct options *opts, struct outputs *outputs)
{
	const char *path;
	unsigned int i;
	int ret;

	memset(outputs, 0, sizeof(*outputs));
	for (i = 0; i < N_OUTPUTS; i++) {
		path = opts->outputs[i];
		if (path == NULL)
			continue;
		outputs->files[i] = strcmp(path, "-") == 0 ? take_stdout() :
			open_file(path);
		if (outputs->files[i] != NULL)
			continue;
		ret = -errno;
		report_error("cannot write to '%s': %s", path, strerror(-ret));
		return ret;
	}

	ret = check_distinct(outputs);
	for (i = 0; i < N_OUTPUTS && ret == 0; i++) {
		if (outputs->files[i] == NULL)
			continue;
		ret = empty(outputs->files[i], opts->outputs[i]);
		if (ret < 0)
			report_error("cannot write to '%s': %s",
				opts->outputs[i], strerror(-ret));
	}

	return ret;
}

int
outputs_write(const struct outputs *outputs, const struct report *report)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_OUTPUTS; i++) {
		if (outputs->files[i] == NULL ||
				formats[i].write(outputs->files[i], report) == 0)
			continue;
		report_error("cannot write to '%s'", report->opts->outputs[i]);
		ret = -EIO;
	}

	return ret;
}

int
outputs_close(const struct outputs *outputs, const struct options *opts)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_OUTPUTS; i++) {
		if (outputs->files[i] == NULL || fclose(outputs->files[i]) == 0)
			continue;
		report_error("cannot write to '%s'", opts->outputs[i]);
		ret = -EIO;
	}

	return ret;
}
