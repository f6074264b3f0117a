#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# shellcheck disable=SC1003,SC2016 # a backslash before a quote; awk's dollars

# Usage: devtools/import-into-dpdk.sh DPDK_DIR
#
# Copy fastmem into a DPDK source tree, from 22.11 up to main, and register it
# there: in the lists of libraries, applications, examples and unit tests, in
# the main meson.build for the object to be preloaded, in the documents and
# indexes, and in MAINTAINERS. DPDK's own build makes it then.
#
# A second run changes nothing, or refreshes what has changed here. A tree that
# is not understood is left as it is. In a tree older than main, the headers of
# compat/ are copied along, into lib/fastmem/compat.

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
esac
[ $# -eq 1 ] || die "one argument is needed, the folder of a DPDK source tree"
[ -d "$1" ] || die "'$1' is no folder"
dpdk=$(cd "$1" && pwd)
[ "$dpdk" != "$ROOT" ] || die "'$1' is this very tree"

# Everything is made up in this folder first, and copied at the end, so that
# nothing has been written when something turns out not to fit.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

refuse() {
	die "'$dpdk' is not recognised as a source tree of DPDK 22.11 or later: $*;" \
		"nothing was changed"
}

# Get a file of the DPDK tree for editing.
edit() {
	[ -f "$stage/$1" ] && return
	[ -f "$dpdk/$1" ] || refuse "no file $1"
	mkdir -p "$stage/$(dirname "$1")"
	cp "$dpdk/$1" "$stage/$1"
}

# Replace a file that is being edited by what a filter makes of it.
# filter FILE COMMAND...
filter() {
	local file=$stage/$1
	shift

	"$@" <"$file" >"$stage/.new" || return 1
	cat "$stage/.new" >"$file"
	rm "$stage/.new"
}

tree_has() {
	grep -qs -- "$2" "$dpdk/$1"
}

# Enter a line into a list in its alphabetical place. A list starts below the
# first line that equals START and ends above the next that equals END (both
# extended regular expressions for the whole line); the line goes before the
# first one whose key, the first match of KEY, is greater than its own. An entry
# of the same key that is there already is replaced.
# enter_sorted FILE START END KEY LINE [AFTER]
# With AFTER, the place is behind the line of that key, if there is one.
enter_sorted() {
	local file=$1

	edit "$file"
	START="^($2)\$" END="^($3)\$" KEY=$4 LINE=$5 AFTER=${6:-} filter "$file" awk '
		BEGIN {
			start = ENVIRON["START"]
			end = ENVIRON["END"]
			key = ENVIRON["KEY"]
			line = ENVIRON["LINE"]
			after = ENVIRON["AFTER"]
		}
		function key_of(s) {
			return match(s, key) ? substr(s, RSTART, RLENGTH) : ""
		}
		{ lines[NR] = $0 }
		END {
			new = key_of(line)
			for (n = 1; n <= NR && lines[n] !~ start; n++)
				;
			first = n + 1
			for (n = first; n <= NR && lines[n] !~ end; n++) {
				if (key_of(lines[n]) == new)
					lines[n] = "\001"
			}
			last = n - 1
			if (first > NR || last >= NR)
				exit 3
			place = 0
			if (after != "") {
				for (n = first; n <= last; n++)
					if (key_of(lines[n]) == after)
						place = n + 1
			}
			for (n = first; n <= last && place == 0; n++) {
				if (lines[n] != "\001" && key_of(lines[n]) > new)
					place = n
			}
			if (place == 0)
				place = last + 1
			for (n = 1; n <= NR; n++) {
				if (n == place)
					print line
				if (lines[n] != "\001")
					print lines[n]
			}
		}' || refuse "no list '$2' in $file"
}

# Enter a line behind the first line that matches, unless it is there.
# enter_behind FILE REGEX LINE
enter_behind() {
	edit "$1"
	grep -qxF -- "$3" "$stage/$1" && return
	REGEX=$2 LINE=$3 filter "$1" awk '
		{ print }
		!done && $0 ~ ENVIRON["REGEX"] { print ENVIRON["LINE"]; done = 1 }
		END { if (!done) exit 3 }' || refuse "nothing like '$2' in $1"
}

# Copy a file of this tree, under its own name or another one.
copy() {
	local to=${2:-$1}

	mkdir -p "$stage/$(dirname "$to")"
	cp "$ROOT/$1" "$stage/$to"
}

# What does this tree lack of main? Sets needs_compat, if anything.
detect_features() {
	local version

	[ -f "$dpdk/VERSION" ] || refuse "no file VERSION"
	version=$(head -n 1 "$dpdk/VERSION")
	[[ $version =~ ^[0-9][0-9]\.[0-9][0-9]\. ]] || refuse "its VERSION is '$version'"
	release=${version:0:5}
	if [ "${release/./}" -lt 2211 ]; then
		refuse "its VERSION is $version"
	fi
	tree_has meson.build "^project('DPDK'" || refuse "its meson.build is not DPDK's"
	[ -w "$dpdk" ] || die "no permission to write to '$dpdk'"

	has_export=false
	if [ -f "$dpdk/buildtools/gen-version-map.py" ] &&
			tree_has lib/meson.build gen_version_map; then
		has_export=true
	fi

	needs_compat=false
	local eal=lib/eal/include
	$has_export &&
		tree_has $eal/rte_stdatomic.h rte_atomic_load_explicit &&
		tree_has $eal/rte_lock_annotations.h __rte_requires_capability &&
		tree_has $eal/rte_bitops.h rte_ctz64 &&
		tree_has $eal/rte_common.h "define RTE_CACHE_GUARD " &&
		tree_has $eal/rte_common.h "define __rte_dealloc(" &&
		tree_has lib/log/rte_log.h "define RTE_LOG_LINE(" &&
		tree_has app/test/test.h test_scale_iterations &&
		tree_has app/test/test.h REGISTER_STRESS_TEST ||
		needs_compat=true
}

import_library() {
	local file

	for file in "$ROOT"/lib/fastmem/*; do
		copy "lib/fastmem/$(basename "$file")"
	done

	# it depends on nothing but EAL; the place is that of its name
	enter_sorted lib/meson.build "libraries = \[" "\]" "'[a-z_]+'" \
		"        'fastmem'," "$(library_before)"
	if tree_has lib/meson.build "^optional_libs = \["; then
		enter_sorted lib/meson.build "optional_libs = \[" "\]" "'[a-z_]+'" \
			"        'fastmem',"
	fi

	$has_export ||
		"$ROOT/compat/gen-version-map.py" --abi-version "$dpdk/ABI_VERSION" \
			--output "$stage/lib/fastmem/version.map" "$ROOT"/lib/fastmem/*.c
	$needs_compat || return 0

	for file in "$ROOT"/compat/include/*; do
		copy "compat/include/$(basename "$file")" "lib/fastmem/compat/$(basename "$file")"
	done
	# this one is for the public headers, and stands beside them
	mv "$stage/lib/fastmem/compat/rte_fastmem_compat.h" "$stage/lib/fastmem"
	for file in "$ROOT"/lib/fastmem/rte_*.h; do
		"$ROOT/compat/include-compat.py" "$file" \
			"$stage/lib/fastmem/$(basename "$file")"
	done
	cat >>"$stage/lib/fastmem/meson.build" <<-'END'

		# what this release of DPDK lacks
		indirect_headers += files('rte_fastmem_compat.h')
		cflags += '-I' + dpdk_source_root / 'lib/fastmem/compat'
	END
}

import_driver() {
	local dir=drivers/mempool/fastmem
	local file

	for file in "$ROOT/$dir"/*; do
		copy "$dir/$(basename "$file")"
	done
	enter_sorted drivers/mempool/meson.build "drivers = \[" "\]" "'[a-z_0-9]+'" \
		"        'fastmem',"
	$has_export || ! grep -qs '^RTE_EXPORT_' "$ROOT/$dir"/*.c ||
		"$ROOT/compat/gen-version-map.py" --abi-version "$dpdk/ABI_VERSION" \
			--output "$stage/$dir/version.map" "$ROOT/$dir"/*.c
	$needs_compat || return 0

	for file in "$ROOT/$dir"/rte_*.h; do
		[ ! -f "$file" ] ||
			"$ROOT/compat/include-compat.py" "$file" "$stage/$dir/$(basename "$file")"
	done
	cat >>"$stage/$dir/meson.build" <<-'END'

		# what this release of DPDK lacks
		foreach dir : ['lib/fastmem/compat', 'lib/fastmem']
		    cflags += '-I' + dpdk_source_root / dir
		endforeach
	END
}

# The object to be preloaded is built when all libraries are.
import_preload() {
	local file

	for file in "$ROOT"/lib/fastmem_malloc/*; do
		copy "lib/fastmem_malloc/$(basename "$file")"
	done
	enter_behind meson.build "^subdir\\('drivers'\\)$" "subdir('lib/fastmem_malloc')"
	if $needs_compat; then
		enter_behind lib/fastmem_malloc/meson.build "^cflags = " \
			"cflags += '-I' + dpdk_source_root / 'lib/fastmem/compat'"
	fi
}

# The library behind which ours stands: dispatcher is not everywhere.
library_before() {
	if tree_has lib/meson.build "^        'dispatcher',"; then
		echo "'dispatcher'"
	else
		echo "'eventdev'"
	fi
}

import_app() {
	local file

	for file in "$ROOT"/app/test-fastmem/*; do
		copy "app/test-fastmem/$(basename "$file")"
	done
	enter_sorted app/meson.build "apps = \[" "\]" "'[a-z-]+'" "        'test-fastmem',"
	if $needs_compat; then
		cat >>"$stage/app/test-fastmem/meson.build" <<-'END'

			# what this release of DPDK lacks
			cflags += '-I' + dpdk_source_root / 'lib/fastmem/compat'
		END
	fi
}

import_example() {
	local file

	for file in "$ROOT"/examples/fastmem/*; do
		[ -f "$file" ] || continue
		copy "examples/fastmem/$(basename "$file")"
	done
	enter_sorted examples/meson.build "all_examples = \[" "\]" "'[a-z0-9_/-]+'" \
		"        'fastmem',"
}

# The entries of our source_file_deps, as "FILE|LINE".
test_entries() {
	sed -n "s/^    '\(test_fastmem[a-z0-9_]*\.c\)': .*/\1|&/p" "$ROOT/app/test/meson.build"
}

# The files of tests that need our driver, or by -v those that do not.
test_files() {
	test_entries | grep "$@" "'mempool_fastmem'" | cut -d '|' -f 1
}

# The fast tests of a list of files, as lines of DPDK's list.
fast_tests_in() {
	local file name nohuge asan

	while read -r name nohuge asan; do
		for file in "$@"; do
			grep -q "^REGISTER_FAST_TEST($name," "$ROOT/app/test/$file" || continue
			[ "$nohuge" = NOHUGE_OK ] && nohuge=true || nohuge=false
			[ "$asan" = ASAN_OK ] && asan=true || asan=false
			echo "        ['$name', $nohuge, $asan],"
		done
	done < <(list_tests FAST)
}

# Older releases know of no dependency of a single test: those which need the
# driver stand behind a condition.
import_driver_tests() {
	local build=$1
	local -a files

	mapfile -t files < <(test_files)
	[ ${#files[@]} -gt 0 ] || return 0
	BLOCK=$(
		echo "if dpdk_conf.has('RTE_MEMPOOL_FASTMEM')"
		echo "    test_deps += 'mempool_fastmem'"
		echo "    test_sources += files("
		printf "        '%s',\n" "${files[@]}"
		echo "    )"
		echo "    fast_tests += ["
		fast_tests_in "${files[@]}"
		echo "    ]"
		echo "endif"
	) filter "$build" awk '
		/^if dpdk_conf.has\(.RTE_MEMPOOL_RING.\)/ && !done {
			print ENVIRON["BLOCK"]
			done = 1
		}
		{ print }
		END { if (!done) exit 3 }' || refuse "no drivers for tests in $build"
}

import_tests() {
	local build=app/test/meson.build
	local -a files
	local file line name

	for file in "$ROOT"/app/test/test_fastmem*; do
		copy "app/test/$(basename "$file")"
	done

	# forget the entries of files that are gone
	edit $build
	filter $build sed "/^if dpdk_conf.has('RTE_MEMPOOL_FASTMEM')/,/^endif/d"
	filter $build sed "/^ *'test_fastmem[a-z0-9_]*\.c'/d; /^ *\[*'fastmem_[a-z0-9_]*'/d"

	if tree_has $build "^source_file_deps = {"; then
		while IFS='|' read -r file line; do
			enter_sorted $build "source_file_deps = {" "}" "'test_[a-z0-9_]+\.c'" "$line"
		done < <(test_entries)
	elif tree_has $build "^test_sources = files("; then
		mapfile -t files < <(test_files -v)
		for file in "${files[@]}"; do
			enter_sorted $build "test_sources = files\(" "\)" "'test_[a-z0-9_]+\.c'" \
				"        '$file',"
		done
		while IFS= read -r line; do
			enter_behind $build "^        \['event_ring_autotest'," "$line"
		done < <(fast_tests_in "${files[@]}" | tac)
		import_driver_tests $build
		while read -r name; do
			enter_behind $build "^        'mempool_perf_autotest'," "        '$name',"
		done < <(list_tests PERF)
		while read -r name; do
			enter_behind $build "^extra_test_names = \[" "        '$name',"
		done < <(list_tests STRESS)
	else
		refuse "no list of tests in $build"
	fi

	# the flags of tests had other names
	if ! tree_has app/test/test.h NOHUGE_OK; then
		for file in "$stage"/app/test/test_fastmem*.c; do
			sed -i '/^REGISTER_FAST_TEST/{
				s/NOHUGE_OK/true/
				s/NOHUGE_SKIP/false/
				s/ASAN_OK/true/
				s/ASAN_SKIP/false/
			}' "$file"
		done
	fi

	$needs_compat || return 0
	copy compat/test/test_fastmem_compat.h app/test/test_fastmem_compat.h
	enter_behind $build "^cflags [+]= .*ALLOW_INTERNAL_API" \
		"cflags += '-I' + dpdk_source_root / 'lib/fastmem/compat'"
	edit app/test/test.h
	grep -q test_fastmem_compat.h "$stage/app/test/test.h" ||
		filter app/test/test.h awk '
			{ lines[NR] = $0 }
			/^#endif/ { last = NR }
			END {
				if (!last)
					exit 3
				for (n = 1; n <= NR; n++) {
					if (n == last)
						print "#include \"test_fastmem_compat.h\"\n"
					print lines[n]
				}
			}' || refuse "no #endif in app/test/test.h"
}

import_documents() {
	local guides=doc/guides
	local file notes

	# there may be more of them than these, such as figures
	while read -r file; do
		copy "$file"
	done < <(cd "$ROOT" && find $guides -type f -name '*fastmem*' ! -path '*/rel_notes/*')

	enter_behind doc/api/doxy-api-index.md '^  \[mempool\]\(@ref rte_mempool.h\),' \
		'  [fastmem](@ref rte_fastmem.h),'
	enter_behind doc/api/doxy-api-index.md '^  \[fastmem\]\(@ref rte_fastmem.h\),' \
		'  [fastmem malloc](@ref rte_fastmem_malloc.h),'
	enter_behind doc/api/doxy-api-index.md '^  \[fastmem malloc\]\(@ref rte_fastmem_malloc.h\),' \
		'  [fastmem mempool](@ref rte_fastmem_mempool.h),'
	enter_behind doc/api/doxy-api-index.md '^  \[fastmem mempool\]\(@ref rte_fastmem_mempool.h\),' \
		'  [fastmem elastic pools](@ref rte_mempool_fastmem.h),'
	enter_sorted doc/api/doxy-api.conf.in '.*@TOPDIR@/doc/api/doxy-api-index.md .*' \
		'.*@TOPDIR@/lib/.*' 'drivers/[a-z0-9_/]+ ' \
		'                          @TOPDIR@/drivers/mempool/fastmem \'
	enter_sorted doc/api/doxy-api.conf.in '.*@TOPDIR@/lib/eal/include/generic .*' \
		'[A-Z].*' 'lib/[a-z_]+ ' \
		'                          @TOPDIR@/lib/fastmem \'
	if [ -f "$ROOT/$guides/prog_guide/fastmem_lib.rst" ]; then
		enter_behind $guides/prog_guide/index.rst '^    mempool_lib$' '    fastmem_lib'
	fi
	if [ -f "$ROOT/$guides/tools/testfastmem.rst" ]; then
		enter_behind $guides/tools/index.rst '^    testeventdev$' '    testfastmem'
	fi

	if [ -f "$ROOT/$guides/mempool/fastmem.rst" ]; then
		enter_behind $guides/mempool/index.rst '^    cnxk$' '    fastmem'
		enter_behind $guides/mempool/index.rst '^    fastmem$' '    fastmem_elastic'
	fi
	if [ -f "$ROOT/$guides/sample_app_ug/fastmem.rst" ]; then
		enter_behind $guides/sample_app_ug/index.rst '^    flow_filtering$' '    fastmem'
	fi

	notes=$guides/rel_notes/release_${release/./_}.rst
	edit "$notes"
	filter "$notes" awk -v snippet="$ROOT/$guides/rel_notes/fastmem.inc" '
		function put_note(	text, line) {
			while ((getline line < snippet) > 0)
				if (line !~ /^\.\.|^    *(SPDX|Copyright)/ && (text != "" || line != ""))
					text = text line "\n"
			sub(/\n+$/, "\n", text)
			printf "\n%s\n\n", text
		}
		{ lines[NR] = $0 }
		END {
			for (n = 1; n < NR; n++) {
				if (lines[n + 1] ~ /^---+$/ && lines[n] == "New Features")
					first = n + 2
				else if (lines[n + 1] ~ /^---+$/ && first && !next_section)
					next_section = n
			}
			if (!next_section)
				exit 3
			# our note of an earlier run
			for (n = first; n < next_section; n++) {
				if (lines[n] ~ /^\* \*\*Added fastmem /)
					ours = 1
				else if (lines[n] ~ /^[^ ]/)
					ours = 0
				if (ours)
					lines[n] = "\001"
			}
			for (last = next_section - 1; lines[last] == "" || lines[last] == "\001"; last--)
				;
			for (n = 1; n <= NR; n++) {
				if (n <= last || n >= next_section) {
					if (lines[n] != "\001")
						print lines[n]
				}
				if (n == last)
					put_note()
			}
		}' || refuse "no section 'New Features' in $notes"
}

# Our section of MAINTAINERS, without the paths that have no file yet.
maintainers_section() {
	local line

	sed -n '/^Fastmem - EXPERIMENTAL$/,/^$/p' "$ROOT/MAINTAINERS" |
		while read -r line; do
			if [[ $line != F:* ]] || compgen -G "$ROOT/${line#F: }" >/dev/null; then
				echo "$line"
			fi
		done
}

# It stands behind that of the mempool library.
import_maintainers() {
	local name

	edit MAINTAINERS
	SECTION=$(maintainers_section) filter MAINTAINERS awk '
		/^Fastmem - EXPERIMENTAL$/ { skip = 1 }
		!skip { print }
		skip && /^$/ { skip = 0 }
		/^Memory pool$/ { behind = 1 }
		behind && /^$/ { print ENVIRON["SECTION"] "\n"; behind = 0; done = 1 }
		END { if (!done) exit 3 }' || refuse "no section 'Memory pool' in MAINTAINERS"

	[ -f "$dpdk/.mailmap" ] || return 0
	edit .mailmap
	while read -r name; do
		grep -qxF -- "$name" "$stage/.mailmap" && continue
		LINE=$name filter .mailmap awk '
			BEGIN { line = ENVIRON["LINE"] }
			# an accented letter sorts with its plain one, not behind z
			!done && !/[^ -~]/ && tolower($0) > tolower(line) { print line; done = 1 }
			{ print }
			END { if (!done) print line }'
	done <"$ROOT/.mailmap"
}

# Copy what is new or different, and remove what was ours and is no longer.
install_staged() {
	local file changed=0

	while read -r file; do
		if ! cmp -s "$stage/$file" "$dpdk/$file"; then
			mkdir -p "$(dirname "$dpdk/$file")"
			# not over the file, which may be a hard link elsewhere too
			cp "$stage/$file" "$dpdk/$file.fastmem-new"
			[ ! -x "$dpdk/$file" ] || chmod +x "$dpdk/$file.fastmem-new"
			mv "$dpdk/$file.fastmem-new" "$dpdk/$file"
			changed=$((changed + 1))
		fi
	done < <(cd "$stage" && find . -type f | sed 's|^\./||' | sort)

	while read -r file; do
		[ -f "$stage/$file" ] && continue
		grep -qs 'The fastmem authors' "$dpdk/$file" || continue
		rm "$dpdk/$file"
		changed=$((changed + 1))
	done < <(cd "$dpdk" && find lib/fastmem lib/fastmem_malloc drivers/mempool/fastmem \
		app/test-fastmem app/test/test_fastmem* examples/fastmem -type f 2>/dev/null)

	if [ "$changed" -eq 0 ]; then
		echo "$dpdk: nothing to change"
	else
		echo "$dpdk: $changed files written"
	fi
}

detect_features
import_library
import_driver
import_preload
import_app
import_example
import_tests
import_documents
import_maintainers
install_staged
