#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_value.h"
#include "conf/conf.h"
#include "gateway/stats.h"
#include "gateway/supervisor_internal.h"

/* What is another one now, each on a line; nothing of what stayed. */
static void
put_changes(const struct supervisor *s, const struct fleet *old,
    const struct fleet *new, struct buf *out)
{
	bool same_rules = strcmp(old->rules->hash, new->rules->hash) == 0;
	struct span rules = span_z(new->rules->name);

	if (old->nslots != new->nslots)
		buf_printf(out, "  workers: %zu, before %zu\n", new->nslots,
		    old->nslots);
	/* Of a file the path; others are "rules none", "rules default". */
	buf_puts(out, span_starts_nocase(rules, "rules ") ? "  " : "  rules ");
	log_value_words(out, rules);
	buf_puts(out, same_rules ? ": unchanged\n" : ": changed\n");
	conf_changes(old->settings, new->settings, out);
	if (web_crew_token_changes(s->web))
		buf_puts(out, "  stats token: changed\n");
}

void
reload_tell_done(const struct supervisor *s, const struct fleet *old,
    const struct fleet *new, struct buf *out)
{
	int64_t open = stats_get(STAT_SESSIONS_OPEN);

	buf_printf(out, "reloaded: generation %" PRId64 ", %zu worker%s, "
	    "listening on ", new->generation, new->nslots,
	    new->nslots == 1 ? "" : "s");
	sockets_text(s->sockets, out);
	buf_puts(out, "\n");
	put_changes(s, old, new, out);
	if (open > 0)
		buf_printf(out, "  %" PRId64 " session%s with the "
		    "configuration before\n", open, open == 1 ?
		    " goes on" : "s go on");
}

void
reload_tell_refused(const struct supervisor *s, struct buf *out)
{
	buf_printf(out, "nothing has changed: generation %" PRId64
	    " goes on\n", s->fleet->generation);
}

/* --- for `forepost status` --- */

/* Of a report the first finding; where it is shown there is one line. */
void
reload_remember(struct supervisor *s, const char *refused)
{
	struct span rest = span_z(refused != NULL ? refused : "");
	struct span line = span_until(&rest, '\n');

	s->last.at = clock_now();
	s->last.is_refused = refused != NULL;
	snprintf(s->last.why, sizeof(s->last.why), "%.*s", SPAN_ARG(line));
}

void
reload_status(const struct supervisor *s, struct json_out *o)
{
	if (s->last.at == 0)
		return;
	json_open(o, "reload", '{');
	json_z(o, "result", s->last.is_refused ? "refused" : "done");
	json_int(o, "ago_s", (clock_now() - s->last.at) / CLOCK_S);
	if (s->last.is_refused)
		json_z(o, "why", s->last.why);
	json_close(o, '}');
}
