#!/bin/sh
# Runs every fuzz target of a build with fuzzers for SECONDS each, on its
# corpus, and stops at the first finding.
#
#	mkdir build-fuzz && cd build-fuzz
#	../configure CC=clang --enable-fuzzers --enable-sanitizers && make
#	../tests/fuzz/run.sh 600
set -eu
seconds=${1-60}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in $(make -s print-fuzz-targets); do
	name=$(basename "$target" _fuzz)
	mkdir -p "$work/$name"
	seeds=
	[ ! -d "$here/corpus/$name" ] || seeds=$here/corpus/$name
	echo "== $name, $seconds s"
	# shellcheck disable=SC2086
	"./$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
	    -print_final_stats=1 -verbosity=0 "$work/$name" $seeds 2>&1 |
	    tee "$work/$name.log" | grep -E 'stat::|ERROR|SUMMARY|Assert' || :
	! grep -qE 'ERROR: |SUMMARY: |Assertion' "$work/$name.log" || {
		tail -n 60 "$work/$name.log"
		exit 1
	}
done
