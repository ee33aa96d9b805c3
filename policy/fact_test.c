#include <string.h>

#include "policy/fact.h"
#include "tests/kit/t.h"

/* The rows that are found by name, and what stands behind the dot. */
static const struct {
	const char	*name, *asked;
	int		 id;		/* -1: no such fact */
	const char	*argument;
} finds[] = {
	{ "a fact", "client.ip", FACT_CLIENT_IP, "" },
	{ "one without a dot", "spf", FACT_SPF, "" },
	{ "one that begins like another", "spf.helo", FACT_SPF_HELO, "" },
	{ "with an argument of its own", "header-count", FACT_HEADER_COUNT, "" },
	{ "of a list", "dnsbl.zen", FACT_DNSBL_LIST, "zen" },
	{ "a dot in the name of a list", "dnsbl.a.b", FACT_DNSBL_LIST, "a.b" },
	{ "of all lists", "dnsbl.score", FACT_DNSBL_SCORE, "" },
	{ "begins like that of all lists", "dnsbl.scores", FACT_DNSBL_LIST,
	    "scores" },
	{ "no list", "dnsbl.", -1, "" },
	{ "of a filter", "milter.clamav", FACT_MILTER, "clamav" },
	{ "no filter", "milter.", -1, "" },
	{ "the filters", "milter", -1, "" },
	{ "no dot either", "dnsbl", -1, "" },
	{ "part of a name", "client", -1, "" },
	{ "more than a name", "client.ip4", -1, "" },
	{ "a dot too many", "spf.", -1, "" },
	{ "capitals", "Client.IP", -1, "" },
	{ "nothing", "", -1, "" },
};

static void
test_find(void)
{
	char argument[20];
	struct span behind;
	const struct fact *f;

	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		f = fact_find(span_z(finds[i].asked), &behind);
		T_INT(finds[i].name, f == NULL ? -1 : (int)f->id,
		    finds[i].id);
		memcpy(argument, behind.p != NULL ? behind.p : "", behind.len);
		argument[behind.len] = '\0';
		T_STR(finds[i].name, argument, finds[i].argument);
	}
}

static void
test_nearest(void)
{
	T_STR("a letter left out", fact_nearest(span_z("sender.doman")),
	    "sender.domain");
	T_STR("capitals", fact_nearest(span_z("Client.IP")), "client.ip");
	T_STR("an underscore", fact_nearest(span_z("client.early_talker")),
	    "client.early-talker");
	T_OK("nothing like it", fact_nearest(span_z("weather")) == NULL);
	T_OK("a list is not proposed", fact_nearest(span_z("dnsbl")) == NULL);
}

static void
test_word(void)
{
	const struct fact *spf = fact_at(FACT_SPF);
	int i = fact_word(spf, span_z("softfail"));

	T_STR("its index", i < 0 ? "" : spf->words[i], "softfail");
	T_INT("the first", fact_word(spf, span_z("none")), 0);
	T_INT("of another fact", fact_word(spf, span_z("reject")), -1);
	T_INT("a part", fact_word(spf, span_z("soft")), -1);
	T_INT("no words", fact_word(fact_at(FACT_SENDER), span_z("pass")), -1);
}

static bool
says_none(const struct fact *f)
{
	return fact_word(f, span_z("none")) >= 0;
}

/* A fact of a longer life than its phase would be there before it is known;
 * one that needs the message is of the message. */
static bool
scope_fits(const struct fact *f)
{
	switch (f->scope) {
	case FACT_OF_SESSION:
		return f->phase == PHASE_CONNECT;
	case FACT_OF_HELO:
		return f->phase == PHASE_HELO;
	case FACT_OF_RCPT:
		return f->phase == PHASE_RCPT;
	case FACT_OF_MESSAGE:
		return f->phase == PHASE_MESSAGE;
	case FACT_OF_MAIL:	/* or changes from mail to mail */
		return f->phase == PHASE_MAIL || f->phase == PHASE_CONNECT;
	case FACT_OF_RULES:
		return f->phase == PHASE_CONNECT;
	}
	return false;
}

static void
test_row(const struct fact *f)
{
	struct span argument;
	size_t len = strlen(f->name);

	if (fact_is_dotted(f))
		T_OK(f->name, f->name[len - 1] == '.');
	else
		T_OK(f->name, fact_find(span_z(f->name), &argument) == f);
	T_INT(f->name, strspn(f->name, "abcdefghijklmnopqrstuvwxyz.-"), len);
	T_OK(f->name, f == fact_at(f->id));
	T_INT("words", f->words != NULL, f->type == TYPE_WORD);
	T_OK("none has one meaning", !(f->may_be_none && says_none(f)));
	T_OK("there is always an answer to yes or no",
	    !(f->may_be_none && f->type == TYPE_YESNO));
	T_OK("a list can be empty and is not none",
	    !(f->may_be_none && type_is_list(f->type)));
	T_OK(f->name, scope_fits(f));
	/* Of the mail, and known before there is one. */
	T_OK(f->name, f->change == FACT_GROWS || f->scope != FACT_OF_MAIL ||
	    f->phase == PHASE_MAIL);
	T_OK("what the session or HELO gives stays",
	    f->change == FACT_STAYS || f->scope >= FACT_OF_MAIL);
	T_INT(f->name, f->cost == FACT_BODY || f->cost == FACT_FILTER,
	    f->scope == FACT_OF_MESSAGE);
	T_OK("help is a phrase", f->help[0] != '\0' &&
	    f->help[strlen(f->help) - 1] != '.');
}

/* The words that the filters have for their results, in their order. */
static void
test_order(void)
{
	const struct fact *f = fact_at(FACT_HELO_KIND);

	T_STR("helo is false", f->words[false], "helo");
	T_STR("ehlo is true", f->words[true], "ehlo");
	T_INT("spf", fact_word(fact_at(FACT_SPF), span_z("permerror")), 6);
	T_INT("dkim", fact_word(fact_at(FACT_DKIM), span_z("policy")), 6);
	T_INT("dmarc", fact_word(fact_at(FACT_DMARC), span_z("permerror")), 4);
	T_INT("greylist", fact_word(fact_at(FACT_GREYLIST),
	    span_z("unknown")), 6);
	T_INT("policy",
	    fact_word(fact_at(FACT_DMARC_POLICY), span_z("reject")), 2);
	T_INT("arc", fact_word(fact_at(FACT_ARC), span_z("temperror")), 3);
	T_INT("milter", fact_word(fact_at(FACT_MILTER), span_z("error")), 6);
	T_INT("reverse", fact_word(fact_at(FACT_CLIENT_REVERSE),
	    span_z("mismatch")), 2);
}

int
main(void)
{
	test_find();
	test_nearest();
	test_word();
	for (int i = 0; i < FACTS; i++)
		test_row(fact_at((enum fact_id)i));
	test_order();
	return t_done();
}
