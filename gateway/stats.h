#ifndef GATEWAY_STATS_H
#define GATEWAY_STATS_H
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "gateway/board.h"
#include "gateway/ring.h"
/*
 * stats -- what our processes count and say of themselves, in memory that all
 * of them share
 *
 * Counters and gauges without labels are one table of names (STATS_TABLE);
 * those with labels are series.h. The supervisor makes the segment before it
 * forks. Each process has a share of it and is its only writer, so a count is
 * one addition; readers add the shares up. When a process is gone its gauges
 * are forgotten. All else stays, and the next one in its slot goes on there:
 * so nothing that was counted is lost, whenever and however a process ends,
 * and no reader ever sees a sum fall. The supervisor has a share of its own. A
 * process without a segment (unit tests) counts for itself alone. A worker can
 * reach no share but its own, so who reads need mistrust that one only for
 * what it says of that worker.
 *
 * Beside its counts a share has what its process publishes (board.h, ring.h),
 * what of its log is not written yet (log_shelf.h) and what the supervisor says
 * about it.
 *
 * Memory    address space for STATS_SLOTS + 1 shares; what is touched counts.
 *           Shares that no process ever had are not read, as reading them
 *           would make them memory.
 * Units     SECONDS are counted in microseconds and shown in seconds.
 */
