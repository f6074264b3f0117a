/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_UTIL_H
#define TEST_FASTMEM_UTIL_H

/*
 * What the test suites of the fastmem library share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_fastmem.h>
#include <rte_thread.h>

#include "test.h"

#define FASTMEM_TEST_N_CLASSES 18
#define FASTMEM_TEST_SLAB_SIZE ((size_t)2 << 20)
#define FASTMEM_TEST_MAX_SIZE ((size_t)1 << 20)

/* The sizes of the objects of all classes. */
extern size_t fastmem_test_sizes[FASTMEM_TEST_N_CLASSES];

/* Suites which make up fastmem_autotest. */
extern struct unit_test_suite fastmem_api_testsuite;
extern struct unit_test_suite fastmem_misuse_testsuite;
extern struct unit_test_suite fastmem_object_testsuite;
extern struct unit_test_suite fastmem_color_testsuite;
extern struct unit_test_suite fastmem_kin_testsuite;
extern struct unit_test_suite fastmem_bulk_testsuite;
extern struct unit_test_suite fastmem_bulk_slabs_testsuite;
extern struct unit_test_suite fastmem_calls_testsuite;
extern struct unit_test_suite fastmem_backing_testsuite;

/* Another suite of fastmem_oom_autotest. */
extern struct unit_test_suite fastmem_oom_eal_testsuite;

/* Another suite of fastmem_threads_autotest. */
extern struct unit_test_suite fastmem_lcore_testsuite;

/* Another suite of fastmem_race_autotest. */
extern struct unit_test_suite fastmem_race_type_testsuite;

/* Other suites of fastmem_unregistered_autotest. */
extern struct unit_test_suite fastmem_outlive_testsuite;
extern struct unit_test_suite fastmem_kinds_testsuite;

/*
 * Run a suite. Unlike unit_test_suite_runner() it fails also when a teardown
 * found something wrong, and skips secondary processes.
 */
int
fastmem_test_run(struct unit_test_suite *suite);

/* Run suites, all of them unless one is skipped. Fails if any of them does. */
int
fastmem_test_run_all(struct unit_test_suite * const *suites, unsigned int n);

/* Note what memory EAL has given away, and initialize the library. */
int
fastmem_test_setup(void);

/* Audit, tear down, and expect all memory back at EAL. */
void
fastmem_test_teardown(void);

/* Like fastmem_test_teardown(), for a state that was damaged on purpose. */
void
fastmem_test_teardown_damaged(void);

/* Like fastmem_test_teardown(), when other processes have used EAL's heap. */
void
fastmem_test_teardown_shared(void);

/* Count memzones of the library. */
unsigned int
fastmem_test_count_zones(void);

/* The class that an object is expected to have. */
size_t
fastmem_test_class_of(size_t size, size_t align);

/*
 * Free an object by rte_fastmem_free_sized() with constants, which are the size
 * of its class and no alignment above a cache line's.
 */
void
fastmem_test_free_constant(void *obj, size_t class_size);

/*
 * Whether such an object is not looked up, if its class's cache has room: tried
 * out, as compilers that do not optimize for speed may not know constants.
 */
bool
fastmem_test_believes_constants(void);

/* Index of the class of a size, which is one of fastmem_test_sizes. */
unsigned int
fastmem_test_class_index(size_t class_size);

/* Check the usable size and the alignment of an object. */
int
fastmem_test_check_object(const void *obj, size_t size, size_t align);

/*
 * Write a content that depends on the address, the length and a seed, and
 * check it again. Of large objects only samples are written and checked.
 */
void
fastmem_test_fill(void *obj, size_t len, uint64_t seed);
int
fastmem_test_check(const void *obj, size_t len, uint64_t seed);

/* The same pointer, of which compilers know nothing. */
void *
fastmem_test_opaque(void *ptr);

/* Tell if all of some bytes have a value. */
bool
fastmem_test_all_bytes(const void *obj, size_t len, uint8_t value);

/* Sort objects by address. */
void
fastmem_test_sort(void **objs, size_t n);

/* Empty the caches of all lcores and the depots. */
int
fastmem_test_flush_all(void);

/* Flush, and expect that no object and no slab is in use any more. */
int
fastmem_test_all_back(void);

/* The socket that memory comes from when the caller does not choose. */
int
fastmem_test_socket(void);

/* Tell if EAL has no memory on a socket. */
bool
fastmem_test_socket_is_bare(int socket_id);

/* A socket number that does not exist but could, or -1. */
int
fastmem_test_missing_socket(void);

/* Allow this much backing on fastmem_test_socket(), no growth on others. */
int
fastmem_test_limit(size_t bytes);

/* Bytes of backing memory. */
uint64_t
fastmem_test_backing(void);

/* Objects of a class that are allocated. */
uint64_t
fastmem_test_in_use(size_t class_size);

/* Allocate objects of a class until there is no memory; returns how many. */
size_t
fastmem_test_exhaust(void **objs, size_t max, size_t class_size);

/* Free objects in bulks. */
void
fastmem_test_free_all(void **objs, size_t n);

/* Tell if EAL has a fixed amount of memory. */
bool
fastmem_test_bounded(void);

/* Tell if EAL shares its configuration with other processes. */
bool
fastmem_test_shared_config(void);

/* The library may say this in the case that runs. */
void
fastmem_test_log_expect(const char *text);

/* Catch what is logged; the text is to be freed. */
int
fastmem_test_log_start(void);
char *
fastmem_test_log_stop(void);

/* Count lines that contain a word ("" for all lines). */
unsigned int
fastmem_test_log_lines(const char *text, const char *word);

/* Run a function in a thread that has no lcore id; returns its result. */
int
fastmem_test_in_thread(int (*fn)(void *arg), void *arg);

/*
 * Run a function in a thread that has given up its caches because it ends.
 * Statistics are reset before.
 */
int
fastmem_test_in_bare_thread(int (*fn)(void *arg), void *arg);

/* Allocate and free, and expect that a thread has caches of its own. */
int
fastmem_test_check_caches(void *arg);

/* Expect bulks not to cross borders of magazines and slabs without need. */
int
fastmem_test_borders(void);

/*
 * Run a function on a worker lcore of the same socket or, if there is none, in
 * such a thread.
 */
int
fastmem_test_elsewhere(int (*fn)(void *arg), void *arg);

/* Next number of a pseudo-random series; the state must not be 0. */
uint64_t
fastmem_test_rand(uint64_t *state);

#endif /* TEST_FASTMEM_UTIL_H */
