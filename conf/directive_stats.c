#include "conf/directive_rows.h"

static const struct directive rows[] = {
{ .name = "address", .scopes = SCOPE_STATS, .type = VALUE_ADDRESS,
    .offset = TOP(stats_address), .fallback = "none", .none = "none",
    .help = "Where the gateway answers HTTP, as 127.0.0.1:9925 or [::1]:9925: "
	"the page for people is at /, and programs read /metrics (Prometheus), "
	"/stats.json, /transactions.json, /healthz and /readyz. none: nowhere. "
	"What it shows names senders and recipients, so an address that others "
	"can reach needs a token_file." },
{ .name = "token_file", .scopes = SCOPE_STATS, .type = VALUE_PATH,
    .offset = TOP(stats_token_file), .fallback = "none", .none = "none",
    .help = "A file whose first line is a secret that who asks must show, in "
	"the header field Authorization: Bearer SECRET. /healthz and /readyz "
	"answer without it too, but do not say why they say no. A browser is "
	"given it once behind #token= in the address of the page. The file is "
	"read at the start and at each reload by whoever starts the gateway, "
	"so that root alone may be able to read it; if there is no such secret "
	"in it the gateway does not start, and a reload is refused. none: "
	"whoever reaches the address may see all." },
};

const struct directive_rows directive_stats = {
	rows, sizeof(rows) / sizeof(*rows)
};
