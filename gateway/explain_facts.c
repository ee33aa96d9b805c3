#include <arpa/inet.h>

#include "gateway/explain_internal.h"

struct page {
	struct arena	*arena;
	json_t		*facts;
	json_t		*why;
};

json_t *
explain_str(struct arena *a, struct span s)
{
	char *shown = arena_copy(a, s);
	json_t *value = json_stringn(shown, s.len);

	if (value != NULL)
		return value;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)shown[i] >= 0x80)
			shown[i] = '?';
	return json_stringn(shown, s.len);
}

static void
put(struct page *p, const char *name, json_t *value, const char *why)
{
	json_object_set_new(p->facts, name, value);
	if (why != NULL && *why != '\0')
		json_object_set_new(p->why, name,
		    explain_str(p->arena, span_z(why)));
}

static void
put_text(struct page *p, const char *name, struct span value, const char *why)
{
	put(p, name, explain_str(p->arena, value), why);
}

/* NULL is the value none. */
static void
put_z(struct page *p, const char *name, const char *value, const char *why)
{
	put(p, name, value == NULL ? json_null() :
	    explain_str(p->arena, span_z(value)), why);
}

static void
put_int(struct page *p, const char *name, uint64_t value)
{
	put(p, name, json_integer((json_int_t)value), NULL);
}

static void
put_yes(struct page *p, const char *name, bool value, const char *why)
{
	put(p, name, json_boolean(value), why);
}

static void
put_outcome(struct page *p, const char *name, enum rdns_outcome outcome,
    const char *why)
{
	if (outcome == RDNS_TEMPERROR)
		put_z(p, name, "temperror", why);
	else
		put_yes(p, name, outcome == RDNS_YES, why);
}

/* --- the client --- */

static void
put_client(struct page *p, const struct explanation *x)
{
	static const char *const reverse[] = {
		[DNS_REVERSE_NONE] = "none", [DNS_REVERSE_OK] = "ok",
		[DNS_REVERSE_MISMATCH] = "mismatch",
		[DNS_REVERSE_TEMPERROR] = "temperror",
	};
	const struct client *c = &x->client;
	struct network network;
	char text[ADDR_TEXT];

	put_z(p, "client.ip", addr_ip(&c->addr, text), NULL);
	put(p, "client.port", addr_port(&c->addr) == 0 ? json_null() :
	    json_integer(addr_port(&c->addr)), NULL);
	network_of(&c->addr, &network);
	put_z(p, "client.network", network_text(&network, text), NULL);
	put_z(p, "client.name", c->name, NULL);
	put_z(p, "client.reverse", reverse[c->reverse],
	    c->reverse == DNS_REVERSE_MISMATCH ? arena_printf(p->arena,
	    "%s does not point back", x->reverse_name) : NULL);
	put_z(p, "listener", x->heard.listener->name, NULL);
	put_z(p, "helo.name", c->helo, NULL);
	put_z(p, "helo.kind", c->esmtp ? "ehlo" : "helo", NULL);
	put_outcome(p, "helo.resolves", x->helo.resolves, x->helo.reason);
	put_outcome(p, "helo.matches-client", x->helo.matches, NULL);
}

static const char *
spf_why(const struct spf_answer *a)
{
	return a->problem != NULL ? a->problem : a->mechanism;
}

static void
put_sender(struct page *p, const struct explanation *x)
{
	const struct address *s = &x->envelope.sender;
	const struct spf_answer *spf = x->findings.spf;

	if (x->findings.spf_helo != NULL)
		put_z(p, "spf.helo",
		    spf_result_name(x->findings.spf_helo->result),
		    spf_why(x->findings.spf_helo));
	put_text(p, "sender", s->text, NULL);
	put_text(p, "sender.local", s->local, NULL);
	put_text(p, "sender.domain", s->domain, NULL);
	put_yes(p, "sender.is-null", s->text.len == 0, NULL);
	put_yes(p, "sender.domain-accepts-mail", x->sender.accepts_mail,
	    x->sender.reason);
	if (spf == NULL)
		return;
	put_z(p, "spf", spf_result_name(spf->result), spf_why(spf));
	put_z(p, "spf.explanation", spf->explanation, NULL);
}

static void
put_rcpt(struct page *p, const struct explanation *x)
{
	if (!x->has_rcpt)
		return;
	put_text(p, "rcpt", x->rcpt.addr.text, NULL);
	put_text(p, "rcpt.local", x->rcpt.addr.local, NULL);
	put_text(p, "rcpt.domain", x->rcpt.addr.domain, NULL);
	put_int(p, "rcpt.count", x->envelope.nrcpts);
}

static void
put_greylist(struct page *p, const struct greylist_answer *g)
{
	const char *why = g->problem;

	if (why == NULL && (g->result == GREYLIST_EARLY ||
	    g->result == GREYLIST_PASSED))
		why = arena_printf(p->arena, "%lld seconds behind the first "
		    "try", (long long)g->waited);
	put_z(p, "greylist", greylist_result_name(g->result), why);
	put(p, "greylist.left", g->defer ? json_integer(g->left) :
	    json_null(), NULL);
	put(p, "greylist.identity", g->identity.len > 0 ?
	    explain_str(p->arena, g->identity) : json_null(), NULL);
}

