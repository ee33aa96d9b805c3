#include "filters/greylist_sender.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *want;
} senders[] = {
	{ "ordinary", "joe", "joe" },
	{ "letter case", "Joe.Smith", "joe.smith" },
	{ "nothing", "", "" },
	{ "year behind a name", "joe1985", "joe1985" },
	{ "year as a word", "joe.1985", "joe.#" },
	{ "a name with digits within", "web2print", "web2print" },
	{ "a number is a mailbox", "1234567890", "1234567890" },
	{ "a long number is an id", "20240102030405", "#" },
	{ "quoted", "\"Joe Smith\"", "joe smith" },
	{ "quoted pair", "\"a\\\"b\"", "a\"b" },
	{ "UTF-8", "j\xc3\xb6rg", "j\xc3\xb6rg" },

	/* lists */
	{ "Mailman", "list-bounces+ann=here.example", "list-bounces" },
	{ "Mailman, no VERP", "list-bounces", "list-bounces" },
	{ "ezmlm", "list-return-4711-ann=here.example", "list-return-#" },
	{ "ezmlm, other number", "list-return-4712-ann=here.example",
	    "list-return-#" },
	{ "ezmlm, dots in the name", "list-return-7-ann.b=here.example",
	    "list-return-#" },
	{ "LISTSERV", "owner-news*ann**here.example", "owner-news" },
	{ "LISTSERV, dated", "owner-nolist-20240101*ann**here.example",
	    "owner-nolist-#" },
	{ "Sympa", "news-owner", "news-owner" },
	{ "Postfix VERP", "owner-list+ann=here.example", "owner-list" },
	{ "Google Groups", "list+bncBDLMNOPQ4ECRBZXYABCDEFGH2A", "list" },
	{ "Majordomo", "owner-list", "owner-list" },

	/* services that send for others */
	{ "SendGrid", "bounces+1234567-ab12-ann=here.example", "bounces" },
	{ "Mailgun", "bounce+1f2e3d.4c5b6a-ann=here.example", "bounce" },
	{ "Mailchimp", "bounce-mc.us12_12345678.7654321-ab12cd34ef",
	    "bounce-mc.us12_#" },
	{ "Salesforce", "bounce-1234_HTML-567890-11121-5140-99",
	    "bounce-#_html-#" },
	{ "SES", "0100018c5e2f6a1b-6c1ab2f4-12ab-beef-9d2e-"
	    "0c1a2b3d4e5f-000000", "#" },
	{ "SES, a group of letters", "0100018c5e2f6a1b-beefcafe-dead-abcd-efab-"
	    "0c1a2b3d4e5f-000001", "#" },
	{ "Amazon", "202401020304051a2b3c4d5e6f708192a3b4c5d6e7f8091",
	    "#" },
	{ "LinkedIn", "s-8mfxk4yfaw5h2rk8nq5wcy2h4", "s-#" },
	{ "SparkPost", "msprvs1=19999abcDEFgh=bounces-244410-29",
	    "bounces-#" },
	{ "the recipient within an id", "b0146eab5e0ann=here.example",
	    "#" },
	{ "recipient first", "ann=here.example", "ann" },
	{ "time and process", "apache-1704164645.12345", "apache-#" },
	{ "ids behind one another", "n-1-2-3-x-4-5", "n-#-x-#" },
	{ "hexadecimal behind an id", "12-abc-xyz", "#-xyz" },
	{ "short words are kept", "a1b2-c3", "a1b2-c3" },
	{ "= that is no recipient", "a=b", "a=b" },
	{ "a tag and nothing else", "+tag", "+tag" },

	/* signatures */
	{ "BATV", "prvs=0123abcdef=joe", "joe" },
	{ "BATV, letter case", "PRVS=0123ABCDEF=Joe", "joe" },
	{ "BATV of drafts", "prvs=joe/0123abcdef", "joe" },
	{ "BATV, no signature", "prvs=joe", "prvs=joe" },
	{ "Barracuda's", "btv1==0123abcdef==joe", "joe" },
	{ "BATV over a list", "prvs=0123abcdef=list-bounces+x=y.example",
	    "list-bounces" },
	{ "SRS0", "SRS0=HaSh=TT=a.example=joe", "a.example!joe" },
	{ "SRS0, another day", "SRS0=oThr=TU=a.example=joe",
	    "a.example!joe" },
	{ "SRS0 with +", "SRS0+HaSh=TT=a.example=joe", "a.example!joe" },
	{ "SRS0 with -", "SRS0-HaSh=TT=a.example=joe", "a.example!joe" },
	{ "SRS0 of a list", "SRS0=HaSh=TT=a.example=list-return-7-b=c.example",
	    "a.example!list-return-#" },
	{ "SRS0, = in the name", "SRS0=HaSh=TT=a.example=b=c",
	    "a.example!b=c" },
	{ "SRS1", "SRS1=HaSh=f.example==HsSh=TT=a.example=joe",
	    "a.example!joe" },
	{ "SRS1, + within", "SRS1=HaSh=f.example=+HsSh=TT=a.example=joe",
	    "a.example!joe" },
	{ "SRS of Microsoft", "bounces+SRS=abCd1=TT", "bounces" },
	{ "SRS0 cut short", "SRS0=HaSh=TT", "srs0=hash=tt" },
	{ "SRS0 without a name", "SRS0=HaSh=TT=a.example=", "a.example!" },
	{ "SRS1 cut short", "SRS1=HaSh=f.example=", "srs1" },
	{ "Gmail's forwarding", "joe+caf_=ann=here.example", "joe" },
};

static const struct {
	const char *name, *in, *want;
} rcpts[] = {
	{ "ordinary", "Ann.Other", "ann.other" },
	{ "tag", "ann+shop", "ann" },
	{ "tag of a service", "reply+0123abcdef", "reply" },
	{ "numbers are kept", "ann-1985", "ann-1985" },
	{ "BATV", "prvs=0123abcdef=ann", "ann" },
	{ "+ in front", "+49301234", "+49301234" },
};

/* Each line is one list, or one sender, at two times. */
static const struct {
	const char *name, *a, *b;
} pairs[] = {
	{ "BATV", "prvs=1234567890=joe", "prvs=234567890a=joe" },
	{ "SES", "0100018c5e2f6a1b-6c1ab2f4-12ab-4d2f-9d2e-0c1a2b3d4e5f-000000",
	    "0102018d0a1b2c3d-0c1ab2f4-beef-4abc-addd-ffffffffffff-000000" },
	{ "SFMC", "bounce-9_HTML-31-2-5140-9",
	    "bounce-1209_HTML-367-22-5140-119" },
	{ "Mailchimp", "bounce-mc.us12_12345678.7654321-ab12cd34ef",
	    "bounce-mc.us12_12345678.7654322-98ab76cd54" },
};

int
main(void)
{
	struct arena *a = arena_create("test");
	size_t i;

	for (i = 0; i < sizeof(senders) / sizeof(*senders); i++)
		T_STR(senders[i].name, arena_copy(a, greylist_sender_local(a,
		    span_z(senders[i].in))), senders[i].want);
	for (i = 0; i < sizeof(rcpts) / sizeof(*rcpts); i++)
		T_STR(rcpts[i].name, arena_copy(a, greylist_sender_rcpt(a,
		    span_z(rcpts[i].in))), rcpts[i].want);
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		T_STR(pairs[i].name, arena_copy(a, greylist_sender_local(a,
		    span_z(pairs[i].a))), arena_copy(a,
		    greylist_sender_local(a, span_z(pairs[i].b))));
	arena_destroy(&a);
	return t_done();
}
