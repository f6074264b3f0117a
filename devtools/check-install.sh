#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/check-install.sh
#
# Install into folders of their own, once with the default prefix and once with
# another one, and build and run an application with nothing but what pkg-config
# says of libdpdk-fastmem: shared and static, C and C++. Then run one that knows
# of DPDK alone with the object that replaces rte_malloc() and with the one that
# records it, and build the example by its Makefile.

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
'') ;;
*) die "unexpected argument '$1'" ;;
esac

build=$ROOT/build-install
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT

need_build_tools
have c++ || apt_install "C++ applications are to be built, too" g++
have make || apt_install "the example has a Makefile" make
build_tree "$build" --prefix /usr/local >&2 || die "the build failed"

cat >"$tmp/app.c" <<'END'
#include <stdio.h>

#include <rte_eal.h>
#include <rte_fastmem.h>

int
main(int argc, char **argv)
{
	void *obj;

	if (rte_eal_init(argc, argv) < 0 || rte_fastmem_init() != 0)
		return 1;
	obj = rte_fastmem_alloc(64, 0, RTE_FASTMEM_F_ZERO);
	if (obj == NULL || rte_fastmem_usable_size(obj) != 64)
		return 1;
	rte_fastmem_free(obj);
	rte_fastmem_deinit();
	rte_eal_cleanup();
	return 0;
}
END
cp "$tmp/app.c" "$tmp/app.cc"

cat >"$tmp/malloc.c" <<'END'
#include <rte_eal.h>
#include <rte_malloc.h>

int
main(int argc, char **argv)
{
	void *obj;

	if (rte_eal_init(argc, argv) < 0)
		return 1;
	obj = rte_zmalloc("app", 1000, 0);
	if (obj == NULL)
		return 1;
	rte_free(obj);
	return rte_eal_cleanup();
}
END

# Does the loader get along with the program by itself?
run_app() {
	local base

	eal_base_args base
	timeout -k 5 60 "$@" "${base[@]}" --no-huge -m 64 --log-level=error </dev/null
}

# try LABEL COMPILER SOURCE LD_LIBRARY_PATH FLAGS...
try() {
	local label=$1 compiler=$2 source=$3 path=$4
	shift 4

	if ! "$compiler" -O2 -DALLOW_EXPERIMENTAL_API "$source" -o "$tmp/app" "$@" \
			>"$tmp/out" 2>&1; then
		step_fail "$label: does not build"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	elif ! run_app env "LD_LIBRARY_PATH=$path" "$tmp/app" >"$tmp/out" 2>&1; then
		step_fail "$label: does not run"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	else
		step_ok "$label"
	fi
}

# try_preload LABEL LIBDIR: replace rte_malloc() in an application.
try_preload() {
	local label=$1 libdir=$2 base
	local -a flags

	eal_base_args base
	read -r -a flags <<<"$(pkg-config --cflags --libs libdpdk)"
	if ! cc "$tmp/malloc.c" -o "$tmp/app" "${flags[@]}" >"$tmp/out" 2>&1; then
		step_fail "$label: does not build"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	elif ! timeout -k 5 60 env "LD_PRELOAD=$libdir/librte_fastmem_malloc.so" \
			FASTMEM_MALLOC_STATS=1 "$tmp/app" "${base[@]}" --no-huge -m 64 \
			</dev/null >"$tmp/out" 2>&1; then
		step_fail "$label: does not run"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	elif ! grep -q ' 1 allocations and 1 frees served by fastmem' "$tmp/out"; then
		step_fail "$label: fastmem did not serve it"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	else
		step_ok "$label"
	fi
}

# try_record LABEL LIBDIR: record the application of the last step.
try_record() {
	local label=$1 libdir=$2 base

	eal_base_args base
	if ! timeout -k 5 60 env "LD_PRELOAD=$libdir/librte_fastmem_trace.so" \
			"FASTMEM_TRACE=$tmp/trace" "$tmp/app" "${base[@]}" --no-huge -m 64 \
			</dev/null >"$tmp/out" 2>&1; then
		step_fail "$label: does not run"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	elif ! grep -q 'FASTMEM_TRACE: .* allocations and .* frees recorded' "$tmp/out"; then
		step_fail "$label: nothing was recorded"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	else
		step_ok "$label"
	fi
}