/* --- DNS lists --- */

static void
put_list(struct page *p, const struct dnsbl_result *r)
{
	const char *name = arena_printf(p->arena, "dnsbl.%s", r->list->name);
	json_t *all = json_object_get(p->facts, name);
	const char *why = r->reading.why;
	char text[INET_ADDRSTRLEN];

	if (all == NULL) {
		all = json_array();
		put(p, name, all, NULL);
	}
	if (r->reading.state == DNSBL_LISTED)
		for (size_t i = 0; i < r->reading.n; i++)
			json_array_append_new(all, json_string(inet_ntop(
			    AF_INET, &r->reading.addresses[i], text,
			    sizeof(text))));
	if (r->reading.state != DNSBL_UNLISTED)
		json_object_set_new(p->why, name, explain_str(p->arena,
		    span_z(arena_printf(p->arena, "%s %s%s%s", r->subject,
		    dnsbl_state_name(r->reading.state), why ? ": " : "",
		    why ? why : ""))));
}

static void
put_lists(struct page *p, const struct dnsbl_answer *lists)
{
	json_t *names;

	if (lists == NULL)
		return;
	put(p, "dnsbl.score", json_real((double)lists->score /
	    LISTING_SCORE_UNIT), NULL);
	names = json_array();
	for (size_t i = 0; i < lists->nnames; i++)
		json_array_append_new(names, explain_str(p->arena,
		    span_z(lists->names[i])));
	put(p, "dnsbl.names", names, NULL);
	for (size_t i = 0; i < lists->nresults; i++)
		put_list(p, &lists->results[i]);
	put_int(p, "dnsbl.failed", lists->failed);
}

/* --- the message --- */

static const char *
signature_why(struct page *p, const struct signature *s)
{
	return arena_printf(p->arena, "%s%sd=%s s=%s a=%s key=%d bits%s%s",
	    s->reason != NULL ? s->reason : "",
	    s->reason != NULL ? "; " : "",
	    s->domain != NULL ? s->domain : "?",
	    s->selector != NULL ? s->selector : "?",
	    s->algorithm != NULL ? s->algorithm : "?", s->bits,
	    s->is_test ? ", testing" : "",
	    s->is_partial ? ", only a part of the body is signed" : "");
}

static void
put_dkim(struct page *p, const struct signature_answer *dkim)
{
	json_t *domains = json_array();

	put_z(p, "dkim", signature_result_name(dkim->best), dkim->ignored > 0 ?
	    arena_printf(p->arena, "%zu signatures too many",
	    dkim->ignored) : NULL);
	for (size_t i = 0; i < dkim->n; i++) {
		const struct signature *s = &dkim->list[i];

		if (s->result == SIGNATURE_PASS)
			json_array_append_new(domains, explain_str(p->arena,
			    span_z(s->domain)));
		put_z(p, arena_printf(p->arena, "dkim.%zu", i + 1),
		    signature_result_name(s->result), signature_why(p, s));
	}
	put(p, "dkim.domains", domains, NULL);
}

static void
put_dmarc(struct page *p, const struct dmarc_answer *d)
{
	put_yes(p, "dkim.aligned", d->aligned.by_dkim, NULL);
	put_z(p, "dmarc", dmarc_result_name(d->result), d->reason);
	put_z(p, "dmarc.policy", dmarc_policy_name(d->policy), d->record_at ==
	    NULL ? NULL : arena_printf(p->arena, "%s of %s", d->policy_tag !=
	    NULL ? d->policy_tag : "p", d->record_at));
	put_z(p, "dmarc.domain", d->domain, d->org_domain == NULL ? NULL :
	    arena_printf(p->arena, "organizational domain %s",
	    d->org_domain));
	put_yes(p, "dmarc.testing", d->testing, NULL);
}

static void
put_message(struct page *p, const struct explanation *x)
{
	const struct findings *f = &x->findings;

	if (!x->has_message)
		return;
	put_int(p, "message.size", x->in.size);
	put_z(p, "from.domain", f->author->domain, f->author->fault);
	put_int(p, "from.count", f->author->naddresses);
	if (f->dkim != NULL)
		put_dkim(p, f->dkim);
	if (f->dmarc != NULL)
		put_dmarc(p, f->dmarc);
	if (f->arc != NULL)
		put_z(p, "arc", arc_outcome_name(f->arc->outcome),
		    f->arc->reason);
}

/* --- */

void
explain_facts(struct arena *a, const struct explanation *x, json_t *facts,
    json_t *why)
{
	struct page p = { a, facts, why };

	put_client(&p, x);
	put_lists(&p, x->findings.lists);
	put_sender(&p, x);
	put_rcpt(&p, x);
	if (x->heard.greylist != NULL)
		put_greylist(&p, x->heard.greylist);
	put_message(&p, x);
}
