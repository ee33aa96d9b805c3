#!/bin/sh
# Unpacks the servers that tests talk to: mail, names, Redis, filters.
#
# usage: tests/e2e/peers.sh DIR [PEER...]
#	PEER is postfix, exim, dovecot, nsd, redis, haproxy, rsyslog, journald,
#	or a filter: opendkim, opendmarc, clamav, spamassassin, amavis, rspamd;
#	or prometheus, whose promtool checks what is meant for it, or chromium,
#	which shows the live page; default: all but haproxy.
#
# Each peer gets a tree of its own, DIR/PEER, as `dpkg -x` makes it: its
# packages and those libraries that they need and this system has not. Nothing
# is installed: Postfix and Exim exclude each other as packages, and the tests
# must not touch a mail server that this machine may have. What is complete is
# not fetched again.
set -eu

dir=$1
shift
[ $# -gt 0 ] || set -- postfix exim dovecot nsd redis opendkim opendmarc \
    rsyslog journald clamav spamassassin amavis rspamd prometheus chromium

# The packages that are the peer.
packages_of()
{
	case $1 in
	postfix)	echo postfix ;;
	exim)		echo exim4-daemon-light libnss-wrapper ;;
	dovecot)	echo dovecot-core dovecot-lmtpd ;;
	nsd)		echo nsd ldnsutils ;;
	redis)		echo redis-server redis-tools ;;
	haproxy)	echo haproxy ;;
	rsyslog)	echo rsyslog ;;
	journald)	echo systemd libsystemd-shared ;;
	opendkim)	echo opendkim opendkim-tools ;;
	opendmarc)	echo opendmarc dbconfig-no-thanks ;;
	clamav)		echo clamav-daemon clamav-milter ;;
	spamassassin)	echo spamassassin spamd spamc spamass-milter ;;
	amavis)		echo amavisd-new amavisd-milter ;;
	rspamd)		echo rspamd ;;
	chromium)	echo chromium-headless-shell chromium-common ;;
	prometheus)	echo prometheus python3-prometheus-client \
			    python3-decorator ;;
	*)		echo "peers.sh: unknown peer $1" >&2; return 1 ;;
	esac
}

# What installing the given packages would bring besides them, libraries
# only: no configuration package, no second mail program, no pages for a
# browser, and no newer Perl than the one that is here. A simulation needs no
# privilege and no answer to any question.
libraries_for()
{
	apt-get install -s -q --no-install-recommends "$@" 2>/dev/null |
	    sed -n -e '/^Inst libjs-/d' -e '/^Inst libperl5/d' \
	    -e 's/^Inst \(lib[^ ]*\) .*/\1/p'
}

unpack()
{
	peer=$1
	tree=$dir/$peer
	[ ! -f "$tree/.complete" ] || return 0
	wanted=$(packages_of "$peer")
	# shellcheck disable=SC2086
	wanted=$(echo $wanted $(libraries_for $wanted))
	echo "unpacking $peer: $wanted"
	rm -rf "$tree"
	mkdir -p "$tree/.deb"
	# apt's own unprivileged user may not be able to write here.
	# shellcheck disable=SC2086
	(cd "$tree/.deb" && apt-get download -q -o APT::Sandbox::User= \
	    $wanted >../.download 2>&1) || {
		tail -n 5 "$tree/.download" >&2
		echo "peers.sh: apt-get could not download $peer" >&2
		return 1
	}
	for deb in "$tree"/.deb/*.deb; do
		dpkg -x "$deb" "$tree"
	done
	rm -rf "$tree/.deb"
	: >"$tree/.complete"
}

mkdir -p "$dir"
for peer in "$@"; do
	unpack "$peer"
done
