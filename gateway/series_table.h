#ifndef GATEWAY_SERIES_TABLE_H
#define GATEWAY_SERIES_TABLE_H
/*
 * series_table -- what is counted and timed with labels: all of it, in one
 * table
 *
 * Names have no unit but their last part, and that is `seconds` or `bytes`.
 * What is added here is shown by every reader and listed by `forepost stats
 * --list`.
 */

/* --- words: the values of labels that are ours --- */

/* Of the listeners' sessions: who ended them ("by" of the log). */
#define WORDS_ENDED(X) \
	X(ENDED, CLIENT, "client") \
	X(ENDED, TIMEOUT, "timeout") \
	X(ENDED, US, "us") \
	X(ENDED, ERRORS, "errors") \
	X(ENDED, RULE, "rule") \
	X(ENDED, MILTER, "milter") \
	X(ENDED, EARLY_TALKER, "early-talker") \
	X(ENDED, EARLY_PIPELINING, "early-pipelining") \
	X(ENDED, BARE_NEWLINE, "bare-newline") \
	X(ENDED, PROXY_HEADER, "proxy-header") \
	X(ENDED, TLS, "tls") \
	X(ENDED, CROWD, "crowd") \
	X(ENDED, SIZE, "size") \
	X(ENDED, MAX_MAILS, "max-mails") \
	X(ENDED, BDAT_SYNTAX, "bdat-syntax") \
	X(ENDED, NOT_SMTP, "not-smtp") \
	X(ENDED, UNKNOWN_COMMANDS, "unknown-commands") \
	X(ENDED, OTHER, "other")
/* connect: what the client is told before it says anything; message: the
 * answer to that, behind DATA; other: what is no command that we know. */
#define WORDS_VERB(X) \
	X(VERB, CONNECT, "connect") \
	X(VERB, EHLO, "EHLO") \
	X(VERB, HELO, "HELO") \
	X(VERB, MAIL, "MAIL") \
	X(VERB, RCPT, "RCPT") \
	X(VERB, DATA, "DATA") \
	X(VERB, MESSAGE, "message") \
	X(VERB, BDAT, "BDAT") \
	X(VERB, RSET, "RSET") \
	X(VERB, NOOP, "NOOP") \
	X(VERB, QUIT, "QUIT") \
	X(VERB, VRFY, "VRFY") \
	X(VERB, HELP, "HELP") \
	X(VERB, STARTTLS, "STARTTLS") \
	X(VERB, XCLIENT, "XCLIENT") \
	X(VERB, OTHER, "other")
/* The first digit of a reply; 0: there was none. */
#define WORDS_CLASS(X) \
	X(CLASS, 2, "2") \
	X(CLASS, 3, "3") \
	X(CLASS, 4, "4") \
	X(CLASS, 5, "5") \
	X(CLASS, NONE, "none")
#define WORDS_RCPT(X) \
	X(RCPT, TAKEN, "taken") \
	X(RCPT, DEFERRED, "deferred") \
	X(RCPT, REFUSED, "refused") \
	X(RCPT, DISCARDED, "discarded")
/* "outcome" of the log's line about a mail. */
#define WORDS_OUTCOME(X) \
	X(OUTCOME, DELIVERED, "delivered") \
	/* all of its recipients had it already */ \
	X(OUTCOME, REMEMBERED, "remembered") \
	X(OUTCOME, QUARANTINED, "quarantined") \
	X(OUTCOME, DISCARDED, "discarded") \
	X(OUTCOME, REFUSED, "refused") \
	X(OUTCOME, DEFERRED, "deferred") \
	/* not the same for all recipients */ \
	X(OUTCOME, MIXED, "mixed") \
	/* it came to no message */ \
	X(OUTCOME, ABORTED, "aborted")
