#include "gateway/crowd.h"
#include "gateway/milter_macros.h"
#include "tests/kit/t.h"

/*
 * What filters are told beside the commands, for a client, his TLS, a mail and
 * its recipients.
 */
static struct arena	*arena;
static struct settings	 settings = { .hostname = "mx.here.example" };
static struct listener_conf conf = { .name = "inbound" };
static struct listener	 listener = { .conf = &conf };
static struct worker	 worker = { .settings = &settings };
static struct session	 session = { .worker = &worker,
    .listener = &listener, .id = "5f3a91c2" };

static void
come(const char *address)
{
	struct err err;

	session.client = (struct client){ .name = "out.c.example",
	    .reverse = DNS_REVERSE_OK, .helo = "mail.c.example",
	    .esmtp = true };
	addr_parse(span_z(address), &session.client.addr, &err);
	addr_parse(span_z("192.0.2.25:25"), &session.client.local, &err);
}

/* All that have a value, as "name=value" with a space between them. */
static const char *
text(const struct span *values)
{
	struct buf out = {0};
	const char *copy;

	for (unsigned i = 0; i < MACRO_COUNT; i++)
		if (values[i].p != NULL)
			buf_printf(&out, "%s%s=%.*s", out.len > 0 ? " " : "",
			    macro_name((enum macro)i), SPAN_ARG(values[i]));
	copy = arena_copy(arena, buf_text(&out));
	buf_free(&out);
	return copy;
}

static const char *
one(const struct span *values, enum macro m)
{
	return values[m].p == NULL ? NULL : arena_copy(arena, values[m]);
}

static void
check_client(void)
{
	struct span values[MACRO_COUNT] = { { 0 } };

	come("192.0.2.1:4711");
	milter_macros_client(arena, &session, values);
	T_STR("a client with a name", text(values),
	    "_=out.c.example [192.0.2.1] i=5f3a91c2 j=mx.here.example "
	    "v=Forepost " PACKAGE_VERSION " {client_addr}=192.0.2.1 "
	    "{client_connections}=0 {client_name}=out.c.example "
	    "{client_port}=4711 {client_ptr}=out.c.example "
	    "{client_resolve}=OK {daemon_addr}=192.0.2.25 "
	    "{daemon_name}=inbound {daemon_port}=25 {if_addr}=192.0.2.25 "
	    "{if_name}=mx.here.example");
}

