#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "filters/rdns.h"
#include "tests/kit/t.h"

static const char zone[] =
	"mail.x.example A 192.0.2.9\n"
	"mail.x.example AAAA 2001:db8::9\n"
	"v4.x.example A 192.0.2.10\nv6.x.example AAAA 2001:db8::10\n"
	"alias.x.example CNAME mail.x.example\n"
	"broken.example servfail\nsilent.example timeout\n"
	"forged.example bogus\n"
	"signed.example MX 10 mail.x.example\nsigned.example secure\n"
	"x.example MX 10 mail.x.example\n"
	"x.example MX 20 v4.x.example\n"
	"xn--bcher-kva.example A 192.0.2.11\n"
	"txt.example TXT \"v=spf1 -all\"\n"
	"null.example MX 0 .\nnull.example A 192.0.2.12\n"
	"nullish.example MX 10 .\nnullish.example MX 20 .\n"
	"dot.example MX 0 .\ndot.example MX 10 v6.x.example\n"
	"dotdead.example MX 0 .\ndotdead.example MX 10 gone.example\n"
	"dead.example MX 10 gone.example\ndead.example MX 20 txt.example\n"
	"second.example MX 10 gone.example\n"
	"second.example MX 20 v4.x.example\n"
	"last.example MX 30 v6.x.example\nlast.example MX 10 gone.example\n"
	"last.example MX 20 broken.example\n"
	"unsure.example MX 10 gone.example\n"
	"unsure.example MX 20 broken.example\n"
	"address.example MX 10 192.0.2.1\n"
	"loop.example CNAME loop.example\n"
	"moved.example CNAME x.example\nmovedhost.example MX 1 alias.x.example\n"
	"adrift.example CNAME gone.example\n"
	"_dmarc.x.example TXT \"v=DMARC1\"\n"
	"halfdown.example A 192.0.2.13\n";

static int64_t
deadline(void)
{
	return clock_now() + 200 * CLOCK_MS;
}

/* --- HELO --- */

static const struct {
	const char *name, *helo, *client;
	const char *want;	/* form, resolves, matches, near, reason */
} helos[] = {
	{ "its own name", "mail.x.example", "192.0.2.9",
	    "name yes yes near: mail.x.example is 192.0.2.9 and 1 more" },
	{ "its own name, IPv6", "Mail.X.example.", "2001:db8::9",
	    "name yes yes near: mail.x.example is 192.0.2.9 and 1 more" },
	{ "mapped into IPv6", "v4.x.example", "::ffff:192.0.2.10",
	    "name yes yes near: v4.x.example is 192.0.2.10" },
	{ "through a CNAME", "alias.x.example", "192.0.2.9",
	    "name yes yes near: alias.x.example is 192.0.2.9 and 1 more" },
	{ "a neighbour's", "v4.x.example", "192.0.2.200",
	    "name yes no near: v4.x.example is 192.0.2.10" },
	{ "a neighbour's, IPv6", "v6.x.example", "2001:db8::1:2:3:4",
	    "name yes no near: v6.x.example is 2001:db8::10" },
	{ "somebody else's", "v4.x.example", "198.51.100.1",
	    "name yes no: v4.x.example is 192.0.2.10" },
	{ "only of the other kind", "v6.x.example", "192.0.2.9",
	    "name yes no: v6.x.example is 2001:db8::10" },
	{ "does not exist", "gone.example", "192.0.2.9",
	    "name no no: gone.example does not exist" },
	{ "no address", "x.example", "192.0.2.9",
	    "name no no: x.example has no address" },
	{ "only names beneath", "example", "192.0.2.9",
	    "name no no: example has no address" },
	{ "failure", "broken.example", "192.0.2.9",
	    "name temperror temperror: DNS, for broken.example: servfail" },
	{ "silence", "silent.example", "192.0.2.9",
	    "name temperror temperror: DNS, for silent.example: timeout" },
	{ "bogus", "forged.example", "192.0.2.9",
	    "name temperror temperror: DNS, for forged.example: bogus" },
	{ "CNAME loop", "loop.example", "192.0.2.9",
	    "name temperror temperror: DNS, for loop.example: servfail" },
	{ "underscore", "_dmarc.x.example", "192.0.2.9",
	    "name no no: _dmarc.x.example has no address" },
	{ "U-labels", "B\xc3\x9c" "CHER.example", "192.0.2.11",
	    "name yes yes near: xn--bcher-kva.example is 192.0.2.11" },
	{ "not UTF-8", "b\xfc" "cher.example", "192.0.2.11", "invalid no no: "
	    "no A-labels for \"b\xfc" "cher.example\": string encoding error" },
	{ "literal", "[192.0.2.9]", "192.0.2.9",
	    "literal yes yes near: the client's address" },
	{ "another's literal", "[192.0.2.10]", "192.0.2.9",
	    "literal yes no near: not the client's address" },
	{ "far literal", "[10.0.0.1]", "192.0.2.9",
	    "literal yes no: not the client's address" },
	{ "IPv6 literal", "[ipv6:2001:DB8::9]", "2001:db8::9",
	    "literal yes yes near: the client's address" },
	{ "mapped literal", "[IPv6:::ffff:192.0.2.9]", "192.0.2.9",
	    "literal yes yes near: the client's address" },
	{ "IPv6 literal without its tag", "[2001:db8::9]", "2001:db8::9",
	    "literal yes yes near: the client's address" },
	{ "literal of another kind", "[x400:c=zz]", "192.0.2.9",
	    "literal no no: an address literal of an unknown kind" },
	{ "broken literal", "[192.0.2.900]", "192.0.2.9",
	    "invalid no no: not a domain name" },
	{ "no brackets", "192.0.2.9", "192.0.2.9",
	    "invalid no no: an address without brackets" },
	{ "no brackets, IPv6", "2001:db8::9", "2001:db8::9",
	    "invalid no no: an address without brackets" },
	{ "empty label", "mail..example", "192.0.2.9",
	    "invalid no no: not a domain name" },
	{ "nothing", "", "192.0.2.9", "invalid no no: not a domain name" },
	{ "a space", "mail x.example", "192.0.2.9",
	    "invalid no no: not a domain name" },
};

