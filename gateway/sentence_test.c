#include <stdio.h>
#include <string.h>

#include "gateway/sentence.h"
#include "tests/kit/t.h"

/* What a verdict is as a reply, and as a greeting. */
static const struct {
	const char		*name;
	enum action_kind	 kind;
	int			 code;
	const char		*enhanced, *text;
	const char		*reply, *greeting;
	bool			 smtputf8;
} cases[] = {
	{ "a refusal", ACTION_REJECT, 550, "5.7.1", "Not you",
	    "550 5.7.1 Not you", "554 Not you", false },
	{ "with the code of greetings", ACTION_REJECT, 554, "5.7.1", "No",
	    "554 5.7.1 No", "554 No", false },
	{ "that there is no mail", ACTION_REJECT, 521, "5.3.2", "No mail",
	    "521 5.3.2 No mail", "521 No mail", false },
	{ "not now", ACTION_DEFER, 451, "4.7.1", "Later",
	    "451 4.7.1 Later", "421 Later, closes", false },
	{ "away", ACTION_DISCONNECT, 550, "5.7.1", "Away",
	    "550 5.7.1 Away, closes", "554 Away, closes", false },
	{ "away with 521", ACTION_DISCONNECT, 521, "5.7.1", "Away",
	    "521 5.7.1 Away, closes", "521 Away, closes", false },
	{ "away for now", ACTION_DISCONNECT, 421, "4.7.0", "Later",
	    "421 4.7.0 Later, closes", "421 Later, closes", false },
	{ "for a client without SMTPUTF8", ACTION_REJECT, 550, "5.7.1",
	    "N\303\266, 100%d", "550 5.7.1 N?, 100%d", "554 N?, 100%d",
	    false },
	{ "for one with it", ACTION_REJECT, 550, "5.7.1", "N\303\266",
	    "550 5.7.1 N\303\266", "554 N?", true },
	{ "no line ends in it", ACTION_REJECT, 550, "5.7.1", "a\r\nb\tc",
	    "550 5.7.1 a??b c", "554 a??b c", false },
	{ "without a text", ACTION_REJECT, 550, "5.7.1", "",
	    "550 5.7.1 ", "554 ", false },
};

static const char *
text_of(const struct reply *r)
{
	static char text[1200];

	snprintf(text, sizeof(text), "%d %s%s%s%s", r->code, r->enhanced,
	    r->enhanced[0] != '\0' ? " " : "", r->text,
	    r->close ? ", closes" : "");
	return text;
}

static struct verdict
verdict_of(size_t i)
{
	return (struct verdict){ .kind = cases[i].kind,
	    .code = cases[i].code, .enhanced = cases[i].enhanced,
	    .text = span_z(cases[i].text) };
}

static void
test_replies(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict v = verdict_of(i);
		struct reply r = sentence_reply(&v, cases[i].smtputf8);

		T_STR(cases[i].name, text_of(&r), cases[i].reply);
		r = sentence_greeting(&v);
		T_STR(cases[i].name, text_of(&r), cases[i].greeting);
	}
}

/* The longest that rules make, and what they cannot. */
static void
test_length(void)
{
	char text[4 * VERDICT_TEXT_MAX];
	struct verdict v = { .kind = ACTION_REJECT, .code = 550,
	    .enhanced = "5.7.1" };
	struct reply r;

	memset(text, 'x', sizeof(text));
	v.text = span_n(text, VERDICT_TEXT_MAX);
	r = sentence_reply(&v, false);
	T_INT("all of a long text", strlen(r.text), VERDICT_TEXT_MAX);
	v.text = span_n(text, sizeof(text));
	r = sentence_reply(&v, false);
	T_OK("a longer one is cut", strlen(r.text) < REPLY_TEXT);
}

static void
test_at_once(void)
{
	static const struct {
		const char		*name;
		enum action_kind	 kind;
		bool			 late, early;	/* by reject_at */
	} kinds[] = {
		{ "reject", ACTION_REJECT, false, true },
		{ "defer", ACTION_DEFER, false, true },
		{ "disconnect", ACTION_DISCONNECT, true, true },
		{ "accept", ACTION_ACCEPT, false, false },
		{ "trust", ACTION_TRUST, false, false },
	};
	struct smtp_conf conf = {0};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct verdict v = { .kind = kinds[i].kind };

		conf.reject_at_connect = false;
		T_INT(kinds[i].name, sentence_is_at_once(&v, &conf),
		    kinds[i].late);
		conf.reject_at_connect = true;
		T_INT(kinds[i].name, sentence_is_at_once(&v, &conf),
		    kinds[i].early);
	}
}

static void
test_relaying(void)
{
	struct reply r = sentence_relaying();

	T_STR("relaying", text_of(&r), "550 5.7.1 Relaying is not permitted");
}

int
main(void)
{
	test_replies();
	test_length();
	test_at_once();
	test_relaying();
	return t_done();
}
