#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-import.sh [--all] [DPDK_DIR]
#
# Import fastmem into a copy of a DPDK source tree, build the tree's unit tests
# and fastmem's example with DPDK's own build, and run fastmem's tests and the
# example. Without DPDK_DIR, the tree is that of Debian's source package dpdk,
# which is fetched (as root).
# Sources and builds are kept in build-import/, so that a second run is short.
#
#   --all   run all fast tests of fastmem's rather than a few of them
#   --help  show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

TEST_SECONDS=120

all=false
tree=

while [ $# -gt 0 ]; do
	case $1 in
	--all) all=true ;;
	-h | --help)
		usage
		exit 0
		;;
	-*) die "unknown option '$1', see --help" ;;
	*)
		[ -z "$tree" ] || die "more than one folder"
		tree=$(cd "$1" && pwd) || exit 1
		;;
	esac
	shift
done

# Fetch Debian's source package. The lists that apt knows may be of binary
# packages alone: ask the same servers, by lists of our own.
fetch_debian_source() {
	local apt=$DPDK_CACHE/apt
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	local -a options

	have dpkg-source || apt_install "unpacking a source package" dpkg-dev
	have apt-get || die "there is no apt-get to fetch Debian's source package with"
	rm -rf "$apt"
	mkdir -p "$apt/lists/partial" "$apt/parts"
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sort -u |
		while read -r site release component; do
			if [ -f "$keys" ]; then
				echo "deb-src [signed-by=$keys] $site $release $component"
			else
				echo "deb-src $site $release $component"
			fi
		done >"$apt/sources.list"
	[ -s "$apt/sources.list" ] || {
		apt_get update -q </dev/null >&2 || die "apt-get update failed"
		die "apt knows no package lists: try again"
	}
	options=(
		-o "Dir::Etc::SourceList=$apt/sources.list"
		-o "Dir::Etc::SourceParts=$apt/parts"
		-o "Dir::State::Lists=$apt/lists"
		-o "APT::Sandbox::User=root"
	)
	apt-get "${options[@]}" -q update </dev/null >&2 || die "no list of source packages"
	(cd "$DPDK_CACHE" && apt-get "${options[@]}" -q source --only-source --download-only dpdk \
		</dev/null >&2) || die "no source package"
	rm -rf "$apt"
}

if [ -z "$tree" ]; then
	tree=$DPDK_CACHE/debian
	if [ ! -f "$tree/VERSION" ]; then
		mkdir -p "$DPDK_CACHE"
		ls "$DPDK_CACHE"/dpdk_*.dsc >/dev/null 2>&1 || fetch_debian_source
		note "unpacking the source package"
		rm -rf "$tree"
		dpkg-source -x "$DPDK_CACHE"/dpdk_*.dsc "$tree" </dev/null >&2 ||
			die "no unpacked source"
	fi
	work=$DPDK_CACHE/debian
else
	work=$(dpdk_copy "$tree") || exit 1
fi

need_build_tools
need_dpdk_build_tools

"$ROOT/devtools/import-into-dpdk.sh" "$work" >&2
again=$("$ROOT/devtools/import-into-dpdk.sh" "$work")
[[ $again == *"nothing to change" ]] || die "a second import changed something: $again"

build=$work/build-fastmem
log=$(mktemp)
trap 'rm -f "$log"; eal_remove_files' EXIT

# the fewest drivers that DPDK's tests and the example do with
# shellcheck disable=SC2054 # commas within options
options=(
	-Ddefault_library=shared
	-Ddisable_drivers='*'
	-Denable_drivers=bus/pci,bus/vdev,mempool/fastmem,mempool/ring,net/null
	-Denable_apps=test,test-fastmem
	-Dexamples=fastmem
	-Dtests=true
	-Dwerror=true
	-Dbuildtype=plain
)
if grep -q "'check_includes'" "$work/meson_options.txt"; then
	options+=(-Dcheck_includes=true)
fi
if [ ! -f "$build/build.ninja" ]; then
	note "configuring DPDK $(cat "$work/VERSION")"
	quietly "$log" meson setup "${options[@]}" "$build" "$work" || die "meson failed"
else
	quietly "$log" meson configure "${options[@]}" "$build" || die "meson failed"
fi
note "building DPDK's unit tests and the example"
# all that is linked, and each of our headers, not of DPDK's, compiled alone
mapfile -t targets < <(ninja -C "$build" -t targets all | awk -F ': ' '
	$1 ~ /chkincs/ { if ($1 ~ /fastmem.*\.o$/) print $1; next }
	$2 ~ /_LINKER/ { print $1 }')
[ "${#targets[@]}" -ne 0 ] || die "there is nothing to build"
quietly "$log" ninja -C "$build" "${targets[@]}" || die "the build failed"

program=$build/app/dpdk-test
[ -x "$program" ] && [ ! -d "$program" ] || program=$build/app/test/dpdk-test

eal_base_args eal
if hugepages_usable 256; then
	note "running on hugepages"
else
	note "running without hugepages: $(hugepages_hint 256)"
	eal+=(--no-huge -m 512)
fi
if $all; then
	mapfile -t tests < <(list_tests FAST | awk '{ print $1 }')
else
	tests=(
		fastmem_autotest
		fastmem_elastic_autotest
		fastmem_elastic_load_autotest
		fastmem_mempool_autotest
	)
fi
for name in "${tests[@]}"; do
	result=0
	DPDK_TEST=$name timeout -k 5 "$TEST_SECONDS" "$program" "${eal[@]}" \
		-d "$build/drivers" </dev/null >"$log" 2>&1 || result=$?
	case $result in
	0) echo "DPDK $(cat "$work/VERSION"): $name passed" ;;
	77) echo "DPDK $(cat "$work/VERSION"): $name skipped" ;;
	*)
		tail -n 60 "$log" >&2
		die "$name: exit status $result"
		;;
	esac
done

result=0
timeout -k 5 "$TEST_SECONDS" "$build/examples/dpdk-fastmem" "${eal[@]}" -d "$build/drivers" \
	--vdev net_null0 -- --packets 100000 </dev/null >"$log" 2>&1 || result=$?
[ "$result" -eq 0 ] || {
	tail -n 60 "$log" >&2
	die "the example: exit status $result"
}
echo "DPDK $(cat "$work/VERSION"): the example passed"
