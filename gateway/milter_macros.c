#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "gateway/crowd.h"
#include "gateway/judge.h"
#include "gateway/milter_macros.h"
#include "gateway/trace.h"
#include "policy/fields.h"

static void
set(struct span *values, enum macro m, const char *text)
{
	if (text != NULL)
		values[m] = span_z(text);
}

static const char *
resolved(enum dns_reverse reverse)
{
	switch (reverse) {
	case DNS_REVERSE_OK:
		return "OK";
	case DNS_REVERSE_MISMATCH:
		return "FORGED";
	case DNS_REVERSE_TEMPERROR:
		return "TEMP";
	default:
		return "FAIL";
	}
}

/* A socket of the machine itself has neither address nor port. */
static void
set_addresses(struct arena *a, const struct client *c, struct span *values)
{
	char ip[ADDR_TEXT];

	set(values, MACRO_CLIENT_ADDR, arena_strdup(a, addr_ip(&c->addr, ip)));
	set(values, MACRO_CLIENT_PORT, arena_printf(a, "%d",
	    addr_port(&c->addr)));
	set(values, MACRO_DAEMON_ADDR, arena_strdup(a, addr_ip(&c->local,
	    ip)));
	set(values, MACRO_DAEMON_PORT, arena_printf(a, "%d",
	    addr_port(&c->local)));
	values[MACRO_IF_ADDR] = values[MACRO_DAEMON_ADDR];
}

void
milter_macros_client(struct arena *a, const struct session *s,
    struct span *values)
{
	const char *hostname = s->worker->settings->hostname;
	const struct client *c = &s->client;
	const char *name = c->name != NULL ? c->name : "unknown";
	const char *ptr = c->unconfirmed != NULL ? c->unconfirmed : name;
	struct crowd_counts counts;

	set_addresses(a, c, values);
	set(values, MACRO_I, s->id);
	set(values, MACRO_J, hostname);
	set(values, MACRO_IF_NAME, hostname);
	set(values, MACRO_V, "Forepost " PACKAGE_VERSION);
	set(values, MACRO_DAEMON_NAME, s->listener->conf->name);
	set(values, MACRO_CLIENT_NAME, arena_strdup(a, name));
	set(values, MACRO_CLIENT_PTR, arena_strdup(a, ptr));
	set(values, MACRO_CLIENT_RESOLVE, resolved(c->reverse));
	set(values, MACRO_TRACE, arena_printf(a, "%s [%.*s]%s", ptr,
	    SPAN_ARG(values[MACRO_CLIENT_ADDR]),
	    c->unconfirmed != NULL ? " (may be forged)" : ""));
	crowd_count(s->worker->crowd, &c->addr, &counts);
	set(values, MACRO_CLIENT_CONNECTIONS, arena_printf(a, "%" PRIu64,
	    counts.client));
}

void
milter_macros_tls(struct arena *a, const struct client *c,
    struct span *values)
{
	if (c->tls_version == NULL)
		return;
	set(values, MACRO_TLS_VERSION, c->tls_version);
	set(values, MACRO_CIPHER, c->tls_cipher);
	set(values, MACRO_CIPHER_BITS, arena_printf(a, "%d", c->tls_bits));
	set(values, MACRO_CERT_SUBJECT, c->tls_name);
	set(values, MACRO_CERT_ISSUER, c->tls_issuer);
	set(values, MACRO_VERIFY, c->tls_verified ? "OK" : "NO");
}

void
milter_macros_mail(struct arena *a, const struct mail *m,
    struct span *values)
{
	const struct session *s = m->session;
	const struct address *sender = &m->envelope.sender;

	set(values, MACRO_I, arena_printf(a, "%s.%u", s->id, m->number));
	values[MACRO_B] = arena_span(a, trace_date(clock_wall()));
	set(values, MACRO_R, trace_protocol(&s->client, &m->envelope));
	set(values, MACRO_S, s->client.helo);
	values[MACRO_MAIL_ADDR] = sender->text;
	values[MACRO_MAIL_HOST] = sender->domain;
	set(values, MACRO_MAIL_MAILER, "smtp");
	if (s->client.login == NULL)
		return;
	/* The server that told us of him knows how he proved it. */
	set(values, MACRO_AUTH_TYPE, "XCLIENT");
	set(values, MACRO_AUTH_AUTHEN, s->client.login);
}

void
milter_macros_counts(struct arena *a, struct mail *m,
    struct milter_counts *counts, struct span *values)
{
	const struct fields *header;
	const struct field *id;

	snprintf(counts->taken, sizeof(counts->taken), "%zu",
	    m->envelope.nrcpts);
	snprintf(counts->refused, sizeof(counts->refused), "%zu",
	    m->refused);
	set(values, MACRO_NRCPTS, counts->taken);
	set(values, MACRO_NBADRCPTS, counts->refused);
	if (m->spool == NULL || !m->header.done)
		return;
	header = judge_fields(m->session->judge);
	id = fields_find(header, "Message-ID", NULL);
	if (id != NULL)
		values[MACRO_MSG_ID] = field_unfold(a, id);
}

void
milter_macros_rcpt(const struct chain_rcpt *rcpt, const char *mailer,
    const char *host, struct span *values)
{
	if (rcpt->is_refused) {
		set(values, MACRO_RCPT_MAILER, "error");
		set(values, MACRO_RCPT_HOST, rcpt->enhanced);
		values[MACRO_RCPT_ADDR] = rcpt->why;
		return;
	}
	set(values, MACRO_RCPT_MAILER, mailer);
	set(values, MACRO_RCPT_HOST, host);
	values[MACRO_RCPT_ADDR] = rcpt->address;
}