MAY_YIELD static void
run_helos(struct arena *a)
{
	struct addr client, nobody = { 0 };
	struct rdns_helo h;
	struct err err;

	for (size_t i = 0; i < sizeof(helos) / sizeof(helos[0]); i++) {
		if (addr_parse_ip(span_z(helos[i].client), 25, &client,
		    &err) < 0)
			abort();
		T_INT(helos[i].name, rdns_helo(a, helos[i].helo, &client,
		    deadline(), &h, &err), 0);
		T_STR(helos[i].name, arena_printf(a, "%s %s %s%s: %s",
		    rdns_form_name(h.form), rdns_outcome_name(h.resolves),
		    rdns_outcome_name(h.matches), h.is_near ? " near" : "",
		    h.reason), helos[i].want);
		T_OK(helos[i].name, (h.name != NULL) == (h.form == RDNS_NAME));
	}
	T_INT("no HELO", rdns_helo(a, NULL, &client, deadline(), &h, &err), 0);
	T_INT("no HELO", h.form, RDNS_INVALID);
	T_INT("no address of the client", rdns_helo(a, "silent.example",
	    &nobody, deadline(), &h, &err), 0);
	T_INT("no address of the client", h.matches, RDNS_NO);
	rdns_helo(a, "signed.example", &client, deadline(), &h, &err);
	T_OK("DNSSEC status", h.secure);
}

/* --- the sender's domain --- */

static const struct {
	const char *name, *domain, *want;
} senders[] = {
	{ "MX", "x.example", "yes mx: x.example has MX mail.x.example" },
	{ "letter case and final dot", "X.Example",
	    "yes mx: x.example has MX mail.x.example" },
	{ "no MX, but an address", "v4.x.example",
	    "yes address: v4.x.example has no MX, but an address" },
	{ "no MX, but an IPv6 address", "v6.x.example",
	    "yes address: v6.x.example has no MX, but an address" },
	{ "CNAME to a domain with MX", "moved.example",
	    "yes mx: moved.example has MX mail.x.example" },
	{ "CNAME to a host", "alias.x.example",
	    "yes address: alias.x.example has no MX, but an address" },
	{ "CNAME to nothing", "adrift.example",
	    "no no-name: adrift.example does not exist" },
	{ "CNAME loop", "loop.example",
	    "yes temperror: DNS, for loop.example: servfail" },
	{ "MX to a CNAME", "movedhost.example",
	    "yes mx: movedhost.example has MX alias.x.example" },
	{ "null MX", "null.example",
	    "no null-mx: null.example says that it takes no mail" },
	{ "null MX twice", "nullish.example",
	    "no null-mx: nullish.example says that it takes no mail" },
	{ "the root among others", "dot.example",
	    "yes mx: dot.example has MX v6.x.example" },
	{ "the root and a dead host", "dotdead.example",
	    "no no-mx-host: no MX host of dotdead.example has an address" },
	{ "dead hosts", "dead.example",
	    "no no-mx-host: no MX host of dead.example has an address" },
	{ "the second host", "second.example",
	    "yes mx: second.example has MX v4.x.example" },
	{ "the last host", "last.example",
	    "yes mx: last.example has MX v6.x.example" },
	{ "a host that cannot be looked up", "unsure.example", "yes temperror: "
	    "DNS, for the MX hosts of unsure.example: servfail" },
	{ "MX to an address", "address.example",
	    "no no-mx-host: no MX host of address.example has an address" },
	{ "MX to silence", "quiet.example", "yes temperror: "
	    "DNS, for the MX hosts of quiet.example: timeout" },
	{ "does not exist", "gone.example",
	    "no no-name: gone.example does not exist" },
	{ "neither", "txt.example",
	    "no no-host: txt.example has neither MX nor address" },
	{ "failure", "broken.example",
	    "yes temperror: DNS, for broken.example: servfail" },
	{ "silence", "silent.example",
	    "yes temperror: DNS, for silent.example: timeout" },
	{ "bogus", "forged.example",
	    "yes temperror: DNS, for forged.example: bogus" },
	{ "U-labels", "b\xc3\xbc" "cher.example",
	    "yes address: xn--bcher-kva.example has no MX, but an address" },
	{ "literal", "[192.0.2.1]", "yes literal: an address literal" },
	{ "IPv6 literal", "[IPv6:2001:db8::1]",
	    "yes literal: an address literal" },
	{ "literal of another kind", "[x400:c=zz]",
	    "no invalid: an address literal of an unknown kind" },
	{ "no brackets", "192.0.2.1",
	    "no invalid: an address without brackets" },
	{ "no name", "x..example", "no invalid: not a domain name" },
	{ "null sender", "", "yes null-sender: no domain" },
};

