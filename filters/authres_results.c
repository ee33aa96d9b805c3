#include <assert.h>
#include <string.h>

#include "filters/authres_results.h"
#include "filters/rdns.h"

/* spf twice, dmarc, iprev, arc, and "dkim=none"; signatures come on top. */
#define OTHERS 6

static struct authres_entry *
begin(struct authres *out, const char *method, const char *result)
{
	struct authres_entry *e = &out->entries[out->n++];

	e->method = method;
	e->result = result;
	return e;
}

/* Comments of one result stand side by side. */
static void
say(struct arena *a, struct authres_entry *e, const char *text)
{
	e->comment = span_z(e->comment.len == 0 ? text :
	    arena_printf(a, "%.*s, %s", SPAN_ARG(e->comment), text));
}

/* --- spf --- */

static void
add_spf(struct arena *a, struct authres *out, const struct spf_answer *spf,
    const char *property, enum authres_kind kind, struct span identity)
{
	struct authres_entry *e;

	e = begin(out, "spf", spf_result_name(spf->result));
	if (spf->mechanism != NULL)
		say(a, e, arena_printf(a, "matched %s", spf->mechanism));
	e->reason = span_z(spf->problem);
	authres_add(e, property, kind, identity);
}

static void
add_both_spf(struct arena *a, const struct client *client,
    const struct envelope *envelope, const struct findings *found,
    struct authres *out)
{
	const struct spf_answer *helo = found->spf_helo;

	if (envelope->sender.text.len == 0 && found->spf != NULL)
		helo = found->spf;
	else if (found->spf != NULL)
		add_spf(a, out, found->spf, "smtp.mailfrom", AUTHRES_MAILBOX,
		    envelope->sender.text);
	if (helo != NULL)
		add_spf(a, out, helo, "smtp.helo", AUTHRES_DOMAIN,
		    span_z(client->helo));
}

/* --- dkim --- */

static void
add_signature(struct arena *a, struct authres *out,
    const struct signature *s)
{
	struct authres_entry *e;

	e = begin(out, "dkim", signature_result_name(s->result));
	if (s->bits > 0)
		say(a, e, arena_printf(a, "%d-bit key", s->bits));
	if (s->is_test)
		say(a, e, "test key");
	if (s->is_partial)
		say(a, e, arena_printf(a, "only %llu octets of the body are "
		    "signed", (unsigned long long)s->length));
	e->reason = span_z(s->reason);
	authres_add(e, "header.d", AUTHRES_DOMAIN, span_z(s->domain));
	authres_add(e, "header.s", AUTHRES_DOMAIN, span_z(s->selector));
	authres_add(e, "header.i", AUTHRES_MAILBOX, span_z(s->identity));
	authres_add(e, "header.a", AUTHRES_TEXT, span_z(s->algorithm));
	authres_add(e, "header.b", AUTHRES_TEXT, span_z(s->prefix));
}

static void
add_dkim(struct arena *a, struct authres *out,
    const struct signature_answer *dkim)
{
	size_t i;

	for (i = 0; i < dkim->n; i++)
		add_signature(a, out, &dkim->list[i]);
	if (dkim->n == 0)
		begin(out, "dkim", signature_result_name(SIGNATURE_NONE));
	if (dkim->ignored > 0)
		say(a, &out->entries[out->n - 1], arena_printf(a,
		    "signatures not looked at: %zu", dkim->ignored));
}

/* --- dmarc --- */

