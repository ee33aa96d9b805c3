#include <stdio.h>
#include <string.h>

#include "gateway/path.h"
#include "tests/kit/t.h"

#define ALL	(ABILITY_SIZE | ABILITY_8BITMIME | ABILITY_SMTPUTF8 | \
		ABILITY_DSN | ABILITY_BINARYMIME | ABILITY_CHUNKING | \
		ABILITY_PRDR)
#define A50	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A good one comes back as path_format_mail() writes it, a bad one as
 * "code enhanced text". */
struct row {
	const char	*name, *in, *want;
	unsigned	 offered;
};

static const struct row mails[] = {
	{ "plain", "FROM:<a@b.example>", "MAIL FROM:<a@b.example>", ALL },
	{ "keyword case", "from:<a@b.example>", "MAIL FROM:<a@b.example>",
	    ALL },
	{ "null sender", "FROM:<>", "MAIL FROM:<>", ALL },
	{ "white space", "FROM: \t<a@b.example>  ", "MAIL FROM:<a@b.example>",
	    ALL },
	{ "source route", "FROM:<@c.example,@d.example:a@b.example>",
	    "MAIL FROM:<a@b.example>", ALL },
	{ "> in quotes", "FROM:<\"a>b\"@c> SIZE=5",
	    "MAIL FROM:<\"a>b\"@c> SIZE=5", ALL },
	{ "quote in quotes", "FROM:<\"a\\\">b\"@c>",
	    "MAIL FROM:<\"a\\\">b\"@c>", ALL },
	{ "long bounce address", "FROM:<" A50 A50 A50 "@b.example>",
	    "MAIL FROM:<" A50 A50 A50 "@b.example>", ALL },
	{ "all parameters", "FROM:<a@b> RET=hdrs smtputf8 Size=00123 "
	    "body=8bitmime ENVID=a+2Bb",
	    "MAIL FROM:<a@b> SIZE=123 BODY=8BITMIME SMTPUTF8 RET=hdrs "
	    "ENVID=a+2Bb", ALL },
	{ "PRDR", "FROM:<a@b> prdr SIZE=1", "MAIL FROM:<a@b> SIZE=1 PRDR",
	    ALL },
	{ "7BIT", "FROM:<a@b> BODY=7BIT", "MAIL FROM:<a@b> BODY=7BIT", ALL },
	{ "BINARYMIME", "FROM:<a@b> BODY=BINARYMIME",
	    "MAIL FROM:<a@b> BODY=BINARYMIME", ALL },
	{ "UTF-8", "FROM:<\xc3\xbc@b> SMTPUTF8",
	    "MAIL FROM:<\xc3\xbc@b> SMTPUTF8", ALL },
	{ "largest", "FROM:<a@b> SIZE=1000", "MAIL FROM:<a@b> SIZE=1000",
	    ALL },

	{ "UTF-8 without SMTPUTF8", "FROM:<\xc3\xbc@b>", "553 5.6.7 The "
	    "address is not ASCII and MAIL did not ask for SMTPUTF8", ALL },
	{ "not UTF-8", "FROM:<\xfc@b> SMTPUTF8", "553 5.1.7 Bad sender: the "
	    "address is not printable UTF-8", ALL },
	{ "too large", "FROM:<a@b> SIZE=1001",
	    "552 5.3.4 The message is larger than 1000 octets", ALL },
	{ "much too large", "FROM:<a@b> SIZE=99999999999999999999",
	    "552 5.3.4 The message is larger than 1000 octets", ALL },
	{ "21 digits", "FROM:<a@b> SIZE=000000000000000000001",
	    "501 5.5.4 SIZE cannot be \"000000000000000000001\"", ALL },
	{ "size is no number", "FROM:<a@b> SIZE=1k",
	    "501 5.5.4 SIZE cannot be \"1k\"", ALL },
	{ "negative size", "FROM:<a@b> SIZE=-1",
	    "501 5.5.4 SIZE cannot be \"-1\"", ALL },
	{ "no size", "FROM:<a@b> SIZE=", "501 5.5.4 SIZE needs a value", ALL },
	{ "no value at all", "FROM:<a@b> SIZE", "501 5.5.4 SIZE needs a value",
	    ALL },
	{ "a value where none is due", "FROM:<a@b> SMTPUTF8=1",
	    "501 5.5.4 SMTPUTF8 takes no value", ALL },
	{ "twice", "FROM:<a@b> SIZE=1 size=2", "501 5.5.4 SIZE is given twice",
	    ALL },
	{ "no such body", "FROM:<a@b> BODY=9BIT",
	    "501 5.5.4 BODY cannot be \"9BIT\"", ALL },
	{ "binary is not offered", "FROM:<a@b> BODY=BINARYMIME",
	    "555 5.5.4 BODY=BINARYMIME is not offered here",
	    ABILITY_8BITMIME },
	{ "SIZE is not offered", "FROM:<a@b> SIZE=1",
	    "555 5.5.4 The parameter SIZE is not offered here", 0 },
	{ "SMTPUTF8 is not offered", "FROM:<a@b> SMTPUTF8",
	    "555 5.5.4 The parameter SMTPUTF8 is not offered here",
	    ABILITY_SIZE },
	{ "DSN is not offered", "FROM:<a@b> ENVID=a",
	    "555 5.5.4 The parameter ENVID is not offered here",
	    ABILITY_SIZE },
	{ "unknown parameter", "FROM:<a@b> AUTH=<>",
	    "555 5.5.4 The parameter AUTH is not offered here", ALL },
	{ "a parameter of RCPT", "FROM:<a@b> NOTIFY=NEVER",
	    "555 5.5.4 The parameter NOTIFY is not offered here", ALL },
	{ "not a parameter", "FROM:<a@b> =x",
	    "501 5.5.4 \"=x\" is not a parameter", ALL },
	{ "not a parameter either", "FROM:<a@b> S_IZE=1",
	    "501 5.5.4 \"S_IZE=1\" is not a parameter", ALL },
	{ "bad RET", "FROM:<a@b> RET=BODY",
	    "501 5.5.4 RET cannot be \"BODY\"", ALL },
	{ "bad ENVID", "FROM:<a@b> ENVID=a+2", "501 5.5.4 ENVID cannot be "
	    "\"a+2\"", ALL },
	{ "ENVID with =", "FROM:<a@b> ENVID=a=b", "501 5.5.4 ENVID cannot be "
	    "\"a=b\"", ALL },
	{ "ENVID of 101", "FROM:<a@b> ENVID=" A50 A50 "a",
	    "501 5.5.4 ENVID cannot be \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaa\"", ALL },
	{ "no keyword", "<a@b>", "501 5.5.4 Expected FROM:<address>", ALL },
	{ "no colon", "FROM <a@b>", "501 5.5.4 Expected FROM:<address>",
	    ALL },
	{ "space before the colon", "FROM :<a@b>",
	    "501 5.5.4 Expected FROM:<address>", ALL },
	{ "TO in MAIL", "TO:<a@b>", "501 5.5.4 Expected FROM:<address>",
	    ALL },
	{ "nothing", "FROM:", "501 5.5.4 Expected < before the address: "
	    "FROM:<address>", ALL },
	{ "no brackets", "FROM:a@b", "501 5.5.4 Expected < before the "
	    "address: FROM:<address>", ALL },
	{ "not closed", "FROM:<a@b", "501 5.5.4 Missing > after the address",
	    ALL },
	{ "not closed, parameter", "FROM:<a@b SIZE=1",
	    "501 5.5.4 Missing > after the address", ALL },
	{ "quotes not closed", "FROM:<\"a>@b>",
	    "501 5.5.4 Missing > after the address", ALL },
	{ "ends in a backslash", "FROM:<\"a\\",
	    "501 5.5.4 Missing > after the address", ALL },
	{ "junk behind the >", "FROM:<a@b>x",
	    "501 5.5.4 Unexpected \"x\" behind the >", ALL },
	{ "two >", "FROM:<a@b>>", "501 5.5.4 Unexpected \">\" behind the >",
	    ALL },
	{ "two <", "FROM:<<a@b>>", "501 5.5.4 Unexpected \">\" behind the >",
	    ALL },
	{ "space in the domain", "FROM:<user@dom ain>", "553 5.1.7 Bad "
	    "sender: \"dom ain\" is not a domain or an address literal",
	    ALL },
	{ "no domain", "FROM:<postmaster>",
	    "553 5.1.7 Bad sender: the address has no domain", ALL },
	{ "route without address", "FROM:<@a.example>",
	    "553 5.1.7 Bad sender: nothing before the @", ALL },
	{ "bad route", "FROM:<@a,b:c@d>",
	    "553 5.1.7 Bad sender: not a source route", ALL },
	{ "route to nothing", "FROM:<@a:>",
	    "553 5.1.7 Bad sender: the address is empty", ALL },
	{ "too long", "FROM:<" A50 A50 A50 A50 A50 "@bcde>",
	    "501 5.1.7 The path is longer than 256 octets", ALL },
};

