#!/bin/sh
# Runs test suites and closes with one line, the sum over all of them:
#
#	N passed, N failed, N skipped
#
# usage: tests/run.sh SUITE[+SUITE...]...
#	SUITE+SUITE	both at the same time; the second one only takes what
#			the first leaves of the machine
#
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
# Of one that runs beside another one: where that looks for what came of it. Not
# of those that it starts, as `make distcheck` does.
report=${RUN_BESIDE-}
unset RUN_BESIDE
if [ -n "$report" ]; then
	work=$report/work
	mkdir "$work" || exit 1
else
	work=$(mktemp -d) || exit 1
fi
trap 'rm -rf "$work"' EXIT
trap 'end_all; exit 1' HUP INT TERM

# Whom this one has started, and whom they have.
# shellcheck disable=SC2317	# asked for by the trap
descendants()
{
	cat /proc/[0-9]*/stat 2>/dev/null |
	    sed 's/^\([0-9]*\) (.*) [A-Z] \([0-9]*\) .*/\1 \2/' |
	    awk -v root=$$ '{ parent[$1] = $2 }
		END { for (p in parent) {
			for (q = p; q in parent && q != root; q = parent[q])
				;
			if (q == root && p != root)
				print p
		} }'
}

# An interrupted run leaves nobody behind: servers of tests are told to end as
# those are who started them, and then they are ended.
# shellcheck disable=SC2317
end_all()
{
	trap '' HUP INT TERM
	all=$(descendants)
	# shellcheck disable=SC2086
	kill $all 2>/dev/null
	sleep 3
	# shellcheck disable=SC2086
	kill -KILL $all 2>/dev/null
}

# await COMMAND...: in the background, since a shell that is interrupted does
# nothing about it before what is in front has ended.
await()
{
	"$@" &
	wait $!
}

CPUS=$(nproc 2>/dev/null || echo 2)
UNIT_SECONDS=${UNIT_SECONDS-180}	# each program
FUZZ_SECONDS=${FUZZ_SECONDS-3}		# each target
FUZZ_INPUT_SECONDS=${FUZZ_INPUT_SECONDS-10}	# no input may take longer
JOBS=${JOBS-$((2 * CPUS))}		# unit tests at a time: many wait
FUZZ_JOBS=${FUZZ_JOBS-$CPUS}		# fuzz targets at a time
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

# bounded SECONDS COMMAND...: 124 or 137 is "out of time". Nothing is read.
bounded()
{
	await timeout -k 10 "$@"
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

# run_each JOBS SCRIPT DIR PROGRAM...: the script is given the directory, the
# program and where its output goes; some run at a time.
run_each()
{
	jobs=$1 script=$2 dir=$3
	shift 3
	export work script dir
	printf '%s\n' "$@" >"$work/list"
	# shellcheck disable=SC2016
	await xargs -a "$work/list" -P "$jobs" -I{} sh -c '
		out=$work/$(echo "$1" | tr / _)
		sh -c "$script" "$1" "$dir" "$1" "$out" </dev/null \
		    >"$out" 2>&1
		echo $? >"$out.status"' sh {}
}

# Those that take longest come first.
LONG="tests/smtp/play base/store_redis_fault_test policy/rule_property_test
	gateway/dotstream_test tests/smtp/storm base/store_lmdb_test"

# A unit test's last line is "N passed, N failed, N skipped".
run_unit()
{
	programs=$(make -s --no-print-directory -C "$1" print-unit-tests)
	[ -n "$programs" ] || {
		failure "unit:$1" "no list of tests"
		return
	}
	# shellcheck disable=SC2086
	programs=$(printf '%s\n' $LONG $programs | awk '!seen[$0]++')
	export UNIT_SECONDS
	# shellcheck disable=SC2016,SC2086
	run_each "$JOBS" 'exec timeout -k 10 "$UNIT_SECONDS" "$1/$2"' "$1" \
	    $programs
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

# In haste: what the compiler makes of it at its best, the other builds show.
run_dist()
{
	if bounded 900 env XZ_OPT=-1 make -s -j"$CPUS" -C "$1" distcheck \
	    DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0 >"$work/out" 2>&1; then
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
	    print-fuzz-targets)
	[ -n "$targets" ] || {
		failure "fuzz:$1" "no list of targets"
		return
	}
	export FUZZ_SECONDS FUZZ_INPUT_SECONDS here
	# shellcheck disable=SC2016,SC2086
	run_each "$FUZZ_JOBS" 'name=$(basename "$2" _fuzz)
		mkdir -p "$3.corpus"
		cd "$1" && exec timeout -k 10 $((FUZZ_SECONDS + 60)) "./$2" \
		    -max_total_time="$FUZZ_SECONDS" \
		    -timeout="$FUZZ_INPUT_SECONDS" -verbosity=0 \
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

# judge_pytest NAME STATUS PASSED FAILED: besides the tests that failed
judge_pytest()
{
	case $2 in
	0)	[ "$3" -gt 0 ] || failure "$1" "no test passed" ;;
	1)	[ "$4" -gt 0 ] || failure "$1" "status 1, no test failed" ;;
	*)	failure "$1" "pytest ended with status $2" ;;
	esac
}

