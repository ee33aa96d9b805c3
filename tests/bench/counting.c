/*
 * counting -- what one count, and one line of the log, cost a process
 *
 *	counting FILE
 *
 * One line of figures in nanoseconds: `add` and `time` of a counter and of a
 * histogram, of 64 in turn while all are in the cache; `cold` of one whose
 * cache line has gone, as it is when a message has done other work meanwhile;
 * `text` and `json` of a line like "mail done" that is made and, by itself,
 * written to FILE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "tests/bench/measure.h"

#define TURNS		200000
#define LINES		100000
#define COLD		2000
#define INTERRUPTED	10e-6		/* s: another process had its turn */
#define OTHER_WORK	(4 << 20)	/* octets, more than a cache is near */

static double
spend_adding(void)
{
	double began = now();

	for (int i = 0; i < TURNS; i++)
		for (unsigned w = 0; w < 32; w++) {
			series_add(SERIES_CHECKS, 0, w % WORD_CHECK_COUNT,
			    w % WORD_RESULT_COUNT, 1);
			stats_add((enum stats_id)(w + i % 8), 1);
		}
	return (now() - began) / TURNS / 64 * 1e9;
}

static double
spend_timing(void)
{
	double began = now();

	for (int i = 0; i < TURNS; i++)
		for (unsigned w = 0; w < 64; w++)
			series_time(SERIES_RESOLVER_TIME, 0,
			    w % WORD_TYPE_COUNT, 100 * (w + 1));
	return (now() - began) / TURNS / 64 * 1e9;
}

/* Ten counts, each in a cache line of its own; the clock's time is taken off. */
static double
spend_adding_cold(void)
{
	static volatile unsigned char work[OTHER_WORK];
	double spent = 0, began, took, clock;
	int n = 0;

	for (int i = 0; i < COLD; i++) {
		for (size_t o = 0; o < sizeof(work); o += 64)
			work[o]++;
		began = now();
		clock = now() - began;
		began = now();
		for (int line = 0; line < 10; line++)
			stats_add((enum stats_id)(line * 8), 1);
		took = now() - began - clock;
		if (took < INTERRUPTED) {
			spent += took;
			n++;
		}
	}
	return n == 0 ? 0 : spent / n / 10 * 1e9;
}

static void
say(void)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, "164076997775", "mail done");
	log_int(&l, "id", 1);
	log_z(&l, "outcome", "refused");
	log_z(&l, "client", "203.0.113.10");
	log_z(&l, "helo", "mail.good.example");
	log_z(&l, "from", "<ann@good.example>");
	log_z(&l, "to", "<bob@example.org>");
	log_int(&l, "rcpts", 1);
	log_int(&l, "size", 8192);
	log_z(&l, "reply", "550 5.7.26 DMARC: bank.example asks to refuse "
	    "mail that it did not sign and did not send");
	log_z(&l, "backend", "inside smtp://10.0.0.5:25");
	log_z(&l, "rule", "dmarc-spf");
	log_z(&l, "action", "reject");
	log_z(&l, "score", "7");
	log_z(&l, "scores", "no-reverse,helo-no-name,helo-no-dns,spf-fail");
	log_z(&l, "spf", "fail");
	log_z(&l, "dkim", "none");
	log_z(&l, "dmarc", "fail");
	log_z(&l, "author", "bank.example");
	log_int(&l, "ms", 43);
	log_end(&l);
}

/* Each written by itself: a mail's line is, before its client is told. */
static double
spend_saying(enum log_format format)
{
	double began;

	log_format(format);
	began = now();
	for (int i = 0; i < LINES; i++) {
		say();
		log_flush();
	}
	return (now() - began) / LINES * 1e9;
}

int
main(int argc, char **argv)
{
	double add, timed, cold, text, json;
	struct err err;

	if (argc != 2) {
		fputs("usage: counting FILE\n", stderr);
		return 100;
	}
	if (log_open(argv[1], "counting", &err) < 0 ||
	    stats_create(&err) < 0) {
		fprintf(stderr, "counting: %s\n", err.text);
		return 111;
	}
	stats_use_slot(stats_slot_take());
	spend_adding();
	add = spend_adding();
	spend_timing();
	timed = spend_timing();
	cold = spend_adding_cold();
	spend_saying(LOG_TEXT);
	text = spend_saying(LOG_TEXT);
	json = spend_saying(LOG_JSON);
	printf("add=%.2f time=%.2f cold=%.1f text=%.0f json=%.0f\n", add,
	    timed, cold, text, json);
	return 0;
}
