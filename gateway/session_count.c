#include "base/clock.h"
#include "gateway/court.h"
#include "gateway/judge.h"
#include "gateway/series.h"
#include "gateway/session_count.h"
#include "gateway/stats.h"

size_t
session_subject(const struct session *s)
{
	return (size_t)(s->listener->conf - s->worker->settings->listeners);
}

void
session_count_begin(const struct session *s)
{
	stats_add(STAT_SESSIONS, 1);
	stats_add(STAT_SESSIONS_OPEN, 1);
	series_add(SERIES_SESSIONS, session_subject(s), 0, 0, 1);
	series_add(SERIES_SESSIONS_OPEN, session_subject(s), 0, 0, 1);
}

/* What became of the name of its address, if that was looked up. */
static void
count_reverse(const struct session *s)
{
	static const unsigned words[] = {
		[DNS_REVERSE_NONE] = WORD_RESULT_NONE,
		[DNS_REVERSE_OK] = WORD_RESULT_PASS,
		[DNS_REVERSE_MISMATCH] = WORD_RESULT_FAIL,
		[DNS_REVERSE_TEMPERROR] = WORD_RESULT_TEMPERROR,
	};

	if (s->judge != NULL && judge_has_name(s->judge) &&
	    (court_wants(s->worker->court, s->conf, &s->client.addr) &
	    CHECK_NAME))
		series_add(SERIES_CHECKS, 0, WORD_CHECK_REVERSE,
		    words[s->client.reverse], 1);
}

void
session_count_end(const struct session *s)
{
	size_t subject = session_subject(s);

	stats_add(STAT_BYTES_IN, (int64_t)conn_bytes_in(s->conn));
	series_add(SERIES_SESSIONS_ENDED, subject, series_word(WORDS_OF_ENDED,
	    s->ended_by), 0, 1);
	series_time(SERIES_SESSION_TIME, subject, 0, clock_now() - s->started);
	count_reverse(s);
}

static unsigned
class_of(int code)
{
	switch (code / 100) {
	case 2:
		return WORD_CLASS_2;
	case 3:
		return WORD_CLASS_3;
	case 4:
		return WORD_CLASS_4;
	case 5:
		return WORD_CLASS_5;
	default:
		return WORD_CLASS_NONE;
	}
}

void
session_count_reply(struct session *s, int code)
{
	size_t subject = session_subject(s);

	if (s->heard < 0)
		return;
	series_add(SERIES_COMMANDS, subject, s->verb, class_of(code), 1);
	series_time(SERIES_COMMAND_TIME, subject, s->verb,
	    clock_now() - s->heard);
	s->heard = -1;
}

void
session_count_greeting(const struct session *s, int code)
{
	series_add(SERIES_COMMANDS, session_subject(s), WORD_VERB_CONNECT,
	    class_of(code), 1);
}

void
session_count_stage(const struct session *s, enum stage_time stage,
    int64_t us)
{
	series_time(SERIES_STAGE_TIME, session_subject(s), stage, us);
}
