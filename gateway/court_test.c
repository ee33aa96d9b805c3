#include <string.h>

#include "base/loop.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/*
 * What is known of rules before any of them is asked: what they can have
 * looked up, which replies they hold back, whether the header is needed.
 */
#define NAMED	"dnsbl zen { zone zen.example reply 127.0.0.2 score 1 }\n"
#define QUIET	"authres { add no }\n"
#define FILTER(more) "milter m { address unix:/run/m when rules " more " }\n"

static const struct {
	const char	*name, *conf, *rules, *want;
} cases[] = {
	{ "no rule, no results: Received wants the name", QUIET NAMED, "",
	    "name" },
	{ "results want checks", NAMED, "",
	    "name spf-helo spf dkim dmarc" },
	{ "and ARC, if it is set", "arc verify\n", "",
	    "name spf-helo spf dkim dmarc arc" },
	{ "ARC alone is nowhere told", "arc verify\n" QUIET, "", "name" },
	{ "Received-SPF", "spf { received_spf yes }\n" QUIET, "", "name spf" },
	{ "one list", QUIET NAMED,
	    "on connect { score 1 when dnsbl.zen in { 127.0.0.2 } }\n",
	    "name lists; asks connect" },
	{ "a fact in a text", QUIET,
	    "on rcpt { reject \"{helo.resolves}\" }\n",
	    "name helo; asks rcpt" },
	{ "what only observes asks too, but holds nothing back", QUIET,
	    "observe on helo { disconnect \"{spf.helo}\" }\n"
	    "on helo { observe delay 5s }\n",
	    "name spf-helo; asks helo" },
	{ "DMARC makes use of SPF and DKIM", QUIET,
	    "on message { score 1 when dmarc is fail }\n",
	    "name spf dkim dmarc; asks message" },
	{ "so does alignment", QUIET,
	    "on message { score 1 when dkim.aligned }\n",
	    "name spf dkim dmarc; asks message" },
	{ "the sender's domain", QUIET,
	    "on mail { score 1 when sender.domain-accepts-mail }\n",
	    "name sender; asks mail" },
	{ "delay and disconnect hold the reply back", QUIET,
	    "on connect { delay 1s }\non mail { disconnect \"x\" }\n",
	    "name; asks connect mail; prompt connect mail" },
	{ "in a group too", QUIET,
	    "on helo { when client.port > 1 { delay 1s\n tag x } }\n",
	    "name; asks helo; prompt helo" },
	{ "a header field is read", QUIET,
	    "on message { tag x when header \"Subject\" is none }\n",
	    "name; asks message; header" },
	{ "the author", QUIET,
	    "on message { log \"{from.domain}\" }\n",
	    "name; asks message; header" },
	{ "the header is changed", QUIET,
	    "on message { when client.port > 1 { add header \"X\" \"y\" } }\n",
	    "name; asks message; header" },
	{ "but not by what observes", QUIET,
	    "on message { observe remove header \"X\" }\n",
	    "name; asks message" },
	{ "a filter that hears of each stage is known to by then",
	    QUIET FILTER("tell_at connect"),
	    "on connect { milter m }\non rcpt { milter m }\n",
	    "name; asks connect rcpt; prompt connect; header" },
	{ "unless it is only observed", QUIET FILTER("tell_at connect"),
	    "on connect { observe milter m }\n",
	    "name; asks connect; header" },
	{ "one that hears of recipients can wait", QUIET FILTER(""),
	    "on connect { milter m }\n", "name; asks connect; header" },
	{ "the size is no header", QUIET,
	    "on message { reject \"x\" when message.size > 10M }\n",
	    "name; asks message" },
};

static const struct {
	unsigned	 bit;
	const char	*name;
} checks[] = {
	{ CHECK_NAME, "name" }, { CHECK_LISTS, "lists" },
	{ CHECK_HELO, "helo" }, { CHECK_SPF_HELO, "spf-helo" },
	{ CHECK_SPF, "spf" }, { CHECK_SENDER, "sender" },
	{ CHECK_DKIM, "dkim" }, { CHECK_DMARC, "dmarc" },
	{ CHECK_ARC, "arc" },
};

static void
put_phases(struct buf *out, const char *what, const bool *is)
{
	bool any = false;

	for (size_t i = 0; i < PHASES; i++) {
		if (!is[i])
			continue;
		buf_printf(out, "%s %s", any ? "" : what,
		    phase_name((enum phase)i));
		any = true;
	}
}

static void
compare(struct hearing *h)
{
	const struct court *c = h->court;
	struct buf out = {0};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (c->wants & checks[i].bit)
			buf_printf(&out, "%s%s", out.len > 0 ? " " : "",
			    checks[i].name);
	put_phases(&out, "; asks", c->has_rules);
	put_phases(&out, "; prompt", c->is_prompt);
	if (c->reads_header)
		buf_puts(&out, "; header");
	T_STR(cases[*(size_t *)h->test].name,
	    arena_copy(h->arena, buf_text(&out)),
	    cases[*(size_t *)h->test].want);
	buf_free(&out);
}

/* --- who is looked up --- */

static const struct {
	const char	*name, *client, *want;
} clients[] = {
	{ "anybody", "192.0.2.9", "all" },
	{ "IPv6", "2001:db8::9", "all" },
	{ "this machine", "127.0.0.1", "nothing, unchecked" },
	{ "all of it", "127.8.8.8", "nothing, unchecked" },
	{ "by IPv6", "::1", "nothing, unchecked" },
	{ "a network of `unchecked`", "10.1.2.3", "its name, unchecked" },
	{ "of IPv6", "2001:db8:1::2", "its name, unchecked" },
};

static void
compare_clients(struct hearing *h)
{
	const struct smtp_conf *conf = &h->settings->listeners[0].smtp;
	struct addr ip;

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		unsigned wants;

		if (addr_parse_ip(span_z(clients[i].client), 25, &ip,
		    &h->err) < 0)
			continue;
		wants = court_wants(h->court, conf, &ip);
		T_STR(clients[i].name, arena_printf(h->arena, "%s%s",
		    wants == h->court->wants ? "all" : wants == CHECK_NAME ?
		    "its name" : wants == 0 ? "nothing" : "some",
		    court_is_unchecked(conf, &ip) ? ", unchecked" : ""),
		    clients[i].want);
	}
}

/* A hearing is large: each of the two functions has its own frame. */
static __attribute__((noinline)) void
test_rules(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hearing h = { .rules = cases[i].rules,
		    .conf = cases[i].conf, .test = &i };

		hearing_hold(&h, compare);
	}
}

static __attribute__((noinline)) void
test_clients(void)
{
	struct hearing h = { .rules = "",
	    .conf = "unchecked 10.0.0.0/8 2001:db8:1::/48\n" };

	hearing_hold(&h, compare_clients);
}

int
main(void)
{
	loop_create();
	test_rules();
	test_clients();
	loop_destroy();
	return t_done();
}
