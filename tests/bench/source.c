/*
 * source -- an SMTP client that sends many messages over many sessions
 *
 *	source [-s sessions] [-n messages | -t seconds] [-l octets]
 *	    [-k messages] [-r recipients] [-p] [-S]
 *	    [-i number [-a first] [-d domain]] [-K file [-A]] 127.0.0.1:PORT
 *
 *	-s N	sessions at a time (default 1: one at a time)
 *	-n N	messages in all (default 1000)
 *	-t N	begin messages for so many seconds instead
 *	-l N	octets of a message, header included (default 4096)
 *	-k N	messages over one connection (default 1; 0: no limit)
 *	-r N	recipients of a message (default 1)
 *	-p	pipeline: MAIL, RCPT and DATA in one flight, QUIT behind the dot
 *	-S	STARTTLS behind the first EHLO: TLS 1.3, each connection with a
 *		handshake of its own; the certificate is not verified
 *	-i N	be N clients in turn, by XCLIENT, each with a sender domain of
 *		its own: names.c knows them all
 *	-a N	the number of the first of them (default 0)
 *	-d NAME	the domain their domains are in (default
 *		senders.bench.example)
 *	-K FILE	sign each message (DKIM, rsa-sha256) with this key
 *	-A	and add an ARC set by it
 *
 * It waits for each reply and checks its code. One line of results goes to
 * stdout; times are microseconds from connect(), or with kept connections
 * from MAIL: rcpt_... to the reply to RCPT, dot_... to the reply to the
 * message, the others to the reply to QUIT (kept: as dot_). What it sends is
 * made, and signed, before the first connection. The exit status is 1 when
 * any message failed.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/dialogue.h"
#include "tests/bench/letter.h"
#include "tests/bench/net.h"

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
percentile(const struct series *t, unsigned percent)
{
	return t->n == 0 ? 0 : t->v[(t->n - 1) * percent / 100];
}

static void
print_series(const char *prefix, const struct series *t)
{
	static const unsigned percents[] = { 50, 90, 99 };

	if (t->n > 0)
		qsort(t->v, t->n, sizeof *t->v, by_value);
	for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
		printf(" %sp%u=%u", prefix, percents[i],
		    percentile(t, percents[i]));
	printf(" %smin=%u %smax=%u", prefix, percentile(t, 0), prefix,
	    percentile(t, 100));
}

static void
report(const struct outcome *o, size_t size, int64_t elapsed)
{
	double seconds = (double)elapsed / 1e6;

	printf("messages=%ju failed=%ju connections=%ju seconds=%.3f "
	    "rate=%.1f mb_s=%.2f", (uintmax_t)o->done, (uintmax_t)o->failed,
	    (uintmax_t)o->connections, seconds, (double)o->done / seconds,
	    (double)o->done * (double)size / 1e6 / seconds);
	print_series("", &o->whole);
	print_series("rcpt_", &o->rcpt);
	print_series("dot_", &o->dot);
	printf(" cpu_us=%jd\n", (intmax_t)net_cpu());
}

static void
usage(void)
{
	fprintf(stderr, "usage: source [-s sessions] [-n messages | "
	    "-t seconds] [-l octets] [-k messages] [-r recipients] [-p] [-S]\n"
	    "    [-i number [-a first] [-d domain]] [-K file [-A]] "
	    "127.0.0.1:PORT\n");
	exit(100);
}

static void
options(int argc, char **argv, struct dialogue *d, struct letter_options *l)
{
	const char *domain = "senders.bench.example";
	int option;

	while ((option = getopt(argc, argv, "s:n:t:l:k:r:pSi:a:d:K:A")) != -1) {
		switch (option) {
		case 's': d->sessions = (unsigned)atoi(optarg); break;
		case 'n': d->messages = strtoull(optarg, NULL, 10); break;
		case 't': d->until = (int64_t)(atof(optarg) * 1e6); break;
		case 'l': l->size = strtoull(optarg, NULL, 10); break;
		case 'k': d->kept = strtoull(optarg, NULL, 10); break;
		case 'r': d->recipients = (unsigned)atoi(optarg); break;
		case 'p': d->pipelining = true; break;
		case 'S': d->tls = true; break;
		case 'i': l->n = strtoull(optarg, NULL, 10); break;
		case 'a': l->first = (unsigned)atoi(optarg); break;
		case 'd': domain = optarg; break;
		case 'K': l->key = optarg; break;
		case 'A': l->has_chain = true; break;
		default: usage();
		}
	}
	if (optind + 1 != argc || d->sessions == 0 || d->recipients == 0)
		usage();
	if (l->n > 0)
		l->domain = domain;
	else
		l->n = 1;
	d->to = net_address(argv[optind]);
}

int
main(int argc, char **argv)
{
	struct dialogue d = { .sessions = 1, .messages = 1000, .kept = 1,
	    .recipients = 1 };
	struct letter_options l = { .size = 4096 };
	struct outcome outcome = { 0 };
	int64_t started;

	options(argc, argv, &d, &l);
	net_want_descriptors(d.sessions + 64);
	d.letters = letters_write(&l);
	started = net_now();
	if (d.until != 0)
		d.until += started;
	dialogue_run(&d, &outcome);
	report(&outcome, l.size, net_now() - started);
	return outcome.failed > 0;
}
