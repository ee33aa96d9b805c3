#include <string.h>

#include "base/addr.h"
#include "filters/authres_results.h"
#include "tests/kit/t.h"

static struct client client = { .name = "mail.x.example",
    .reverse = DNS_REVERSE_OK, .helo = "Mail.X.example" };
static struct envelope from_bob, from_nobody;

static const struct spf_answer spf_pass = { .result = SPF_PASS,
    .domain = "x.example", .mechanism = "ip4:192.0.2.0/24" };
static const struct spf_answer spf_none = { .result = SPF_NONE,
    .domain = "mail.x.example", .problem = "mail.x.example has no record" };

static struct signature signatures[] = {
	{ .result = SIGNATURE_PASS, .domain = "x.example", .selector = "s1",
	    .identity = "@x.example", .algorithm = "rsa-sha256",
	    .prefix = "Ab/d+F12", .bits = 2048, .is_test = true,
	    .has_length = true, .length = 100, .is_partial = true },
	{ .result = SIGNATURE_PERMERROR, .reason = "no key",
	    .identity = "a \"b\"@y.example" },
};
static const struct signature_answer two = { .best = SIGNATURE_PASS, .n = 2,
    .list = signatures, .ignored = 3 };
static const struct signature_answer unsigned_mail = { .n = 0 };

static const struct author author = { .domain = "a.x.example",
    .ndomains = 1, .domains = { "a.x.example" } };
static const struct author authors = { .fault = "two domains",
    .ndomains = 2, .domains = { "x.example", "y.example" } };
static const struct dmarc_answer dmarc = { .result = DMARC_FAIL,
    .reason = "nothing is aligned", .domain = "a.x.example",
    .record_at = "x.example", .policy = DMARC_POLICY_QUARANTINE,
    .published = DMARC_POLICY_REJECT, .policy_tag = "sp", .testing = true };
static const struct dmarc_answer dmarc_none = { .result = DMARC_NONE,
    .reason = "no record", .domain = "x.example" };
static const struct dmarc_answer dmarc_nobody = { .result = DMARC_PERMERROR,
    .reason = "two domains" };

static const struct arc_answer arc = { .outcome = ARC_PASS, .sets = 2,
    .sealer = "list.example", .reason = "all pass" };
static const struct arc_answer arc_temperror = { .outcome = ARC_TEMPERROR,
    .sets = 1, .reason = "no answer", .oldest_pass = ARC_OLDEST_UNKNOWN };

static const struct {
	const char		*name;
	struct findings		 found;
	struct envelope		*envelope;
	const char		*want;
} cases[] = {
	{ "nothing checked", { 0 }, &from_bob, "" },
	{ "spf", { .spf = &spf_pass, .spf_helo = &spf_none }, &from_bob,
	    ";\r\n\tspf=pass (matched ip4:192.0.2.0/24) "
	    "smtp.mailfrom=bob@x.example"
	    ";\r\n\tspf=none reason=\"mail.x.example has no record\" "
	    "smtp.helo=mail.x.example" },
	{ "spf of the null sender", { .spf = &spf_none,
	    .spf_helo = &spf_none }, &from_nobody,
	    ";\r\n\tspf=none reason=\"mail.x.example has no record\" "
	    "smtp.helo=mail.x.example" },
	{ "dkim", { .dkim = &two }, &from_bob,
	    ";\r\n\tdkim=pass (2048-bit key, test key, only 100 octets of the "
	    "body are signed)\r\n\theader.d=x.example header.s=s1 "
	    "header.i=@x.example header.a=rsa-sha256\r\n"
	    "\theader.b=\"Ab/d+F12\""
	    ";\r\n\tdkim=permerror (signatures not looked at: 3) "
	    "reason=\"no key\"\r\n\theader.i=\"a \\\"b\\\"\"@y.example" },
	{ "dkim none", { .dkim = &unsigned_mail }, &from_bob,
	    ";\r\n\tdkim=none" },
	{ "dmarc", { .dmarc = &dmarc, .author = &author }, &from_bob,
	    ";\r\n\tdmarc=fail (sp=reject at x.example, t=y) "
	    "reason=\"nothing is aligned\"\r\n"
	    "\theader.from=a.x.example policy.dmarc=quarantine" },
	{ "dmarc none", { .dmarc = &dmarc_none, .author = &author },
	    &from_bob, ";\r\n\tdmarc=none reason=\"no record\" "
	    "header.from=x.example" },
	{ "several authors", { .dmarc = &dmarc_nobody, .author = &authors },
	    &from_bob, ";\r\n\tdmarc=permerror (one of 2 author domains) "
	    "reason=\"two domains\"" },
	{ "arc", { .arc = &arc }, &from_bob,
	    ";\r\n\tarc=pass (i=2 sealed by list.example) "
	    "header.oldest-pass=0\r\n\tsmtp.remote-ip=192.0.2.1" },
	{ "arc that could not be looked up", { .arc = &arc_temperror },
	    &from_bob, ";\r\n\tarc=fail reason=\"no answer\" "
	    "smtp.remote-ip=192.0.2.1" },
};