#define WORDS_STAGE(X) \
	X(STAGE, CONNECT, "connect") \
	X(STAGE, HELO, "helo") \
	X(STAGE, MAIL, "mail") \
	X(STAGE, RCPT, "rcpt") \
	X(STAGE, DATA, "data") \
	X(STAGE, MESSAGE, "message") \
	X(STAGE, BACKEND, "backend") \
	X(STAGE, TOTAL, "total")
/* In the order of enum phase. */
#define WORDS_PHASE(X) \
	X(PHASE, CONNECT, "connect") \
	X(PHASE, HELO, "helo") \
	X(PHASE, MAIL, "mail") \
	X(PHASE, RCPT, "rcpt") \
	X(PHASE, MESSAGE, "message")
#define WORDS_LISTED(X) \
	X(LISTED, YES, "listed") \
	X(LISTED, NO, "not-listed") \
	X(LISTED, FAILED, "failed") \
	X(LISTED, SUSPENDED, "suspended")
#define WORDS_SAID(X) \
	X(SAID, CONTINUE, "continue") \
	X(SAID, ACCEPT, "accept") \
	X(SAID, REJECT, "reject") \
	X(SAID, TEMPFAIL, "tempfail") \
	X(SAID, DISCARD, "discard") \
	X(SAID, REPLYCODE, "replycode") \
	X(SAID, SKIP, "skip") \
	X(SAID, SHUTDOWN, "shutdown") \
	X(SAID, FAILED, "failed")
#define WORDS_LINK(X) \
	X(LINK, OPENED, "opened") \
	X(LINK, REUSED, "reused") \
	X(LINK, FAILED, "failed")
#define WORDS_TAKEN(X) \
	X(TAKEN, YES, "taken") \
	X(TAKEN, DEFERRED, "deferred") \
	X(TAKEN, REFUSED, "refused") \
	X(TAKEN, FAILED, "failed")
#define WORDS_TYPE(X) \
	X(TYPE, A, "A") \
	X(TYPE, AAAA, "AAAA") \
	X(TYPE, MX, "MX") \
	X(TYPE, PTR, "PTR") \
	X(TYPE, TXT, "TXT") \
	X(TYPE, TLSA, "TLSA") \
	X(TYPE, OTHER, "other")
#define WORDS_FOUND(X) \
	X(FOUND, ANSWER, "answer") \
	X(FOUND, NXDOMAIN, "nxdomain") \
	X(FOUND, NODATA, "nodata") \
	X(FOUND, FAILED, "failed") \
	X(FOUND, TIMEOUT, "timeout")
#define WORDS_OPERATION(X) \
	X(OPERATION, GET, "get") \
	X(OPERATION, PUT, "put") \
	X(OPERATION, CLAIM, "claim") \
	X(OPERATION, ADD, "add") \
	X(OPERATION, DELETE, "delete") \
	X(OPERATION, WALK, "walk") \
	X(OPERATION, MEMBERS, "members") \
	X(OPERATION, FIELDS, "fields")
#define WORDS_STORED(X) \
	X(STORED, GOOD, "good") \
	X(STORED, FAILED, "failed") \
	X(STORED, TIMEOUT, "timeout") \
	X(STORED, DECLINED, "declined") \
	X(STORED, REFUSED, "refused")
#define WORDS_CHECK(X) \
	X(CHECK, SPF, "spf") \
	X(CHECK, SPF_HELO, "spf-helo") \
	X(CHECK, DKIM, "dkim") \
	X(CHECK, DMARC, "dmarc") \
	X(CHECK, ARC, "arc") \
	X(CHECK, REVERSE, "reverse")
/* Of all checks together. */
#define WORDS_RESULT(X) \
	X(RESULT, NONE, "none") \
	X(RESULT, PASS, "pass") \
	X(RESULT, FAIL, "fail") \
	X(RESULT, SOFTFAIL, "softfail") \
	X(RESULT, NEUTRAL, "neutral") \
	X(RESULT, POLICY, "policy") \
	X(RESULT, TEMPERROR, "temperror") \
	X(RESULT, PERMERROR, "permerror") \
	X(RESULT, YES, "yes") \
	X(RESULT, NO, "no")