static const struct row rcpts[] = {
	{ "plain", "TO:<a@b.example>", "RCPT TO:<a@b.example>", ALL },
	{ "postmaster", "TO:<Postmaster>", "RCPT TO:<Postmaster>", ALL },
	{ "never", "TO:<a@b> NOTIFY=Never", "RCPT TO:<a@b> NOTIFY=Never",
	    ALL },
	{ "all three", "TO:<a@b> NOTIFY=SUCCESS,delay,FAILURE",
	    "RCPT TO:<a@b> NOTIFY=SUCCESS,delay,FAILURE", ALL },
	{ "original recipient", "TO:<a@b> orcpt=rfc822;x+2By@z",
	    "RCPT TO:<a@b> ORCPT=rfc822;x+2By@z", ALL },
	{ "UTF-8", "TO:<\xc3\xbc@b> ORCPT=utf-8;\xc3\xbc@b",
	    "RCPT TO:<\xc3\xbc@b> ORCPT=utf-8;\xc3\xbc@b", ALL },

	{ "null", "TO:<>", "553 5.1.3 Bad recipient: the address is empty",
	    ALL },
	{ "no domain", "TO:<abuse>",
	    "553 5.1.3 Bad recipient: the address has no domain", ALL },
	{ "never and more", "TO:<a@b> NOTIFY=NEVER,DELAY",
	    "501 5.5.4 NOTIFY cannot be \"NEVER,DELAY\"", ALL },
	{ "twice the same", "TO:<a@b> NOTIFY=DELAY,DELAY",
	    "501 5.5.4 NOTIFY cannot be \"DELAY,DELAY\"", ALL },
	{ "comma at the end", "TO:<a@b> NOTIFY=DELAY,",
	    "501 5.5.4 NOTIFY cannot be \"DELAY,\"", ALL },
	{ "comma alone", "TO:<a@b> NOTIFY=,",
	    "501 5.5.4 NOTIFY cannot be \",\"", ALL },
	{ "no type", "TO:<a@b> ORCPT=a@b",
	    "501 5.5.4 ORCPT cannot be \"a@b\"", ALL },
	{ "no address", "TO:<a@b> ORCPT=rfc822;",
	    "501 5.5.4 ORCPT cannot be \"rfc822;\"", ALL },
	{ "bad xtext", "TO:<a@b> ORCPT=rfc822;a+zz",
	    "501 5.5.4 ORCPT cannot be \"rfc822;a+zz\"", ALL },
	{ "not offered", "TO:<a@b> NOTIFY=NEVER",
	    "555 5.5.4 The parameter NOTIFY is not offered here", 0 },
	{ "unknown", "TO:<r@e.example> state=1",
	    "555 5.5.4 The parameter state is not offered here", ALL },
	{ "no brackets", "TO: a@b.example 0=9 1=9",
	    "501 5.5.4 Expected < before the address: TO:<address>", ALL },
};