#define STATS_TABLE(X) \
	/* id, kind, unit, name, help; the unit ends the name */ \
	X(SESSIONS, COUNTER, NONE, "sessions", "sessions that began") \
	X(SESSIONS_OPEN, GAUGE, NONE, "sessions_open", "sessions open now") \
	X(SESSIONS_REFUSED, COUNTER, NONE, "sessions_refused", \
	    "connections turned away with 421: too many") \
	X(SESSIONS_UNCOUNTED, COUNTER, NONE, "sessions_uncounted", \
	    "sessions that no limit by network saw: its table was full") \
	X(NETWORKS_COUNTED, GAUGE, NONE, "networks_counted", \
	    "addresses and networks with open sessions, for each worker") \
	X(SESSIONS_TLS, COUNTER, NONE, "sessions_tls", "sessions that used TLS") \
	X(EARLY_TALKERS, COUNTER, NONE, "early_talkers", \
	    "clients that spoke before the greeting") \
	X(EARLY_PIPELINING, COUNTER, NONE, "early_pipelining", \
	    "clients that sent ahead where they may not") \
	X(COMMANDS, COUNTER, NONE, "commands", "commands read") \
	X(COMMAND_ERRORS, COUNTER, NONE, "command_errors", \
	    "commands answered 5yz for their form or order") \
	X(RCPTS_OK, COUNTER, NONE, "recipients_accepted", "RCPT answered 2yz") \
	X(RCPTS_TEMP, COUNTER, NONE, "recipients_deferred", "RCPT answered 4yz") \
	X(RCPTS_PERM, COUNTER, NONE, "recipients_refused", "RCPT answered 5yz") \
	X(MAILS_OK, COUNTER, NONE, "mails_delivered", "messages answered 2yz") \
	X(MAILS_TEMP, COUNTER, NONE, "mails_deferred", "messages answered 4yz") \
	X(MAILS_PERM, COUNTER, NONE, "mails_refused", "messages answered 5yz") \
	X(MAILS_ABORTED, COUNTER, NONE, "mails_aborted", \
	    "transactions that ended without a message") \
	X(MAILS_MIXED, COUNTER, NONE, "mails_mixed", \
	    "messages that not all recipients took or refused") \
	X(MAILS_DISCARDED, COUNTER, NONE, "mails_discarded", \
	    "messages answered 2yz and dropped, as a rule said") \
	X(MAILS_QUARANTINED, COUNTER, NONE, "mails_quarantined", \
	    "messages that a rule sent to quarantine") \
	X(RULE_REFUSALS, COUNTER, NONE, "rule_refusals", \
	    "replies 4yz and 5yz that rules gave") \
	X(RULES_OBSERVED, COUNTER, NONE, "rules_observed", \
	    "times a rule that observes would have acted") \
	X(REGEX_LIMITS, COUNTER, NONE, "regex_limits", \
	    "rules whose regular expression met its limit") \
	X(FORGED_RESULTS, COUNTER, NONE, "forged_results", \
	    "Authentication-Results that claimed to be ours, removed") \
	X(LISTS_SUSPENDED, COUNTER, NONE, "dns_list_suspensions", \
	    "times a DNS list was suspended") \
	X(SMUGGLING, COUNTER, NONE, "bare_newline_messages", \
	    "messages refused for bare CR, LF or NUL") \
	X(BYTES_IN, COUNTER, BYTES, "received_bytes", "octets read from clients") \
	X(MESSAGE_BYTES, COUNTER, BYTES, "message_bytes", \
	    "octets of messages delivered") \
	X(BACKEND_CONNECTS, COUNTER, NONE, "backend_connects", \
	    "connections made to backends") \
	X(BACKEND_REUSES, COUNTER, NONE, "backend_reuses", \
	    "transactions over a kept backend connection") \
	X(BACKEND_FAILURES, COUNTER, NONE, "backend_failures", \
	    "backend connections that failed") \
	X(BACKEND_OPEN, GAUGE, NONE, "backend_connections", \
	    "backend connections open now") \
	X(ACCEPT_RESTS, COUNTER, NONE, "accept_rests", \
	    "times accepting rested: out of descriptors") \
	X(STRESS, GAUGE, NONE, "stress", "workers above the high-water mark") \
	X(DNS_ASKED, COUNTER, NONE, "dns_asked", "lookups") \
	X(DNS_CACHED, COUNTER, NONE, "dns_cached", \
	    "lookups answered at once: out of the cache, or known to fail") \
	X(DNS_AHEAD, COUNTER, NONE, "dns_ahead", "lookups begun ahead of need") \
	X(DNS_FAILED, COUNTER, NONE, "dns_failed", "lookups without an answer") \
	X(DNS_TIMEOUTS, COUNTER, NONE, "dns_timeouts", \
	    "lookups that nothing answered in time") \
	X(DNS_OVERLOAD, COUNTER, NONE, "dns_overload", \
	    "lookups not made: too many under way") \
	X(DNS_TIME, COUNTER, SECONDS, "dns_seconds", \
	    "time that lookups not answered at once took, together") \
	X(DNS_WAITING, GAUGE, NONE, "dns_waiting", "lookups under way") \
	X(GREYLIST_NEW, COUNTER, NONE, "greylist_new", \
	    "recipients that the greylist had not seen with this sender") \
	X(GREYLIST_EARLY, COUNTER, NONE, "greylist_early", \
	    "recipients that came again too early") \
	X(GREYLIST_PASSED, COUNTER, NONE, "greylist_passed", \
	    "recipients that came again in time, for the first time") \
	X(GREYLIST_KNOWN, COUNTER, NONE, "greylist_known", \
	    "recipients of senders that had passed before") \
	X(GREYLIST_UNASKED, COUNTER, NONE, "greylist_null_sender", \
	    "recipients of mails without a sender: not greylisted") \
	X(GREYLIST_UNKNOWN, COUNTER, NONE, "greylist_unknown", \
	    "recipients that passed since the store did not answer") \
	X(MILTER_ANSWERS, COUNTER, NONE, "milter_answers", \
	    "answers of filters, and failures to give one") \
	X(MILTER_TIME, COUNTER, SECONDS, "milter_seconds", \
	    "time that these took, together") \
	X(MILTER_REFUSALS, COUNTER, NONE, "milter_refusals", \
	    "of them: refusals, discards, sessions closed") \
	X(MILTER_FAILURES, COUNTER, NONE, "milter_failures", \
	    "of them: no connection, no answer in time, nonsense") \
	X(MILTER_EDITS, COUNTER, NONE, "milter_edits", \
	    "mails that a filter changed") \
	X(DELIVERIES_RECALLED, COUNTER, NONE, "deliveries_recalled", \
	    "recipients that had the mail already: not delivered again") \
	X(DELIVERIES_MET, COUNTER, NONE, "deliveries_met", \
	    "recipients that were just getting the mail otherwise (451)") \
	X(REFUSALS_RECALLED, COUNTER, NONE, "refusals_recalled", \
	    "recipients whose earlier refusal was told at RCPT") \
	X(MEMORY_FAILED, COUNTER, NONE, "delivery_memory_failed", \
	    "times the delivery memory could not be asked or told") \
	X(LIMITS_COUNTED, COUNTER, NONE, "limits_counted", \
	    "events that limits counted") \
	X(LIMITS_LOCAL, COUNTER, NONE, "limits_local", \
	    "of them: in one worker alone, since the store did not answer") \
	X(LOOKUPS, COUNTER, NONE, "lookups", \
	    "questions to sets and routes in Redis") \
	X(LOOKUPS_CACHED, COUNTER, NONE, "lookups_cached", \
	    "of them: answered out of memory") \
	X(LOOKUPS_FAILED, COUNTER, NONE, "lookups_failed", "of them: not answered") \
	X(REFUSALS_UNSURE, COUNTER, NONE, "refusals_unsure", \
	    "refusals made temporary since a set in Redis did not answer") \
	X(STORE_OPERATIONS, COUNTER, NONE, "store_operations", \
	    "operations of the store, refused ones too") \
	X(STORE_FAILURES, COUNTER, NONE, "store_failures", \
	    "operations of the store that failed") \
	X(STORE_TIMEOUTS, COUNTER, NONE, "store_timeouts", \
	    "of them: nothing answered in time") \
	X(STORE_DECLINED, COUNTER, NONE, "store_declined", \
	    "of them: the store said no (full, read-only, another type)") \
	X(STORE_REFUSED, COUNTER, NONE, "store_refused", \
	    "of them: failed at once, since the store was down") \
	X(STORE_DOWNS, COUNTER, NONE, "store_downs", "times the store went down") \
	X(STORE_FAILING, GAUGE, NONE, "store_failing", \
	    "workers whose store is down or takes no changes") \
	X(STORE_SWEPT, COUNTER, NONE, "store_swept", \
	    "expired records that were removed from LMDB") \
	X(LOG_DROPPED, COUNTER, NONE, "log_dropped", "log lines dropped") \
	X(JOURNAL_RECORDS, COUNTER, NONE, "journal_records", \
	    "transactions written to the journal") \
	X(JOURNAL_DROPPED, COUNTER, NONE, "journal_dropped", \
	    "transactions that the journal had no room for") \
	X(WORKER_STARTS, COUNTER, NONE, "worker_starts", "workers started") \
	X(WORKER_CRASHES, COUNTER, NONE, "worker_crashes", \
	    "workers that ended unasked") \
	X(RELOADS, COUNTER, NONE, "reloads", "reloads that took effect") \
	X(RELOADS_FAILED, COUNTER, NONE, "reloads_failed", \
	    "reloads refused: the configuration was bad") \
	X(STACK_HIGH_WATER, MAXIMUM, BYTES, "stack_high_water_bytes", \
	    "most stack that a session used") \
	X(LOOP_LONGEST, MAXIMUM, SECONDS, "longest_turn_seconds", \
	    "longest turn of a worker's loop")