#define WORDS_PATH(X) \
	X(PATH, METRICS, "/metrics") \
	X(PATH, STATS, "/stats.json") \
	X(PATH, TRANSACTIONS, "/transactions.json") \
	X(PATH, HEALTHZ, "/healthz") \
	X(PATH, READYZ, "/readyz") \
	X(PATH, PAGE, "/") \
	X(PATH, OTHER, "other")
#define WORDS_CODE(X) \
	X(CODE, 200, "200") \
	X(CODE, 400, "400") \
	X(CODE, 401, "401") \
	X(CODE, 404, "404") \
	X(CODE, 405, "405") \
	X(CODE, 408, "408") \
	X(CODE, 413, "413") \
	X(CODE, 421, "421") \
	X(CODE, 431, "431") \
	X(CODE, 503, "503") \
	X(CODE, OTHER, "other")

#define SERIES_WORD_LISTS(X) \
	/* id, name of the label, words */ \
	X(ENDED, "by", WORDS_ENDED) \
	X(VERB, "verb", WORDS_VERB) \
	X(CLASS, "class", WORDS_CLASS) \
	X(RCPT, "outcome", WORDS_RCPT) \
	X(OUTCOME, "outcome", WORDS_OUTCOME) \
	X(STAGE, "stage", WORDS_STAGE) \
	X(PHASE, "phase", WORDS_PHASE) \
	X(LISTED, "answer", WORDS_LISTED) \
	X(SAID, "answer", WORDS_SAID) \
	X(LINK, "how", WORDS_LINK) \
	X(TAKEN, "result", WORDS_TAKEN) \
	X(TYPE, "type", WORDS_TYPE) \
	X(FOUND, "result", WORDS_FOUND) \
	X(OPERATION, "operation", WORDS_OPERATION) \
	X(STORED, "result", WORDS_STORED) \
	X(CHECK, "check", WORDS_CHECK) \
	X(RESULT, "result", WORDS_RESULT) \
	X(PATH, "path", WORDS_PATH) \
	X(CODE, "code", WORDS_CODE)

/* --- subjects: the values of labels that settings and rules name --- */

#define SERIES_SUBJECTS(X) \
	/* id, most that are told apart, names of the labels */ \
	X(NOTHING, 1, NULL, NULL) \
	X(LISTENER, 64, "listener", NULL) \
	X(RULE, 8192, "rule", NULL) \
	X(LIST, 256, "list", NULL) \
	X(MILTER, 128, "milter", NULL) \
	X(ADDRESS, 256, "backend", "address")

/* --- the table --- */