# try_example LABEL LIBDIR
try_example() {
	local label=$1 libdir=$2 base

	eal_base_args base
	cp -r "$ROOT/examples/fastmem" "$tmp/example"
	if ! PKG_CONFIG_PATH=$libdir/pkgconfig make -C "$tmp/example" >"$tmp/out" 2>&1; then
		step_fail "$label: does not build"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	elif ! timeout -k 5 60 env "LD_LIBRARY_PATH=$libdir" "$tmp/example/build/fastmem" \
			"${base[@]}" --no-huge -m 128 --log-level=error --vdev net_null0 -- \
			--allocator fastmem --packets 1000 </dev/null >"$tmp/out" 2>&1; then
		step_fail "$label: does not run"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	else
		step_ok "$label"
	fi
}

# An application cannot be linked to a static fastmem where it cannot be linked
# to a static DPDK, which needs more packages than Debian's libdpdk-dev asks for.
static_obstacle() {
	local -a flags

	read -r -a flags <<<"$(pkg-config --static --libs libdpdk 2>/dev/null)"
	if [ ${#flags[@]} -eq 0 ]; then
		echo "pkg-config has no static DPDK"
		return
	fi
	echo 'int main(void) { return 0; }' >"$tmp/empty.c"
	if ! cc "$tmp/empty.c" -o "$tmp/empty" "${flags[@]}" >"$tmp/out" 2>&1; then
		echo "DPDK alone does not link statically:" \
			"$(sed -n 's/.*\(cannot find [^:]*\).*/\1/p' "$tmp/out" | sort -u | xargs)"
	fi
}

# check_prefix LABEL PREFIX PLACE: what was installed for PREFIX is in PLACE.
check_prefix() {
	local label=$1 prefix=$2 place=$3
	local libdir pc flags static path=

	libdir=$(dirname "$(find "$place" -name librte_fastmem.a)")
	pc=$libdir/pkgconfig
	flags() {
		PKG_CONFIG_PATH=$pc pkg-config "$@" | sed "s| \(-[IL]\)$prefix| \1$place|g;
			s|^\(-[IL]\)$prefix|\1$place|"
	}

	# the loader knows the default prefix, but not its copy in our folder
	[ "$prefix" = "$place" ] || path=$libdir

	read -r -a flags <<<"$(flags --cflags --libs libdpdk-fastmem)"
	try "$label, shared, C" cc "$tmp/app.c" "$path" "${flags[@]}"
	try "$label, shared, C++" c++ "$tmp/app.cc" "$path" "${flags[@]}"
	if ! readelf -d "$tmp/app" | grep -q 'NEEDED.*librte_fastmem'; then
		step_fail "$label, shared: librte_fastmem.so is not used"
	fi
	if ! [ -e "$libdir/librte_mempool_fastmem.so" ]; then
		step_fail "$label: there is no plug-in of the mempool driver"
	elif LD_LIBRARY_PATH=$path ldd "$libdir/librte_mempool_fastmem.so" |
			grep 'not found'; then
		step_fail "$label: the plug-in of the mempool driver lacks libraries"
	fi
	try_preload "$label, preloaded" "$libdir"
	try_record "$label, recorded" "$libdir"
	read -r -a flags <<<"$(flags --cflags --libs libdpdk libdpdk-fastmem)"
	try "$label, after libdpdk" cc "$tmp/app.c" "$path" "${flags[@]}"

	static=$(static_obstacle)
	if [ -n "$static" ]; then
		step_skip "$label, static: $static"
		return
	fi
	read -r -a flags <<<"$(flags --static --cflags --libs libdpdk-fastmem)"
	try "$label, static, C" cc "$tmp/app.c" "" "${flags[@]}"
	if ! nm "$tmp/app" | grep -q ops_fastmem; then
		step_fail "$label, static: the mempool driver is not there"
	fi
	if readelf -d "$tmp/app" | grep -q 'NEEDED.*librte_'; then
		step_fail "$label, static: shared libraries of DPDK are used as well"
	fi
}

DESTDIR=$tmp/dest meson install -C "$build" </dev/null >"$tmp/out" 2>&1 || {
	cat "$tmp/out" >&2
	die "meson install failed"
}
check_prefix "default prefix" /usr/local "$tmp/dest/usr/local"

if ! { meson configure --prefix "$tmp/other" "$build" &&
		meson install -C "$build"; } </dev/null >"$tmp/out" 2>&1; then
	cat "$tmp/out" >&2
	die "meson install failed"
fi
check_prefix "another prefix" "$tmp/other" "$tmp/other"
try_example "another prefix, Makefile of the example" \
	"$(dirname "$(find "$tmp/other" -name librte_fastmem.a)")"
meson configure --prefix /usr/local "$build" </dev/null >/dev/null

step_summary
