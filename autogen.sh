#!/bin/sh
# From a fresh checkout to a running gateway.
#
#	./autogen.sh		generate configure, nothing else
#	./autogen.sh run	set up, build in ./build, run `serve --demo`
#	./autogen.sh check	set up, build, run every test
#
# "Set up" is for Debian 12 (or a relative of it): what is missing of the
# packages below is named first and then installed by apt-get, as root or by
# sudo. They are libraries and tools; no server is ever installed. The mail
# servers that the tests talk to are unpacked into build/peers and run from
# there (tests/e2e/peers.sh).
set -eu
cd "$(dirname "$0")"

# (libunbound.pc names nettle; libunbound-dev does not bring it.)
BUILD_PACKAGES="autoconf automake make gcc libc6-dev pkg-config
	libevent-dev libssl-dev libunbound-dev nettle-dev libseccomp-dev
	libboost-context-dev libopendkim-dev libspf2-dev libidn2-dev
	libjansson-dev libpcre2-dev libhiredis-dev liblmdb-dev
	libpsl-dev libmilter-dev"
RUN_PACKAGES="swaks"	# to say something to it with: see README.md
TEST_PACKAGES="clang libclang-rt-14-dev iproute2 openssl swaks
	libnet-ssleay-perl libnet-dns-perl python3 python3-pytest
	python3-pytest-xdist python3-pytest-timeout python3-yaml
	python3-authres python3-dkim python3-spf xz-utils"
JOBS=$(nproc 2>/dev/null || echo 2)

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf 'autogen.sh: %s\n' "$*" >&2
	exit 1
}

generate()
{
	command -v autoreconf >/dev/null ||
	    die "autoreconf is missing (package autoconf)"
	autoreconf -fi || die "autoreconf failed"
}

is_installed()
{
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ]
}

has_candidate()
{
	apt-cache policy "$1" 2>/dev/null |
	    grep -q '^  Candidate: [^(]'
}

# apt_get ARGUMENTS...: as root or by sudo, never asking anything
apt_get()
{
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root=sudo
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
	    -o DPkg::Lock::Timeout=300 "$@"
}

# Installs those of the named packages that are not there yet.
install_packages()
{
	missing=
	for p in "$@"; do
		is_installed "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null ||
	    die "no apt-get here; please install the like of:$missing"
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
	    die "neither root nor sudo: please install:$missing"
	say "These packages (libraries and tools) will be installed system-wide:"
	say "   $missing"
	for p in $missing; do
		has_candidate "$p" && continue
		apt_get update || die "apt-get update failed"
		break
	done
	# A list that has grown old names versions that the mirror dropped.
	# shellcheck disable=SC2086
	apt_get install -y --no-install-recommends $missing || {
		apt_get update &&
		apt_get install -y --no-install-recommends $missing
	} || die "apt-get could not install:$missing"
}

unpack_peers()
{
	tests/e2e/peers.sh build/peers || {
		apt_get update && tests/e2e/peers.sh build/peers
	} || die "the mail servers for the tests could not be unpacked"
}

# build_in DIR TARGETS CONFIGURE-ARGUMENTS...
# Configures once, and again whenever configure or the arguments changed.
build_in()
{
	dir=$1 targets=$2
	shift 2
	mkdir -p "$dir"
	if [ ! -f "$dir/Makefile" ] || [ configure -nt "$dir/Makefile" ] ||
	    [ "$*" != "$(cat "$dir/.arguments" 2>/dev/null)" ]; then
		say "== configuring $dir ($*)"
		(cd "$dir" && ../configure "$@" >configure.out 2>&1) || {
			tail -n 20 "$dir/configure.out"
			die "configure failed, see $dir/config.log"
		}
		printf '%s' "$*" >"$dir/.arguments"
	fi
	say "== building $dir"
	# shellcheck disable=SC2086
	make -C "$dir" -s -j"$JOBS" $targets || die "the build in $dir failed"
}

# The generated files are as old as what they are made from, or older?
needs_generating()
{
	[ ! -f configure ] || [ ! -f Makefile.in ] ||
	    [ configure.ac -nt configure ] || [ Makefile.am -nt Makefile.in ]
}

case "${1-}" in
'')
	generate
	;;
run)
	# shellcheck disable=SC2086
	install_packages $BUILD_PACKAGES $RUN_PACKAGES
	if needs_generating; then generate; fi
	build_in build all
	exec build/forepost serve --demo build/demo
	;;
check)
	# shellcheck disable=SC2086
	install_packages $BUILD_PACKAGES $TEST_PACKAGES
	if needs_generating; then generate; fi
	unpack_peers &
	peers=$!
	build_in build "all test-programs" --enable-werror
	build_in build-asan "all test-programs" --enable-werror \
	    --enable-sanitizers --enable-fuzzers CC=clang CFLAGS="-O1 -g"
	build_in build-clang "all test-programs" --enable-werror CC=clang
	wait "$peers" || exit 1
	# The end-to-end tests wait for half of their time.
	exec tests/run.sh layers unit:build vectors:build \
	    e2e:build+fuzz:build-asan dist:build \
	    unit:build-asan vectors:build-asan core:build-asan \
	    unit:build-clang
	;;
*)
	die "usage: ./autogen.sh [run | check]"
	;;
esac
