#!/bin/sh
# Includes go one way: base <- conf <- policy <- filters, milter <- gateway.
# Prints each include that points up (or sideways, filters <-> milter) and
# fails if there is one. A test may also use tests/, nothing may use a test.
# Run from anywhere; the argument, if any, is the source tree.
cd "${1-$(dirname "$0")/..}" || exit 1

# forbid LAYER FOLDER...: no file of LAYER includes a header of a FOLDER.
bad=0
forbid()
{
	layer=$1
	shift
	[ -d "$layer" ] || return 0
	for above in "$@"; do
		grep -rn --include='*.[ch]' \
		    "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]$above/" \
		    "$layer" && bad=1
	done
	# What is not a test knows no test code.
	find "$layer" -name '*.[ch]' ! -name '*_test.c' -exec \
	    grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]tests/' \
	    {} + && bad=1
	# A path through a parent folder would pass unseen.
	grep -rn --include='*.[ch]' \
	    '^[[:space:]]*#[[:space:]]*include.*\.\./' "$layer" && bad=1
	return 0
}

forbid base	conf policy filters milter gateway
forbid conf	policy filters milter gateway
forbid policy	filters milter gateway
forbid filters	milter gateway
forbid milter	filters gateway
forbid gateway

if [ $bad -ne 0 ]; then
	echo "layers: the includes above point up"
	exit 1
fi
