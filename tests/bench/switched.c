/*
 * switched -- forepost, but that parts of what it lets be seen are off for a
 * hundred mails and on for the next
 *
 *	BENCH_SWITCHES=all switched serve --config FILE
 *
 * Two servers, or one and the same that was started twice, differ by more than
 * these parts cost, since their memory lies otherwise. Here it is one process,
 * and there is no switch in what users run: the linker puts these functions in
 * front of the real ones. BENCH_SWITCHES is `log`, `statistics`, `records` (the
 * journal and the last mails), `all` of them, or `nothing`, which shows how far
 * the figures are off; without it all are on and nothing is told. Of statistics
 * it is not the whole: clocks are read for them all the same.
 *
 * Each worker writes to the log, once in four turns (off, on, on, off):
 *
 *	warn - bench turns off=NANOSECONDS on=NANOSECONDS
 *
 * CPU of the process for each mail, with all that waited to be written at the
 * end of a turn.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "gateway/journal.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/transaction.h"

#define TURN	100		/* mails */
#define TURNS	4		/* off, on, on, off */
#define WARM	(3 * TURNS)	/* turns at the beginning that are not told */

static struct {
	bool		is_known;	/* what BENCH_SWITCHES says */
	bool		tells;
	bool		log, statistics, records;	/* are switched */
	bool		off;
	unsigned	mails, turns;
	int64_t		began;		/* CPU ns */
	int64_t		took[2];	/* off, on */
} bench;

void	__real_log_event(enum log_label label, const char *id, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));
void	__wrap_log_event(enum log_label label, const char *id, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));
void	__real_mail_log_done(const struct mail *m);
void	__wrap_mail_log_done(const struct mail *m);
void	__real_series_add(enum series_id id, size_t subject, unsigned word,
	    unsigned word2, int64_t n);
void	__wrap_series_add(enum series_id id, size_t subject, unsigned word,
	    unsigned word2, int64_t n);
void	__real_series_time(enum series_id id, size_t subject, unsigned word,
	    int64_t us);
void	__wrap_series_time(enum series_id id, size_t subject, unsigned word,
	    int64_t us);
void	__real_stats_add(enum stats_id which, int64_t n);
void	__wrap_stats_add(enum stats_id which, int64_t n);
void	__real_transaction_mail(struct mail *m);
void	__wrap_transaction_mail(struct mail *m);
void	__real_transaction_rcpt(struct mail *m, const struct told_rcpt *r);
void	__wrap_transaction_rcpt(struct mail *m, const struct told_rcpt *r);

/* --- turns --- */

static int64_t
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
know(void)
{
	const char *text = getenv("BENCH_SWITCHES");
	bool all;

	bench.is_known = true;
	if (text == NULL)
		return;
	bench.tells = true;
	all = strcmp(text, "all") == 0;
	bench.log = all || strcmp(text, "log") == 0;
	bench.statistics = all || strcmp(text, "statistics") == 0;
	bench.records = all || strcmp(text, "records") == 0;
}

static void
tell(void)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_WARN, NULL, "bench turns");
	log_int(&l, "off", bench.took[0] / (TURN * TURNS / 2));
	log_int(&l, "on", bench.took[1] / (TURN * TURNS / 2));
	log_end(&l);
	bench.took[0] = bench.took[1] = 0;
}

static void
turn(const struct mail *m)
{
	if (!bench.is_known)
		know();
	if (++bench.mails % TURN != 0 || !bench.tells)
		return;
	journal_flush(m->session->worker->journal);
	log_flush();
	if (bench.turns >= WARM)
		bench.took[!bench.off] += cpu() - bench.began;
	bench.turns++;
	if (bench.turns > WARM && bench.turns % TURNS == 0)
		tell();
	bench.off = bench.turns % TURNS == 0 || bench.turns % TURNS == 3;
	log_level(bench.off && bench.log ? LOG_LABEL_WARN : LOG_LABEL_INFO);
	log_flush();
	bench.began = cpu();
}

/* --- what is never there: the load comes from many by XCLIENT --- */

void
__wrap_log_event(enum log_label label, const char *id, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (strncmp(fmt, "xclient ", 8) == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	__real_log_event(label, id, "%s", text);
}

/* --- what is switched --- */

void
__wrap_mail_log_done(const struct mail *m)
{
	if (!bench.off || !bench.log)
		__real_mail_log_done(m);
}

void
__wrap_series_add(enum series_id id, size_t subject, unsigned word,
    unsigned word2, int64_t n)
{
	if (!bench.off || !bench.statistics)
		__real_series_add(id, subject, word, word2, n);
}

void
__wrap_series_time(enum series_id id, size_t subject, unsigned word,
    int64_t us)
{
	if (!bench.off || !bench.statistics)
		__real_series_time(id, subject, word, us);
}

void
__wrap_stats_add(enum stats_id which, int64_t n)
{
	if (!bench.off || !bench.statistics)
		__real_stats_add(which, n);
}

void
__wrap_transaction_rcpt(struct mail *m, const struct told_rcpt *r)
{
	if (!bench.off || !bench.records)
		__real_transaction_rcpt(m, r);
}

void
__wrap_transaction_mail(struct mail *m)
{
	if (!bench.off || !bench.records)
		__real_transaction_mail(m);
	turn(m);
}
