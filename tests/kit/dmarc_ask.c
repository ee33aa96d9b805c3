#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/dmarc.h"
#include "tests/kit/dmarc_ask.h"

#define PATIENCE	(30 * CLOCK_MS)
#define IDS		40

static struct {
	const char		*from, *ids;
	struct arena		*arena;
	struct dmarc_asked	 out;
} m;

static void
read_ids(struct dmarc_identifier *ids, size_t *n)
{
	struct span rest = span_z(m.ids), word;

	for (*n = 0; (word = span_word(&rest)).len > 0; ids++, (*n)++) {
		ids->outcome = word.p[0] == '?' ? DMARC_ID_TEMPERROR :
		    word.p[0] == '!' ? DMARC_ID_FAIL : DMARC_ID_PASS;
		if (ids->outcome != DMARC_ID_PASS)
			word = span_n(word.p + 1, word.len - 1);
		ids->method = word.p[0] == 's' ? DMARC_SPF : DMARC_DKIM;
		span_until(&word, ':');
		ids->domain = arena_copy(m.arena, word);
	}
}

static void
show(const struct dmarc_answer *w)
{
	struct buf b = { 0 };
	size_t i;

	buf_puts(&b, dmarc_result_name(w->result));
	if (w->record_at != NULL)
		buf_printf(&b, " %s %s@%s", dmarc_policy_name(w->policy),
		    w->policy_tag, w->record_at);
	if (w->domain != NULL)
		buf_printf(&b, " org=%s",
		    w->org_domain == NULL ? "?" : w->org_domain);
	buf_printf(&b, "%s%s", w->aligned.by_spf ? " spf" : "",
	    w->aligned.by_dkim ? " dkim" : "");
	snprintf(m.out.answer, sizeof(m.out.answer), "%.*s",
	    SPAN_ARG(buf_text(&b)));
	buf_clear(&b);
	for (i = 0; i < w->nconsidered; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : " ", w->considered[i]);
	snprintf(m.out.considered, sizeof(m.out.considered), "%.*s",
	    SPAN_ARG(buf_text(&b)));
	snprintf(m.out.reason, sizeof(m.out.reason), "%s", w->reason);
	buf_free(&b);
}

static MAY_YIELD void
check(void *arg)
{
	struct dmarc_identifier ids[IDS];
	struct span from = span_z(m.from);
	struct dmarc_answer answer;
	struct author author;
	struct dmarc *d;
	struct err err;
	size_t n, i;

	(void)arg;
	author_parse(m.arena, &from, 1, &author);
	d = dmarc_begin(m.arena, &author, clock_now() + PATIENCE);
	read_ids(ids, &n);
	for (i = 0; i < n; i++)
		dmarc_expect(d, ids[i].domain);
	if (dmarc_check(d, ids, n, clock_now() + 2 * PATIENCE, &answer,
	    &err) < 0)
		snprintf(m.out.answer, sizeof(m.out.answer), "%s", err.text);
	else
		show(&answer);
}

const struct dmarc_asked *
dmarc_ask(const char *zone, const char *from, const char *ids)
{
	struct dns_options options = { .hosts = zone };
	struct dns_stats stats;
	struct err err;

	memset(&m, 0, sizeof(m));
	m.from = from;
	m.ids = ids;
	if (dns_create(&options, &err) < 0) {
		snprintf(m.out.answer, sizeof(m.out.answer), "%s", err.text);
		return &m.out;
	}
	m.arena = arena_create("test");
	fiber_spawn("check", check, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	arena_destroy(&m.arena);
	dns_statistics(&stats);
	m.out.lookups = stats.asked;
	dns_destroy();
	return &m.out;
}