/* iprev stands before arc. */
static char *
with_iprev(struct arena *a, const char *want)
{
	const char *arc_at = strstr(want, ";\r\n\tarc=");
	size_t before = arc_at == NULL ? strlen(want) :
	    (size_t)(arc_at - want);

	return arena_printf(a, "Authentication-Results: mx.example%.*s;\r\n"
	    "\tiprev=pass (mail.x.example) policy.iprev=192.0.2.1%s\r\n",
	    (int)before, want, arc_at == NULL ? "" : arc_at);
}

static char *
written(struct arena *a, const struct envelope *envelope,
    const struct findings *found)
{
	struct authres r = { .authserv_id = "mx.example" };
	struct buf out = {0};
	char *text;

	authres_results(a, &client, envelope, found, &r);
	authres_write(a, &out, &r);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
check_clients(struct arena *a)
{
	struct findings none = {0};
	struct err err;

	client.reverse = DNS_REVERSE_MISMATCH;
	client.name = NULL;
	T_OK("IPv6", addr_parse_ip(span_z("2001:db8::1"), 25, &client.addr,
	    &err) == 0);
	T_STR("not confirmed", written(a, &from_bob, &none),
	    "Authentication-Results: mx.example;\r\n"
	    "\tiprev=fail policy.iprev=\"2001:db8::1\"\r\n");
	client.addr.len = 0;
	T_STR("address not known", written(a, &from_bob, &none),
	    "Authentication-Results: mx.example; none\r\n");
}

static void
check_received_spf(struct arena *a)
{
	struct findings found = { .spf = &spf_pass };
	struct received_spf r;
	struct buf out = {0};

	authres_results_spf(a, &client, &from_bob, &found, "mx.example", &r);
	received_spf_write(a, &out, &r);
	T_STR("Received-SPF", arena_copy(a, buf_text(&out)),
	    "Received-SPF: pass receiver=mx.example; client-ip=192.0.2.1;\r\n"
	    "\tenvelope-from=\"bob@x.example\"; helo=Mail.X.example; "
	    "identity=mailfrom;\r\n\tmechanism=\"ip4:192.0.2.0/24\"\r\n");
	buf_clear(&out);
	found.spf = &spf_none;
	authres_results_spf(a, &client, &from_nobody, &found, "mx.example",
	    &r);
	received_spf_write(a, &out, &r);
	T_STR("Received-SPF of the null sender",
	    arena_copy(a, buf_text(&out)),
	    "Received-SPF: none receiver=mx.example; client-ip=192.0.2.1;\r\n"
	    "\tenvelope-from=\"postmaster@Mail.X.example\"; "
	    "helo=Mail.X.example;\r\n\tidentity=mailfrom; "
	    "problem=\"mail.x.example has no record\"\r\n");
	buf_free(&out);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct err err;
	size_t i;

	from_bob.sender.text = span_z("bob@x.example");
	addr_parse_ip(span_z("192.0.2.1"), 25, &client.addr, &err);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, written(a, cases[i].envelope,
		    &cases[i].found), with_iprev(a, cases[i].want));
	check_received_spf(a);
	check_clients(a);
	arena_destroy(&a);
	return t_done();
}
