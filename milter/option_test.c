#include <stdio.h>
#include <string.h>

#include "milter/option.h"
#include "tests/kit/t.h"

#define LIT(text)	{ text, sizeof(text) - 1 }

/* What follows from the terms, in short. */
static const char *
show(const struct terms *t)
{
	static const char commands[] = "CHMRTLNBEUAQK";
	static char text[512];
	struct buf b = { 0 };

	buf_printf(&b, "v%u a%x sends ", t->version, t->actions);
	for (const char *c = commands; *c != '\0'; c++)
		if (option_sends(t, *c))
			buf_put(&b, c, 1);
	buf_puts(&b, " awaits ");
	for (const char *c = commands; *c != '\0'; c++)
		if (option_awaits(t, *c))
			buf_put(&b, c, 1);
	buf_printf(&b, " chunk %zu%s%s", t->chunk,
	    option_wants_refused(t) ? " refused" : "",
	    option_has_leading_space(t) ? " space" : "");
	if (t->unknown_steps != 0)
		buf_printf(&b, " unknown %x", t->unknown_steps);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	return text;
}

#define ALL	"sends CHMRTLNBEUAQK awaits CHMRTLNBEU chunk 65535"
static const struct {
	const char	*name;
	char		 command;
	struct span	 data;
	const char	*want;
} cases[] = {
	{ "nothing asked", 'O', LIT("\0\0\0\6\0\0\0\0\0\0\0\0"),
	    "v6 a0 " ALL },
	{ "all actions", 'O', LIT("\0\0\0\6\0\0\1\377\0\0\0\0"),
	    "v6 a1ff " ALL },
	{ "no commands", 'O', LIT("\0\0\0\6\0\0\0\0\0\0\3\177"),
	    "v6 a0 sends EAQK awaits CHMRTLNBEU chunk 65535" },
	{ "no answers", 'O', LIT("\0\0\0\6\0\0\0\0\0\17\360\200"),
	    "v6 a0 sends CHMRTLNBEUAQK awaits E chunk 65535" },
	{ "version 5", 'O', LIT("\0\0\0\5\0\0\0\0\0\0\0\0"),
	    "v5 a0 sends CHMRTLNBEUAQ awaits CHMRTLNBEU chunk 65535" },
	{ "version 4", 'O', LIT("\0\0\0\4\0\0\0\0\0\0\0\0"),
	    "v4 a0 sends CHMRTLNBEUAQ awaits CHMRTLNBEU chunk 65535" },
	{ "version 3 has no DATA", 'O', LIT("\0\0\0\3\0\0\0\0\0\0\0\0"),
	    "v3 a0 sends CHMRLNBEUAQ awaits CHMRTLNBEU chunk 65535" },
	{ "version 2 has no unknown commands", 'O',
	    LIT("\0\0\0\2\0\0\0\77\0\0\0\0"),
	    "v2 a3f sends CHMRLNBEAQ awaits CHMRTLNBEU chunk 65535" },
	{ "an old version that names a new step", 'O',
	    LIT("\0\0\0\2\0\0\0\0\0\0\0\200"),
	    "v2 a0 sends CHMRLNBEAQ awaits CHMRTNBEU chunk 65535" },
	{ "refused recipients", 'O', LIT("\0\0\0\6\0\0\0\0\0\0\10\0"),
	    "v6 a0 " ALL " refused" },
	{ "leading space", 'O', LIT("\0\0\0\6\0\0\0\0\0\20\0\0"),
	    "v6 a0 " ALL " space" },
	{ "256 KiB", 'O', LIT("\0\0\0\6\0\0\0\0\20\0\0\0"),
	    "v6 a0 sends CHMRTLNBEUAQK awaits CHMRTLNBEU chunk 262143" },
	{ "1 MiB", 'O', LIT("\0\0\0\6\0\0\0\0\40\0\0\0"),
	    "v6 a0 sends CHMRTLNBEUAQK awaits CHMRTLNBEU chunk 1048575" },
	{ "both sizes", 'O', LIT("\0\0\0\6\0\0\0\0\60\0\0\0"),
	    "v6 a0 sends CHMRTLNBEUAQK awaits CHMRTLNBEU chunk 1048575" },
	{ "steps that were not offered", 'O',
	    LIT("\0\0\0\6\0\0\0\0\300\40\0\0"),
	    "v6 a0 " ALL " unknown c0200000" },
	{ "version 7", 'O', LIT("\0\0\0\7\0\0\0\0\0\0\0\0"),
	    "configuration: the filter speaks version 7 of the protocol, not one of "
	    "2 to 6" },
	{ "version 1", 'O', LIT("\0\0\0\1\0\0\0\0\0\0\0\0"),
	    "configuration: the filter speaks version 1 of the protocol, not one of "
	    "2 to 6" },
	{ "version 0", 'O', LIT("\0\0\0\0\0\0\0\0\0\0\0\0"),
	    "configuration: the filter speaks version 0 of the protocol, not one of "
	    "2 to 6" },
	{ "an action that was not offered", 'O',
	    LIT("\0\0\0\6\0\0\2\1\0\0\0\0"),
	    "configuration: the filter asks for actions that nobody knows (0x200)" },
	{ "another answer", 'c', LIT(""),
	    "syntax: answered 'c' to the offer of options" },
	{ "no data", 'O', LIT(""),
	    "syntax: options of 0 octets, shorter than 12" },
	{ "cut", 'O', LIT("\0\0\0\6\0\0\0\0\0\0\0"),
	    "syntax: options of 11 octets, shorter than 12" },
	{ "a list cut in its number", 'O',
	    LIT("\0\0\0\6\0\0\1\0\0\0\0\0\0\0\0"),
	    "syntax: 3 octets behind the options are no list of macros" },
	{ "a list without its end", 'O',
	    LIT("\0\0\0\6\0\0\1\0\0\0\0\0\0\0\0\5i j"),
	    "syntax: the list of macros for stage 5 does not end with NUL" },
	{ "a stage alone", 'O', LIT("\0\0\0\6\0\0\1\0\0\0\0\0\0\0\0\5"),
	    "syntax: the list of macros for stage 5 does not end with NUL" },
};