static void
check_names(void)
{
	static const struct {
		const char		*name;	/* of the case */
		const char		*client, *unconfirmed;
		enum dns_reverse	 reverse;
		const char		*trace, *said, *ptr, *resolve;
	} cases[] = {
		{ "no name", NULL, NULL, DNS_REVERSE_NONE,
		    "unknown [2001:db8::7]", "unknown", "unknown", "FAIL" },
		{ "one that does not point back", NULL, "liar.example",
		    DNS_REVERSE_MISMATCH,
		    "liar.example [2001:db8::7] (may be forged)", "unknown",
		    "liar.example", "FORGED" },
		{ "not to be found out", NULL, NULL, DNS_REVERSE_TEMPERROR,
		    "unknown [2001:db8::7]", "unknown", "unknown", "TEMP" },
		{ "confirmed", "a.example", NULL, DNS_REVERSE_OK,
		    "a.example [2001:db8::7]", "a.example", "a.example",
		    "OK" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span values[MACRO_COUNT] = { { 0 } };

		come("[2001:db8::7]:25");
		session.client.name = cases[i].client;
		session.client.unconfirmed = cases[i].unconfirmed;
		session.client.reverse = cases[i].reverse;
		milter_macros_client(arena, &session, values);
		T_STR(cases[i].name, one(values, MACRO_TRACE),
		    cases[i].trace);
		T_STR(cases[i].name, one(values, MACRO_CLIENT_NAME),
		    cases[i].said);
		T_STR(cases[i].name, one(values, MACRO_CLIENT_PTR),
		    cases[i].ptr);
		T_STR(cases[i].name, one(values, MACRO_CLIENT_RESOLVE),
		    cases[i].resolve);
	}
}

static void
check_tls(void)
{
	struct span values[MACRO_COUNT] = { { 0 } };
	struct client *c = &session.client;

	come("192.0.2.1:4711");
	milter_macros_tls(arena, c, values);
	T_STR("in clear nothing is told of TLS", text(values), "");
	c->tls_version = "TLSv1.3";
	c->tls_cipher = "TLS_AES_256_GCM_SHA384";
	c->tls_bits = 256;
	milter_macros_tls(arena, c, values);
	T_STR("TLS without a certificate", text(values),
	    "{cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256 "
	    "{tls_version}=TLSv1.3 {verify}=NO");
	c->tls_verified = true;
	c->tls_name = "user";
	c->tls_issuer = "ca";
	milter_macros_tls(arena, c, values);
	T_STR("and with one", text(values), "{cert_issuer}=ca "
	    "{cert_subject}=user {cipher}=TLS_AES_256_GCM_SHA384 "
	    "{cipher_bits}=256 {tls_version}=TLSv1.3 {verify}=OK");
}

static void
check_mail(void)
{
	struct mail mail = { .session = &session, .number = 2, .refused = 1 };
	struct span values[MACRO_COUNT] = { { 0 } };
	struct span bare[MACRO_COUNT] = { { 0 } };
	struct milter_counts counts;
	size_t size;
	struct err err;

	come("192.0.2.1:4711");
	address_parse(span_z("bob@c.example"), false, &mail.envelope.sender,
	    &err);
	milter_macros_mail(arena, &mail, values);
	size = arena_size(arena);
	for (int i = 0; i < 10000; i++)
		milter_macros_counts(arena, &mail, &counts, values);
	T_INT("refused recipients do not grow it", arena_size(arena), size);
	T_INT("its date", values[MACRO_B].len, 31);
	values[MACRO_B].p = NULL;
	T_STR("a mail", text(values), "i=5f3a91c2.2 r=ESMTP s=mail.c.example "
	    "{mail_addr}=bob@c.example {mail_host}=c.example "
	    "{mail_mailer}=smtp {nbadrcpts}=1 {nrcpts}=0");
	session.client.login = "bob";
	mail.envelope.sender = (struct address){ .text = span_z(""),
	    .domain = span_z("") };
	milter_macros_mail(arena, &mail, bare);
	bare[MACRO_B].p = NULL;
	T_STR("a null sender, of whom a server tells who he is", text(bare),
	    "i=5f3a91c2.2 r=ESMTP s=mail.c.example {auth_authen}=bob {auth_type}=XCLIENT {mail_addr}= "
	    "{mail_host}= {mail_mailer}=smtp");
}

static void
check_rcpt(void)
{
	const struct chain_rcpt taken = { .address = SPAN_LIT("a@b.example") };
	const struct chain_rcpt refused = { .address = SPAN_LIT("c@b.example"),
	    .is_refused = true, .enhanced = "5.1.1",
	    .why = SPAN_LIT("No such user") };
	struct span values[MACRO_COUNT] = { { 0 } };

	milter_macros_rcpt(&taken, "lmtp", "inside", values);
	T_STR("one who was taken", text(values), "{rcpt_addr}=a@b.example "
	    "{rcpt_host}=inside {rcpt_mailer}=lmtp");
	milter_macros_rcpt(&refused, "lmtp", "inside", values);
	T_STR("one who was refused", text(values), "{rcpt_addr}=No such user "
	    "{rcpt_host}=5.1.1 {rcpt_mailer}=error");
}

int
main(void)
{
	struct err err;

	arena = arena_create("test");
	worker.crowd = crowd_create(16, 1, &err);
	crowd_use_share(worker.crowd, 0);
	check_client();
	check_names();
	check_tls();
	check_mail();
	check_rcpt();
	crowd_destroy(&worker.crowd);
	arena_destroy(&arena);
	return t_done();
}
