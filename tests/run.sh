#!/bin/sh
# Runs test suites and closes with one line, the sum over all of them:
#
#	N passed, N failed, N skipped
#
# usage: tests/run.sh SUITE...
#	layers		the include directions (tests/layers.sh)
#	unit:DIR	the programs of UNIT_TESTS, built in DIR; the session
#			scripts (tests/smtp) are run by one of them
#	e2e:DIR		tests/e2e with the gateway built in DIR
#	core:DIR	only those of tests/e2e that are marked `core`
#	vectors:DIR	other people's cases (tests/vectors), judged by the
#			programs built in DIR
#	dist:DIR	make distcheck in DIR: the archive builds, passes its
#			unit tests, installs and uninstalls
#	fuzz:DIR	the fuzz targets built in DIR: over their corpus, and on
#			from there for a few seconds
#
# Exit status 1 if anything failed, and with CI=true if anything was skipped:
# on a machine that was set up by autogen.sh nothing has a reason to be.
# Every suite is bounded in time; one that runs out of it has failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
from=$PWD
cd "$top" || exit 1	# tests look for their files in the source tree
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

UNIT_SECONDS=${UNIT_SECONDS-180}	# each program
FUZZ_SECONDS=${FUZZ_SECONDS-3}		# each target
JOBS=${JOBS-2}				# programs at a time
E2E_SECONDS=${E2E_SECONDS-900}		# the whole of tests/e2e
E2E_JOBS=${E2E_JOBS-5}	# these tests wait twice as long as they work

# A finding of a sanitizer ends the program, with a backtrace.
export ASAN_OPTIONS="${ASAN_OPTIONS-detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS-print_stacktrace=1:halt_on_error=1}"
export PYTHONDONTWRITEBYTECODE=1
# Found from everywhere, the unpacked archive of `make distcheck` included.
if [ -z "${FOREPOST_VECTORS-}" ] && [ -d "$top/../shared/vectors" ]; then
	FOREPOST_VECTORS=$(cd "$top/../shared/vectors" && pwd)
	export FOREPOST_VECTORS
fi
# Servers that tests run (tests/e2e/peers.sh); the same.
if [ -z "${FOREPOST_PEERS-}" ] && [ -d "$top/build/peers" ]; then
	export FOREPOST_PEERS="$top/build/peers"
fi
unset MAKEFLAGS MAKELEVEL	# what `make check` says to itself

passed=0
failed=0
skipped=0
: >"$work/failures"

# count PASSED FAILED SKIPPED
count()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

# failure NAME WHY
failure()
{
	count 0 1 0
	echo "$1: $2" >>"$work/failures"
}

absolute()
{
	case $1 in
	/*)	echo "$1" ;;
	*)	echo "$from/$1" ;;
	esac
}

# bounded SECONDS COMMAND...: 124 or 137 is "out of time".
bounded()
{
	timeout -k 10 "$@" </dev/null
}

run_layers()
{
	if "$here/layers.sh"; then
		count 1 0 0
	else
		failure layers "an include points up"
	fi
}

# output_of PROGRAM: where what it said is, and (.status) how it ended.
output_of()
{
	echo "$work/$(echo "$1" | tr / _)"
}

# run_each SCRIPT DIR PROGRAM...: the script is given the directory, the program
# and where its output goes; some run at a time.
run_each()
{
	script=$1 dir=$2
	shift 2
	export work script dir
	# shellcheck disable=SC2016
	printf '%s\n' "$@" | xargs -P "$JOBS" -I{} sh -c '
		out=$work/$(echo "$1" | tr / _)
		sh -c "$script" "$1" "$dir" "$1" "$out" </dev/null \
		    >"$out" 2>&1
		echo $? >"$out.status"' sh {}
}

# A unit test's last line is "N passed, N failed, N skipped".
run_unit()
{
	# The session scripts take longest, so that they come first.
	programs=$(make -s --no-print-directory -C "$1" print-unit-tests |
	    tr ' ' '\n' | sort -r)
	[ -n "$programs" ] || {
		failure "unit:$1" "no list of tests"
		return
	}
	export UNIT_SECONDS
	# shellcheck disable=SC2016,SC2086
	run_each 'exec timeout -k 10 "$UNIT_SECONDS" "$1/$2"' "$1" $programs
	for p in $programs; do
		out=$(output_of "$p")
		status=$(cat "$out.status")
		last=$(tail -n 1 "$out")
		# shellcheck disable=SC2046
		set -- "$1" $(echo "$last" | sed -n \
		    's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
		if [ $# -eq 4 ]; then
			echo "$p: $last"
			count "$2" "$3" "$4"
			[ "$3" -eq 0 ] || echo "$1/$p: $3 failed" \
			    >>"$work/failures"
			[ "$4" -eq 0 ] || grep -i skip "$out"
			[ "$status" -eq 0 ] || [ "$3" -ne 0 ] ||
			    failure "$1/$p" "exit status $status"
		else
			echo "$p: no closing line"
			failure "$1/$p" "exit status $status, no closing line"
		fi
		[ "$status" -eq 0 ] || tail -n 60 "$out"
		set -- "$1"
	done
}

run_dist()
{
	if bounded 900 make -s -j2 -C "$1" distcheck >"$work/out" 2>&1; then
		tail -n 4 "$work/out"
		count 1 0 0
	else
		tail -n 60 "$work/out"
		failure "dist:$1" "make distcheck failed"
	fi
}

# Findings stay in DIR. New inputs are not kept: a corpus in the source tree is
# small and chosen.
run_fuzz()
{
	targets=$(make -s --no-print-directory -C "$1" \
	    print-fuzz-targets) || {
		failure "fuzz:$1" "no list of targets"
		return
	}
	export FUZZ_SECONDS here
	# shellcheck disable=SC2016,SC2086
	run_each 'name=$(basename "$2" _fuzz)
		mkdir -p "$3.corpus"
		cd "$1" && exec timeout -k 10 $((FUZZ_SECONDS + 60)) "./$2" \
		    -max_total_time="$FUZZ_SECONDS" -timeout=10 -verbosity=0 \
		    "$3.corpus" $(find "$here/fuzz/corpus/$name" \
		    -maxdepth 0 -type d 2>/dev/null)' "$1" $targets
	for t in $targets; do
		out=$(output_of "$t")
		if [ "$(cat "$out.status")" -eq 0 ]; then
			echo "$t: nothing found"
			count 1 0 0
		else
			tail -n 60 "$out"
			failure "$1/$t" "see above"
		fi
	done
}

# number WORD: the N of "N WORD" in pytest's closing line, or 0.
number()
{
	n=$(tail -n 1 "$work/out" | sed -n "s/^\(.*[^0-9]\)*\([0-9][0-9]*\) $1.*/\2/p")
	echo "${n:-0}"
}