enum stats_id {
#define X(id, kind, unit, name, help) STAT_##id,
	STATS_TABLE(X)
#undef X
	STATS_COUNT
};

#define STATS_SLOTS	256	/* processes alive at once, old ones included */
#define STATS_SUPERVISOR STATS_SLOTS	/* its share, as a slot to read */
#define STATS_MINE	(-1)	/* that of the calling process */

int		 stats_create(struct err *err);	/* supervisor, before fork */
int		 stats_slot_take(void);		/* supervisor: -1 none free */
void		 stats_slot_release(int slot);	/* supervisor: process gone */
void		 stats_use_slot(int slot);	/* process, after fork */
/* A worker, then: it reads nothing of the others, and whoever takes it over
 * shall not change what they have counted, nor make them seem to hang. */
void		 stats_leave_others(void);
/* Who reads them all: not by mistake, at least. */
void		 stats_only_read_others(void);
void		 stats_add(enum stats_id which, int64_t n);
void		 stats_max(enum stats_id which, int64_t value);
int64_t		 stats_get(enum stats_id which);	/* over all shares */
int64_t		 stats_get_slot(int slot, enum stats_id which);
/* The worker's sign of life, for the watchdog; clock_now() of its turn. */
void		 stats_beat(int64_t now);
int64_t		 stats_last_beat(int slot);

/* --- what a process publishes --- */

/* STATS_MINE without a segment: one that nobody reads. */
struct board	*stats_board(int slot);
struct ring	*stats_ring(int slot);
struct log_shelf *stats_shelf(int slot);	/* its log lines */
/* Who is in a slot, as the supervisor sees it; STATS_SUPERVISOR: itself. */
struct stats_proc {
	int64_t	pid;		/* 0: nobody */
	int64_t	index;		/* of a worker; -1: it is none */
	int64_t	state;		/* enum proc_state */
	int64_t	started;	/* clock_now() */
	int64_t	wall;		/* clock_wall(), at the same time */
	int64_t	generation;	/* of its configuration, from 1 on */
};
void		 stats_proc_set(int slot, const struct stats_proc *p);
int		 stats_proc_get(int slot, struct stats_proc *out); /* -1: nobody */
/* The slots that were ever used, then STATS_SUPERVISOR: -1 as `slot` begins,
 * and ends. Their rings stay when a process has gone. */
int		 stats_share_next(int slot);
int64_t		*stats_share_words(int slot);	/* series.c */

/* --- what is shown --- */

struct stats_row {
	enum stats_kind { STATS_COUNTER, STATS_GAUGE, STATS_MAXIMUM } kind;
	enum stats_unit { STATS_NONE, STATS_SECONDS, STATS_BYTES } unit;
	const char	*name, *help;
};
const struct stats_row *stats_row(enum stats_id which);
/* "12", "0.001234": a number of that unit. */
void		 stats_number(struct buf *out, enum stats_unit unit,
		    int64_t value);
void		 stats_text(struct buf *out);	/* "name value" lines */
void		 stats_json(struct buf *out);
#endif