static void
add_dmarc(struct arena *a, struct authres *out,
    const struct dmarc_answer *dmarc, const struct author *author)
{
	struct authres_entry *e;

	e = begin(out, "dmarc", dmarc_result_name(dmarc->result));
	if (dmarc->record_at != NULL)
		say(a, e, arena_printf(a, "%s=%s at %s", dmarc->policy_tag,
		    dmarc_policy_name(dmarc->published), dmarc->record_at));
	if (dmarc->testing)
		say(a, e, "t=y");
	if (author != NULL && author->ndomains > 1)
		say(a, e, arena_printf(a, "one of %zu author domains",
		    author->ndomains));
	if (dmarc->result != DMARC_PASS)
		e->reason = span_z(dmarc->reason);
	authres_add(e, "header.from", AUTHRES_DOMAIN, span_z(dmarc->domain));
	if (dmarc->record_at != NULL)
		authres_add(e, "policy.dmarc", AUTHRES_TEXT,
		    span_z(dmarc_policy_name(dmarc->policy)));
}

/* --- iprev, arc --- */

/* "" for a client without an IP address, or whose address is not known. */
static struct span
ip_of(struct arena *a, const struct client *client)
{
	char text[ADDR_TEXT];

	if (client->addr.len == 0 || addr_is_unix(&client->addr))
		return SPAN_LIT("");
	return arena_span(a, span_z(addr_ip(&client->addr, text)));
}

static void
add_iprev(struct arena *a, struct authres *out, const struct client *client)
{
	struct span ip = ip_of(a, client);
	struct authres_entry *e;

	if (ip.len == 0)
		return;
	e = begin(out, "iprev", rdns_iprev(client->reverse));
	if (client->name != NULL)
		say(a, e, client->name);
	authres_add(e, "policy.iprev", AUTHRES_TEXT, ip);
}

static void
add_arc(struct arena *a, struct authres *out, const struct client *client,
    const struct arc_answer *arc)
{
	struct authres_entry *e;

	e = begin(out, "arc", arc_status(arc->outcome));
	if (arc->sealer != NULL)
		say(a, e, arena_printf(a, "i=%u sealed by %s", arc->sets,
		    arc->sealer));
	if (arc->is_partial)
		say(a, e, "a part of the body is not signed");
	if (arc->outcome != ARC_PASS && arc->outcome != ARC_NONE)
		e->reason = span_z(arc->reason);
	if (arc->outcome == ARC_PASS && arc->oldest_pass >= 0)
		authres_add(e, "header.oldest-pass", AUTHRES_TEXT,
		    span_z(arena_printf(a, "%d", arc->oldest_pass)));
	if (arc->outcome != ARC_NONE)
		authres_add(e, "smtp.remote-ip", AUTHRES_TEXT,
		    ip_of(a, client));
}

void
authres_results(struct arena *a, const struct client *client,
    const struct envelope *envelope, const struct findings *found,
    struct authres *out)
{
	size_t most = OTHERS + (found->dkim != NULL ? found->dkim->n : 0);

	out->utf8 = envelope->smtputf8;
	out->entries = arena_new_n(a, most, struct authres_entry);
	out->n = 0;
	add_both_spf(a, client, envelope, found, out);
	if (found->dkim != NULL)
		add_dkim(a, out, found->dkim);
	if (found->dmarc != NULL)
		add_dmarc(a, out, found->dmarc, found->author);
	add_iprev(a, out, client);
	if (found->arc != NULL)
		add_arc(a, out, client, found->arc);
	assert(out->n <= most);
}

void
authres_results_spf(struct arena *a, const struct client *client,
    const struct envelope *envelope, const struct findings *found,
    const char *receiver, struct received_spf *out)
{
	const struct spf_answer *spf = found->spf;
	struct span sender = envelope->sender.text;

	if (sender.len == 0)
		sender = span_z(arena_printf(a, "postmaster@%s",
		    client->helo != NULL ? client->helo : "unknown"));
	*out = (struct received_spf){
		.result = spf_result_name(spf->result),
		.identity = "mailfrom",
		.receiver = span_z(receiver),
		.client_ip = ip_of(a, client),
		.envelope_from = sender,
		.helo = span_z(client->helo),
		.mechanism = span_z(spf->mechanism),
		.problem = span_z(spf->problem),
		.utf8 = envelope->smtputf8
	};
}