# Several tests at the same time?
has_xdist()
{
	/usr/bin/python3 -c 'import xdist' 2>/dev/null
}

# run_e2e DIR PYTEST-ARGUMENTS...
run_e2e()
{
	dir=$1
	shift
	export FOREPOST_BIN="$dir/forepost"
	export FOREPOST_PEERS="${FOREPOST_PEERS-$top/build/peers}"
	has_xdist && set -- -n "$E2E_JOBS" --dist loadfile "$@"
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
	judge_pytest "e2e in $dir" "$status" "$p" "$f"
}

# run_vectors DIR: a folder of cases that is not there is a failure.
run_vectors()
{
	make -s -C "$1" judges || {
		failure "vectors:$1" "the judges cannot be built"
		return
	}
	export FOREPOST_JUDGES="$1/tests/vectors"
	parallel=	# most of the time, a judge waits for a slow zone
	has_xdist && parallel="-n 3"
	# shellcheck disable=SC2086
	bounded "$E2E_SECONDS" /usr/bin/python3 -m pytest -q \
	    -p no:cacheprovider $parallel "$here/vectors" >"$work/out" 2>&1
	status=$?
	tail -n 60 "$work/out"
	p=$(number passed)
	f=$(($(number failed) + $(number error)))
	count "$p" "$f" "$(number skipped)"
	named "vectors in $1" "$f" >>"$work/failures"
	judge_pytest "vectors in $1" "$status" "$p" "$f"
}

# run_suite SUITE
run_suite()
{
	echo "== $1"
	started=$(date +%s)
	dir=$(absolute "${1#*:}")
	case $1 in
	layers)	run_layers ;;
	unit:*)	run_unit "$dir" ;;
	e2e:*)	run_e2e "$dir" ;;
	core:*)	run_e2e "$dir" -m core ;;
	vectors:*) run_vectors "$dir" ;;
	dist:*)	run_dist "$dir" ;;
	fuzz:*)	run_fuzz "$dir" ;;
	*)	failure "$1" "there is no such suite" ;;
	esac
	echo "== $1 took $(($(date +%s) - started)) s"
}

# begin_beside SUITE...: by another one of this script, as something less
# urgent, which leaves its counts and failures in $work/beside. It gets a part
# of the time that passes: so that seconds are more.
begin_beside()
{
	mkdir -p "$work/beside"
	(cd "$from" && RUN_BESIDE="$work/beside" FUZZ_JOBS=1 \
	    FUZZ_SECONDS=$((FUZZ_SECONDS + 1)) \
	    FUZZ_INPUT_SECONDS=$((3 * FUZZ_INPUT_SECONDS)) \
	    exec nice -n 19 "$here/run.sh" "$@") >"$work/beside/out" 2>&1 &
	beside=$!
}

end_beside()
{
	wait "$beside"
	cat "$work/beside/out"
	cat "$work/beside/failures" >>"$work/failures"
	# shellcheck disable=SC2046
	set -- $(cat "$work/beside/counts")
	if [ $# -eq 3 ]; then
		count "$@"
	else
		failure "$suite" "what ran beside it did not end"
	fi
	rm -rf "$work/beside"
}

[ $# -gt 0 ] || set -- layers unit:build vectors:build e2e:build
for suite in "$@"; do
	case $suite in
	*+*)	# shellcheck disable=SC2046
		begin_beside $(echo "${suite#*+}" | tr + ' ')
		run_suite "${suite%%+*}"
		end_beside
		;;
	*)	run_suite "$suite" ;;
	esac
done

[ -z "$report" ] || {
	cp "$work/failures" "$report/failures"
	echo "$passed $failed $skipped" >"$report/counts"
	exit 0
}
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
