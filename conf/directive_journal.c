#include "conf/directive_rows.h"

static const char *const hide_words[] = {
	"senders", "recipients", "subject", NULL };

static const struct directive rows[] = {
{ .name = "file", .scopes = SCOPE_JOURNAL, .type = VALUE_PATH,
    .offset = TOP(journal_file), .fallback = "none", .none = "none",
    .help = "A file to which each transaction is written when it is over, as "
	"one line of JSON: what was known of it, what each rule did, and what "
	"the client was told. forepost replay judges it anew by other rules, "
	"forepost explain shows one of them. The folder belongs to the "
	"workers: when root starts the gateway they must be able to write "
	"there. none: there is no journal." },
{ .name = "max_size", .scopes = SCOPE_JOURNAL, .type = VALUE_SIZE,
    .offset = TOP(journal_max_size), .fallback = "256M",
    .min = 64 * KIB, .max = 1024 * GIB,
    .help = "How large the file may become. Then it is renamed, the last "
	"digit of its name becoming 1, 2 and so on, and a new one is begun. "
	"It is looked at once a second, so it may be a little larger." },
{ .name = "keep", .scopes = SCOPE_JOURNAL, .type = VALUE_COUNT,
    .offset = TOP(journal_keep), .fallback = "8", .max = 1000,
    .help = "How many files that were renamed are kept beside it; the oldest "
	"goes. 0: the file is never renamed, and grows until somebody else "
	"renames it and sends SIGUSR1." },
{ .name = "hide", .scopes = SCOPE_JOURNAL, .type = VALUE_WORDS,
    .offset = TOP(journal_hide), .fallback = "none", .none = "none",
    .words = hide_words,
    .help = "What is not written: addresses of senders, addresses of "
	"recipients, the subject. In their place is a hash, which is the same "
	"for the same address, and the domain; with senders or recipients all "
	"that looks like an address in other texts is replaced too, and so is "
	"what stands in front of the @ of the mail's own addresses where "
	"backends, filters or header fields name it by itself. It holds for "
	"what is shown over HTTP as well, not for the log." },
{ .name = "key_file", .scopes = SCOPE_JOURNAL, .type = VALUE_PATH,
    .offset = TOP(journal_key_file), .fallback = "none", .none = "none",
    .help = "A file whose first line is the key of these hashes: with it they "
	"are the same after the next start, and on other gateways. none: a "
	"random key, until the gateway is stopped." },
};

const struct directive_rows directive_journal = {
	rows, sizeof(rows) / sizeof(*rows)
};
