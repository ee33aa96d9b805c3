#ifndef GATEWAY_STATS_H
#define GATEWAY_STATS_H
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
/*
 * stats -- counters and gauges in memory shared by all our processes
 *
 * One table of names (STATS_TABLE). The supervisor makes the segment before
 * it forks; each worker has a slot of its own and is its only writer, so a
 * count is one addition. Readers add the slots up. When a worker is gone its
 * counters move into the slot of the departed and its gauges are forgotten.
 * The supervisor counts in the slot of the departed. A process without a
 * segment counts for itself alone.
 */
#define STATS_TABLE(X) \
	/* id, kind, name, help */ \
	X(SESSIONS, COUNTER, "sessions", "sessions that began") \
	X(SESSIONS_OPEN, GAUGE, "sessions_open", "sessions open now") \
	X(SESSIONS_REFUSED, COUNTER, "sessions_refused", \
	    "connections turned away with 421: too many") \
	X(SESSIONS_UNCOUNTED, COUNTER, "sessions_uncounted", \
	    "sessions that no limit by network saw: its table was full") \
	X(NETWORKS_COUNTED, GAUGE, "networks_counted", \
	    "addresses and networks with open sessions, for each worker") \
	X(SESSIONS_TLS, COUNTER, "sessions_tls", "sessions that used TLS") \
	X(EARLY_TALKERS, COUNTER, "early_talkers", \
	    "clients that spoke before the greeting") \
	X(EARLY_PIPELINING, COUNTER, "early_pipelining", \
	    "clients that sent ahead where they may not") \
	X(COMMANDS, COUNTER, "commands", "commands read") \
	X(COMMAND_ERRORS, COUNTER, "command_errors", \
	    "commands answered 5yz for their form or order") \
	X(RCPTS_OK, COUNTER, "recipients_accepted", "RCPT answered 2yz") \
	X(RCPTS_TEMP, COUNTER, "recipients_deferred", "RCPT answered 4yz") \
	X(RCPTS_PERM, COUNTER, "recipients_refused", "RCPT answered 5yz") \
	X(MAILS_OK, COUNTER, "mails_delivered", "messages answered 2yz") \
	X(MAILS_TEMP, COUNTER, "mails_deferred", "messages answered 4yz") \
	X(MAILS_PERM, COUNTER, "mails_refused", "messages answered 5yz") \
	X(MAILS_ABORTED, COUNTER, "mails_aborted", \
	    "transactions that ended without a message") \
	X(MAILS_MIXED, COUNTER, "mails_mixed", \
	    "messages that not all recipients took or refused") \
	X(MAILS_DISCARDED, COUNTER, "mails_discarded", \
	    "messages answered 2yz and dropped, as a rule said") \
	X(MAILS_QUARANTINED, COUNTER, "mails_quarantined", \
	    "messages that a rule sent to quarantine") \
	X(RULE_REFUSALS, COUNTER, "rule_refusals", \
	    "replies 4yz and 5yz that rules gave") \
	X(RULES_OBSERVED, COUNTER, "rules_observed", \
	    "times a rule that observes would have acted") \
	X(REGEX_LIMITS, COUNTER, "regex_limits", \
	    "rules whose regular expression met its limit") \
	X(FORGED_RESULTS, COUNTER, "forged_results", \
	    "Authentication-Results that claimed to be ours, removed") \
	X(LISTS_SUSPENDED, COUNTER, "dns_list_suspensions", \
	    "times a DNS list was suspended") \
	X(SMUGGLING, COUNTER, "bare_newline_messages", \
	    "messages refused for bare CR, LF or NUL") \
	X(BYTES_IN, COUNTER, "bytes_in", "octets read from clients") \
	X(MESSAGE_BYTES, COUNTER, "message_bytes", \
	    "octets of messages delivered") \
	X(BACKEND_CONNECTS, COUNTER, "backend_connects", \
	    "connections made to backends") \
	X(BACKEND_REUSES, COUNTER, "backend_reuses", \
	    "transactions over a kept backend connection") \
	X(BACKEND_FAILURES, COUNTER, "backend_failures", \
	    "backend connections that failed") \
	X(BACKEND_OPEN, GAUGE, "backend_connections", \
	    "backend connections open now") \
	X(ACCEPT_RESTS, COUNTER, "accept_rests", \
	    "times accepting rested: out of descriptors") \
	X(STRESS, GAUGE, "stress", "workers above the high-water mark") \
	X(DNS_ASKED, COUNTER, "dns_asked", "lookups") \
	X(DNS_CACHED, COUNTER, "dns_cached", "lookups answered at once: out of the " \
	    "cache, or known to fail") \
	X(DNS_AHEAD, COUNTER, "dns_ahead", "lookups begun ahead of need") \
	X(DNS_FAILED, COUNTER, "dns_failed", "lookups without an answer") \
	X(DNS_TIMEOUTS, COUNTER, "dns_timeouts", \
	    "lookups that nothing answered in time") \
	X(DNS_OVERLOAD, COUNTER, "dns_overload", \
	    "lookups not made: too many under way") \
	X(DNS_TIME, COUNTER, "dns_time_us", \
	    "time that lookups not answered at once took, together") \
	X(DNS_WAITING, GAUGE, "dns_waiting", "lookups under way") \
	X(GREYLIST_NEW, COUNTER, "greylist_new", \
	    "recipients that the greylist had not seen with this sender") \
	X(GREYLIST_EARLY, COUNTER, "greylist_early", \
	    "recipients that came again too early") \
	X(GREYLIST_PASSED, COUNTER, "greylist_passed", \
	    "recipients that came again in time, for the first time") \
	X(GREYLIST_KNOWN, COUNTER, "greylist_known", \
	    "recipients of senders that had passed before") \
	X(GREYLIST_UNASKED, COUNTER, "greylist_null_sender", \
	    "recipients of mails without a sender: not greylisted") \
	X(GREYLIST_UNKNOWN, COUNTER, "greylist_unknown", \
	    "recipients that passed since the store did not answer") \
	X(MILTER_ANSWERS, COUNTER, "milter_answers", \
	    "answers of filters, and failures to give one") \
	X(MILTER_TIME, COUNTER, "milter_time_us", \
	    "time that these took, together") \
	X(MILTER_REFUSALS, COUNTER, "milter_refusals", \
	    "of them: refusals, discards, sessions closed") \
	X(MILTER_FAILURES, COUNTER, "milter_failures", \
	    "of them: no connection, no answer in time, nonsense") \
	X(MILTER_EDITS, COUNTER, "milter_edits", \
	    "mails that a filter changed") \
	X(DELIVERIES_RECALLED, COUNTER, "deliveries_recalled", \
	    "recipients that had the mail already: not delivered again") \
	X(DELIVERIES_MET, COUNTER, "deliveries_met", \
	    "recipients that were just getting the mail otherwise (451)") \
	X(REFUSALS_RECALLED, COUNTER, "refusals_recalled", \
	    "recipients whose earlier refusal was told at RCPT") \
	X(MEMORY_FAILED, COUNTER, "delivery_memory_failed", \
	    "times the delivery memory could not be asked or told") \
	X(LIMITS_COUNTED, COUNTER, "limits_counted", \
	    "events that limits counted") \
	X(LIMITS_LOCAL, COUNTER, "limits_local", \
	    "of them: in one worker alone, since the store did not answer") \
	X(LOOKUPS, COUNTER, "lookups", "questions to sets and routes in Redis") \
	X(LOOKUPS_CACHED, COUNTER, "lookups_cached", \
	    "of them: answered out of memory") \
	X(LOOKUPS_FAILED, COUNTER, "lookups_failed", "of them: not answered") \
	X(REFUSALS_UNSURE, COUNTER, "refusals_unsure", \
	    "refusals made temporary since a set in Redis did not answer") \
	X(STORE_OPERATIONS, COUNTER, "store_operations", \
	    "operations of the store, refused ones too") \
	X(STORE_FAILURES, COUNTER, "store_failures", \
	    "operations of the store that failed") \
	X(STORE_TIMEOUTS, COUNTER, "store_timeouts", \
	    "of them: nothing answered in time") \
	X(STORE_DECLINED, COUNTER, "store_declined", \
	    "of them: the store said no (full, read-only, another type)") \
	X(STORE_REFUSED, COUNTER, "store_refused", \
	    "of them: failed at once, since the store was down") \
	X(STORE_DOWNS, COUNTER, "store_downs", "times the store went down") \
	X(STORE_FAILING, GAUGE, "store_failing", \
	    "workers whose store is down or takes no changes") \
	X(STORE_SWEPT, COUNTER, "store_swept", \
	    "expired records that were removed from LMDB") \
	X(LOG_DROPPED, COUNTER, "log_dropped", "log lines dropped") \
	X(WORKER_STARTS, COUNTER, "worker_starts", "workers started") \
	X(WORKER_CRASHES, COUNTER, "worker_crashes", \
	    "workers that ended unasked") \
	X(RELOADS, COUNTER, "reloads", "reloads that took effect") \
	X(RELOADS_FAILED, COUNTER, "reloads_failed", \
	    "reloads refused: the configuration was bad") \
	X(STACK_HIGH_WATER, MAXIMUM, "stack_high_water_bytes", \
	    "most stack that a session used") \
	X(LOOP_LONGEST, MAXIMUM, "longest_turn_us", \
	    "longest turn of a worker's loop")

enum stats_id {
#define X(id, kind, name, help) STAT_##id,
	STATS_TABLE(X)
#undef X
	STATS_COUNT
};

#define STATS_SLOTS	256	/* workers alive at once, old ones included */

int		 stats_create(struct err *err);	/* supervisor, before fork */
int		 stats_slot_take(void);		/* supervisor: -1 none free */
void		 stats_slot_release(int slot);	/* supervisor: worker gone */
void		 stats_use_slot(int slot);	/* worker, after fork */
void		 stats_add(enum stats_id which, int64_t n);
void		 stats_max(enum stats_id which, int64_t value);
int64_t		 stats_get(enum stats_id which);	/* over all slots */
int64_t		 stats_get_slot(int slot, enum stats_id which);
/* The worker's sign of life, for the watchdog; clock_now() of its turn. */
void		 stats_beat(int64_t now);
int64_t		 stats_last_beat(int slot);
void		 stats_text(struct buf *out);	/* "name value" lines */
void		 stats_json(struct buf *out);
#endif