static int
agree(struct span data, struct terms *t, struct err *err)
{
	struct packet p = { 'O', data };

	return option_read(&p, t, err);
}

#define ANSWER	"\0\0\0\6\0\0\1\0\0\0\0\0"
static void
list_test(void)
{
	struct terms t;
	struct err err;

	T_INT("list for the end of message", agree(SPAN_LIT(ANSWER
	    "\0\0\0\5i {mail_addr}\0"), &t, &err), 0);
	T_OK("it has that list", option_macros(&t, 'E') ==
	    (MACRO_BIT(MACRO_I) | MACRO_BIT(MACRO_MAIL_ADDR)));
	T_OK("other stages keep ours", option_macros(&t, 'M') ==
	    macro_default(SMFIM_ENVFROM));
	T_INT("several lists", agree(SPAN_LIT(ANSWER "\0\0\0\0j\0"
	    "\0\0\0\6i\0\0\0\0\2\0"), &t, &err), 0);
	T_OK("the first", option_macros(&t, 'C') == MACRO_BIT(MACRO_J));
	T_OK("the second", option_macros(&t, 'N') == MACRO_BIT(MACRO_I));
	T_OK("an empty one is none", option_macros(&t, 'M') == 0);
	T_INT("a stage that nobody knows", agree(SPAN_LIT(ANSWER
	    "\0\0\0\7i\0\377\377\377\377i\0"), &t, &err), 0);
	T_OK("it changes nothing", option_macros(&t, 'U') == 0 &&
	    option_macros(&t, 'E') == macro_default(SMFIM_EOM));
	T_INT("the last of a stage counts", agree(SPAN_LIT(ANSWER
	    "\0\0\0\5i\0\0\0\0\5j\0"), &t, &err), 0);
	T_OK("it is that one", option_macros(&t, 'E') == MACRO_BIT(MACRO_J));
	T_INT("lists without the action", agree(SPAN_LIT(
	    "\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\5j\0"), &t, &err), 0);
	T_OK("are read too", option_macros(&t, 'E') == MACRO_BIT(MACRO_J));
	T_INT("version 2", agree(SPAN_LIT("\0\0\0\2\0\0\0\0\0\0\0\0"), &t,
	    &err), 0);
	T_OK("gets no macros at the end of the header",
	    option_macros(&t, 'N') == 0);
	T_OK("nor at DATA", option_macros(&t, 'T') == 0);
	T_OK("but at the end of the message", option_macros(&t, 'E') != 0);
	T_OK("no macros with the body", option_macros(&t, 'B') == 0);
}