#define SERIES_TABLE(X) \
	/* id, kind, unit, of what, words, more words, name, help */ \
	X(SESSIONS, COUNTER, NONE, LISTENER, NO, NO, "sessions", \
	    "sessions that began") \
	X(SESSIONS_OPEN, GAUGE, NONE, LISTENER, NO, NO, "sessions_open", \
	    "sessions open now") \
	X(SESSION_TIME, HISTOGRAM, SECONDS, LISTENER, NO, NO, \
	    "session_seconds", "time from a session's begin to its end") \
	X(SESSIONS_ENDED, COUNTER, NONE, LISTENER, ENDED, NO, \
	    "sessions_ended", "sessions that ended, by who ended them") \
	X(COMMANDS, COUNTER, NONE, LISTENER, VERB, CLASS, "commands", \
	    "commands, by the first digit of the reply") \
	X(COMMAND_TIME, HISTOGRAM, SECONDS, LISTENER, VERB, NO, \
	    "command_seconds", "time from a command to its reply") \
	X(RECIPIENTS, COUNTER, NONE, LISTENER, RCPT, NO, "recipients", \
	    "recipients, by what they were told at RCPT") \
	X(MAILS, COUNTER, NONE, LISTENER, OUTCOME, NO, "mails", \
	    "transactions that ended, by what became of them") \
	X(STAGE_TIME, HISTOGRAM, SECONDS, LISTENER, STAGE, NO, \
	    "stage_seconds", "time that a stage of the dialogue took; all " \
	    "of a transaction is total") \
	X(JUDGE_TIME, HISTOGRAM, SECONDS, NOTHING, PHASE, NO, \
	    "judge_seconds", "time that the rules of a phase took, without " \
	    "waiting") \
	X(RULE_HITS, COUNTER, NONE, RULE, NO, NO, "rule_hits", \
	    "times that a rule acted") \
	X(RULE_WOULD, COUNTER, NONE, RULE, NO, NO, "rule_would", \
	    "times that a rule that observes would have acted") \
	X(RULE_UNTOLD, COUNTER, NONE, RULE, NO, NO, "rule_untold", \
	    "times that nobody could tell whether a rule applies") \
	X(LIST_ANSWERS, COUNTER, NONE, LIST, LISTED, NO, "list_answers", \
	    "questions to a DNS list, by its answer") \
	X(LIST_TIME, HISTOGRAM, SECONDS, LIST, NO, NO, "list_seconds", \
	    "time until a DNS list answered") \
	X(MILTER_ANSWERS, COUNTER, NONE, MILTER, SAID, NO, \
	    "milter_answers", "answers of a filter, and failures to give one") \
	X(MILTER_TIME, HISTOGRAM, SECONDS, MILTER, NO, NO, \
	    "milter_seconds", "time until a filter answered") \
	X(MILTER_EDITS, COUNTER, NONE, MILTER, NO, NO, "milter_edits", \
	    "mails that a filter changed") \
	X(MILTER_LINKS, COUNTER, NONE, MILTER, LINK, NO, \
	    "milter_connections", "connections to a filter") \
	X(BACKEND_OPENED, COUNTER, NONE, ADDRESS, NO, NO, \
	    "backend_connections_opened", "connections made to a backend") \
	X(BACKEND_TRANSACTIONS, COUNTER, NONE, ADDRESS, TAKEN, NO, \
	    "backend_transactions", "transactions with a backend, by its " \
	    "last word") \
	X(BACKEND_CONNECT_TIME, HISTOGRAM, SECONDS, ADDRESS, NO, NO, \
	    "backend_connect_seconds", "time until a backend could be used") \
	X(BACKEND_RCPT_TIME, HISTOGRAM, SECONDS, ADDRESS, NO, NO, \
	    "backend_rcpt_seconds", "time until a backend answered RCPT") \
	X(BACKEND_MESSAGE_TIME, HISTOGRAM, SECONDS, ADDRESS, NO, NO, \
	    "backend_message_seconds", "time until a backend answered the " \
	    "message") \
	X(RESOLVER_ANSWERS, COUNTER, NONE, NOTHING, TYPE, FOUND, \
	    "resolver_answers", "lookups, by type and answer") \
	X(RESOLVER_TIME, HISTOGRAM, SECONDS, NOTHING, TYPE, NO, \
	    "resolver_seconds", "time that lookups took") \
	X(STORE_OPERATIONS_BY, COUNTER, NONE, NOTHING, OPERATION, STORED, \
	    "store_operations_by", "operations of the store, by kind and " \
	    "result") \
	X(STORE_TIME, HISTOGRAM, SECONDS, NOTHING, OPERATION, NO, \
	    "store_seconds", "time that operations of the store took") \
	X(CHECKS, COUNTER, NONE, NOTHING, CHECK, RESULT, "checks", \
	    "results of the checks of a sender") \
	X(HTTP_REQUESTS, COUNTER, NONE, NOTHING, PATH, CODE, \
	    "http_requests", "requests to the statistics endpoint")
#endif