# named NAME FAILED: each of them by its name and its first line, since whoever
# reads may have the end alone.
named()
{
	[ "$2" -gt 0 ] || return
	echo "$1: $2 failed"
	grep -E '^(FAILED|ERROR) ' "$work/out" | cut -c 1-500
}

# run_e2e DIR PYTEST-ARGUMENTS...
run_e2e()
{
	dir=$1
	shift
	export FOREPOST_BIN="$dir/forepost"
	export FOREPOST_PEERS="${FOREPOST_PEERS-$top/build/peers}"
	/usr/bin/python3 -c 'import xdist' 2>/dev/null &&
	    set -- -n "$E2E_JOBS" --dist loadfile "$@"
	# No -q: the log shows each test by its name.
	bounded "$E2E_SECONDS" /usr/bin/python3 -m pytest -v "$@" \
	    "$here/e2e" >"$work/out" 2>&1
	status=$?
	cat "$work/out"
	p=$(number passed)
	f=$(($(number failed) + $(number error)))
	s=$(number skipped)
	count "$p" "$f" "$s"
	named "e2e in $dir" "$f" >>"$work/failures"
	case $status in
	0|1)	[ $((p + f)) -gt 0 ] || failure "e2e in $dir" "no test ran" ;;
	*)	failure "e2e in $dir" "pytest ended with status $status" ;;
	esac
}

# run_vectors DIR: a folder of cases that is not there is a failure.
run_vectors()
{
	make -s -C "$1" judges || {
		failure "vectors:$1" "the judges cannot be built"
		return
	}
	export FOREPOST_JUDGES="$1/tests/vectors"
	bounded "$E2E_SECONDS" /usr/bin/python3 -m pytest -q -p no:cacheprovider \
	    "$here/vectors" >"$work/out" 2>&1
	status=$?
	tail -n 60 "$work/out"
	p=$(number passed)
	f=$(($(number failed) + $(number error)))
	count "$p" "$f" "$(number skipped)"
	named "vectors in $1" "$f" >>"$work/failures"
	[ $status -le 1 ] && [ $((p + f)) -gt 0 ] ||
	    failure "vectors in $1" "pytest ended with status $status"
}

[ $# -gt 0 ] || set -- layers unit:build vectors:build e2e:build
for suite in "$@"; do
	echo "== $suite"
	started=$(date +%s)
	dir=$(absolute "${suite#*:}")
	case $suite in
	layers)	run_layers ;;
	unit:*)	run_unit "$dir" ;;
	e2e:*)	run_e2e "$dir" ;;
	core:*)	run_e2e "$dir" -m core ;;
	vectors:*) run_vectors "$dir" ;;
	dist:*)	run_dist "$dir" ;;
	fuzz:*)	run_fuzz "$dir" ;;
	*)	failure "$suite" "there is no such suite" ;;
	esac
	echo "== $suite took $(($(date +%s) - started)) s"
done

[ ! -s "$work/failures" ] || {
	echo "== failures"
	cat "$work/failures"
}
status=0
[ $failed -eq 0 ] || status=1
if [ $skipped -gt 0 ] && [ "${CI-}" = true ]; then
	echo "== a skipped test is a failure in CI"
	status=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