/* Each bit of the steps alone does what it is for and nothing else. */
static void
step_test(void)
{
	static const struct {
		uint32_t	step;
		char		command;
		bool		is_answer;
	} bits[] = {
		{ SMFIP_NOCONNECT, 'C', false }, { SMFIP_NR_CONN, 'C', true },
		{ SMFIP_NOHELO, 'H', false }, { SMFIP_NR_HELO, 'H', true },
		{ SMFIP_NOMAIL, 'M', false }, { SMFIP_NR_MAIL, 'M', true },
		{ SMFIP_NORCPT, 'R', false }, { SMFIP_NR_RCPT, 'R', true },
		{ SMFIP_NODATA, 'T', false }, { SMFIP_NR_DATA, 'T', true },
		{ SMFIP_NOHDRS, 'L', false }, { SMFIP_NR_HDR, 'L', true },
		{ SMFIP_NOEOH, 'N', false }, { SMFIP_NR_EOH, 'N', true },
		{ SMFIP_NOBODY, 'B', false }, { SMFIP_NR_BODY, 'B', true },
		{ SMFIP_NOUNKNOWN, 'U', false }, { SMFIP_NR_UNKN, 'U', true },
	};
	struct buf b = { 0 };
	struct terms t;
	struct err err;
	char name[32];

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		buf_clear(&b);
		packet_put_uint(&b, 6);
		packet_put_uint(&b, 0);
		packet_put_uint(&b, bits[i].step);
		snprintf(name, sizeof(name), "step %x", bits[i].step);
		T_INT(name, agree(buf_text(&b), &t, &err), 0);
		T_OK(name, option_answers_all(&t) == !bits[i].is_answer);
		for (const char *c = "CHMRTLNBU"; *c != '\0'; c++) {
			T_OK(name, option_sends(&t, *c) ==
			    (bits[i].is_answer || *c != bits[i].command));
			T_OK(name, option_awaits(&t, *c) ==
			    (!bits[i].is_answer || *c != bits[i].command));
		}
	}
	buf_free(&b);
}

static void
offer_test(void)
{
	struct buf b = { 0 };

	option_put_offer(&b);
	T_OK("the offer", span_eq(buf_text(&b), SPAN_LIT(
	    "\0\0\0\15O\0\0\0\6\0\0\1\377\60\37\377\377")));
	buf_free(&b);
}

static void
edit_test(void)
{
	struct terms t = { .actions = 0 };

	T_OK("nothing asked: no edits", !option_may_edit(&t));
	t.actions = SMFIF_SETSYMLIST;
	T_OK("a list of macros is no edit", !option_may_edit(&t));
	for (uint32_t bit = 1; bit < SMFIF_SETSYMLIST; bit <<= 1) {
		t.actions = bit;
		T_OK("an action is one", option_may_edit(&t));
	}
}

int
main(void)
{
	struct terms t;
	struct err err;
	char text[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p = { cases[i].command, cases[i].data };

		if (option_read(&p, &t, &err) < 0) {
			snprintf(text, sizeof(text), "%s: %s",
			    err_kind_name(err.kind), err.text);
			T_STR(cases[i].name, text, cases[i].want);
		} else
			T_STR(cases[i].name, show(&t), cases[i].want);
	}
	offer_test();
	list_test();
	step_test();
	edit_test();
	return t_done();
}