static void
check(const struct row *row, bool is_mail)
{
	struct path_limits limits = { row->offered, 1000 };
	struct arena *a = arena_create("test");
	struct envelope e = {0};
	struct path_fault fault = {0};
	struct rcpt rcpt = {0};
	struct buf out = {0};
	unsigned needs = 0;
	size_t len = strlen(row->in);
	char *in = arena_strdup(a, row->in);
	int ret;

	if (is_mail)
		ret = path_parse_mail(a, span_n(in, len), &limits, &e, &fault);
	else	/* recipients may be UTF-8 here */
		ret = path_parse_rcpt(a, span_n(in, len), &limits, true, &rcpt,
		    &needs, &fault);
	memset(in, '?', len);	/* nothing of it may still be in use */
	if (ret < 0)
		buf_printf(&out, "%d %s %s", fault.code, fault.enhanced,
		    fault.text);
	else if (is_mail)
		path_format_mail(&out, &e, ALL, e.declared_size);
	else
		path_format_rcpt(&out, &rcpt, ALL);
	buf_put(&out, "", 1);
	T_STR(row->name, out.p, row->want);
	buf_free(&out);
	arena_destroy(&a);
}

static void
test_needs(void)
{
	static const struct {
		const char *name, *in;
		unsigned needs;
	} rows[] = {
		{ "needs nothing", "FROM:<a@b> SIZE=1 BODY=7BIT", 0 },
		{ "needs 8BITMIME", "FROM:<a@b> BODY=8BITMIME",
		    ABILITY_8BITMIME },
		{ "needs BINARYMIME", "FROM:<a@b> BODY=BINARYMIME",
		    ABILITY_BINARYMIME | ABILITY_CHUNKING },
		{ "needs SMTPUTF8", "FROM:<a@b> SMTPUTF8", ABILITY_SMTPUTF8 },
		{ "needs DSN", "FROM:<a@b> RET=FULL", ABILITY_DSN },
	};
	const struct path_limits limits = { ALL, 0 };
	struct arena *a = arena_create("test");
	struct path_fault fault;
	unsigned needs = ABILITY_SMTPUTF8;
	struct envelope e;
	struct rcpt rcpt;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct envelope){0};
		T_INT(rows[i].name, path_parse_mail(a, span_z(rows[i].in),
		    &limits, &e, &fault), 0);
		T_INT(rows[i].name, e.needs, rows[i].needs);
	}
	T_INT("RCPT: parse", path_parse_rcpt(a, span_z("TO:<a@b> NOTIFY=DELAY"),
	    &limits, false, &rcpt, &needs, &fault), 0);
	T_INT("RCPT adds to the needs", needs, ABILITY_SMTPUTF8 | ABILITY_DSN);
	arena_destroy(&a);
}