static const char *
ask(struct arena *a, const char *domain)
{
	struct address sender = { .domain = span_z(domain) };
	struct rdns_sender s;
	struct err err;

	if (rdns_sender(a, &sender, deadline(), &s, &err) < 0)
		return err_kind_name(err.kind);
	T_OK(domain, (s.host != NULL) == (s.why == RDNS_MAIL_MX ||
	    s.why == RDNS_MAIL_ADDRESS));
	return arena_printf(a, "%s %s: %s", s.accepts_mail ? "yes" : "no",
	    rdns_mail_name(s.why), s.reason);
}

MAY_YIELD static void
run_senders(struct arena *a)
{
	struct address sender = { .domain = SPAN_LIT("signed.example") };
	struct dns_stats before, after;
	struct rdns_sender s;
	struct err err;

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		T_STR(senders[i].name, ask(a, senders[i].domain),
		    senders[i].want);
	dns_statistics(&before);
	T_STR("more dead hosts than are looked up", ask(a, "crowd.example"),
	    "yes temperror: crowd.example has 300 MX hosts, more than are "
	    "looked up");
	dns_statistics(&after);
	T_INT("bounded", after.asked - before.asked, 3 + 2 * RDNS_HOSTS);
	T_STR("the best of many", ask(a, "queue.example"),
	    "yes mx: queue.example has MX v4.x.example");
	if (rdns_sender(a, &sender, deadline(), &s, &err) < 0)
		abort();
	T_OK("DNSSEC status", s.secure);
}

static void
run_names(void)
{
	T_STR("no reverse name", rdns_iprev(DNS_REVERSE_NONE), "permerror");
	T_STR("confirmed", rdns_iprev(DNS_REVERSE_OK), "pass");
	T_STR("points elsewhere", rdns_iprev(DNS_REVERSE_MISMATCH), "fail");
	T_STR("not known", rdns_iprev(DNS_REVERSE_TEMPERROR), "temperror");
}

/* --- and stopped --- */

struct stopped {
	bool	is_sender;
	int	ret;
	struct err err;
};

MAY_YIELD static void
run_stopped(void *arg)
{
	struct stopped *s = arg;
	struct arena *a = arena_create("test");
	struct address sender = { .domain = SPAN_LIT("quiet.example") };
	struct addr client;
	union {
		struct rdns_helo helo;
		struct rdns_sender sender;
	} answer;

	addr_parse_ip(SPAN_LIT("192.0.2.9"), 25, &client, &s->err);
	s->ret = s->is_sender ? rdns_sender(a, &sender, CLOCK_NEVER,
	    &answer.sender, &s->err) : rdns_helo(a, "silent.example", &client,
	    CLOCK_NEVER, &answer.helo, &s->err);
	arena_destroy(&a);
}

static void
test_stop(bool is_sender)
{
	struct stopped s = { .is_sender = is_sender };
	struct fiber *f = fiber_spawn("test", run_stopped, &s);
	int i;

	for (i = 0; i < 10; i++)
		loop_turn(false);
	fiber_stop(f);
	while (fiber_count() > 0)
		loop_turn(true);
	T_INT("stopped while it waits", s.ret, -1);
	T_INT("stopped while it waits", s.err.kind, ERR_CLOSED);
}

MAY_YIELD static void
run(void *unused)
{
	struct arena *a = arena_create("test");

	(void)unused;
	run_helos(a);
	run_senders(a);
	run_names();
	arena_destroy(&a);
}

int
main(void)
{
	struct buf text = { 0 };
	struct dns_options options = { 0 };
	struct err err;
	int i;

	buf_puts(&text, zone);
	buf_puts(&text, "quiet.example MX 1 silent.example\n");
	for (i = 0; i < 300; i++) {
		buf_printf(&text, "crowd.example MX %d g%d.example\n",
		    1 + i * 7 % 300, i);
		buf_printf(&text, "queue.example MX %d %s.example\n",
		    1 + i * 7 % 300, i == 0 ? "v4.x" : "g");
	}
	buf_put(&text, "", 1);
	options.hosts = text.p;
	loop_create();
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	fiber_spawn("test", run, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	test_stop(false);
	test_stop(true);
	dns_destroy();
	buf_free(&text);
	loop_destroy();
	return t_done();
}