/* What a backend cannot do is left out. */
static void
test_format_less(void)
{
	const struct path_limits limits = { ALL, 0 };
	struct arena *a = arena_create("test");
	struct path_fault fault;
	struct envelope e = {0};
	struct buf out = {0};
	struct rcpt rcpt;
	unsigned needs = 0;

	path_parse_mail(a, span_z("FROM:<a@b> SIZE=5 BODY=8BITMIME SMTPUTF8 "
	    "RET=FULL ENVID=x"), &limits, &e, &fault);
	path_parse_rcpt(a, span_z("TO:<c@d> NOTIFY=DELAY ORCPT=rfc822;e"),
	    &limits, true, &rcpt, &needs, &fault);
	path_format_mail(&out, &e, 0, 77);
	buf_puts(&out, ";");
	path_format_rcpt(&out, &rcpt, 0);
	buf_puts(&out, ";");
	path_format_mail(&out, &e, ABILITY_SIZE, 77);
	buf_puts(&out, ";");
	path_format_mail(&out, &e, ABILITY_SIZE | ABILITY_8BITMIME, 0);
	buf_put(&out, "", 1);
	T_STR("abilities", out.p, "MAIL FROM:<a@b>;RCPT TO:<c@d>;"
	    "MAIL FROM:<a@b> SIZE=77;MAIL FROM:<a@b> BODY=8BITMIME");
	buf_free(&out);
	arena_destroy(&a);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
		check(&mails[i], true);
	for (i = 0; i < sizeof(rcpts) / sizeof(rcpts[0]); i++)
		check(&rcpts[i], false);
	test_needs();
	test_format_less();
	return t_done();
}
