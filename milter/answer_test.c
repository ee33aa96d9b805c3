#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "milter/answer.h"
#include "milter/command.h"
#include "tests/kit/t.h"

#define LIT(text)	{ text, sizeof(text) - 1 }

/* --- an answer as text --- */

static void
show_text(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '\r')
			buf_puts(b, "\\r");
		else if (text.p[i] == '\n')
			buf_puts(b, "\\n");
		else if (text.p[i] == '\t')
			buf_puts(b, "\\t");
		else
			buf_put(b, &text.p[i], 1);
}

static void
show(struct buf *b, const struct answer *a)
{
	buf_puts(b, answer_name(a->kind));
	if (a->kind == ANSWER_REPLY)
		buf_printf(b, " %d %s", a->code, a->enhanced);
	if (a->kind == ANSWER_INSERT_HEADER ||
	    a->kind == ANSWER_CHANGE_HEADER || a->kind == ANSWER_DELETE_HEADER)
		buf_printf(b, " %u", a->index);
	if (a->name.len > 0) {
		buf_printf(b, " %.*s:", SPAN_ARG(a->name));
		show_text(b, a->value);
	}
	if (a->text.p != NULL) {
		buf_puts(b, " |");
		show_text(b, a->text);
	}
	if (a->address.len > 0 || a->kind == ANSWER_CHANGE_SENDER)
		buf_printf(b, " <%.*s>", SPAN_ARG(a->address));
	for (size_t i = 0; i < a->nargs; i++)
		buf_printf(b, " %.*s", SPAN_ARG(a->args[i]));
	if (a->kind == ANSWER_REPLACE_BODY) {
		buf_puts(b, " [");
		show_text(b, a->body);
		buf_puts(b, "]");
	}
}

static const char *
read_one(const struct terms *t, char command, char letter, struct span data)
{
	static char text[4096];
	struct packet p = { letter, data };
	struct arena *a = arena_create("test");
	struct answer answer;
	struct buf b = { 0 };
	struct err err;

	if (answer_read(a, t, command, &p, &answer, &err) < 0)
		buf_printf(&b, "%s: %s", err_kind_name(err.kind), err.text);
	else
		show(&b, &answer);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	arena_destroy(&a);
	return text;
}

static const struct terms all = { .version = 6, .actions = OPTION_ACTIONS,
	.steps = SMFIP_SKIP, .chunk = OPTION_CHUNK };

/* --- what the data says; all in answer to the end of the message --- */

#define BAD(kind, text) "syntax: the filter answered \"" kind \
	"\" to end of message: " text
#define NUL_TEXT	"no text that ends with NUL"
static const struct {
	const char	*name;
	char		 letter;
	struct span	 data;
	const char	*want;
} cases[] = {
	{ "continue", 'c', LIT(""), "continue" },
	{ "continue with data", 'c', LIT("x"),
	    BAD("continue", "1 octets of data, where there is none") },
	{ "accept with NUL", 'a', LIT("\0"),
	    BAD("accept", "1 octets of data, where there is none") },
	{ "progress", 'p', LIT(""), "progress" },
	{ "progress with data", 'p', LIT("50 %"),
	    BAD("progress", "4 octets of data, where there is none") },
	{ "shutdown", '4', LIT(""), "shutdown" },
	{ "connection failure", 'f', LIT(""), "connection failure" },
	/* replies */
	{ "reply", 'y', LIT("550 no\0"), "reply 550  |no" },
	{ "reply with enhanced code", 'y', LIT("550 5.7.1 no\0"),
	    "reply 550 5.7.1 |no" },
	{ "enhanced code of most digits", 'y', LIT("450 4.123.456 x\0"),
	    "reply 450 4.123.456 |x" },
	{ "enhanced code alone", 'y', LIT("450 4.7.0\0"),
	    "reply 450 4.7.0 |" },
	{ "no text", 'y', LIT("550 \0"), "reply 550  |" },
	{ "code alone", 'y', LIT("550\0"), "reply 550  |" },
	{ "lines", 'y', LIT("550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 c\0"),
	    "reply 550 5.7.1 |a\\nb\\nc" },
	{ "enhanced code in the first line only", 'y',
	    LIT("550-5.7.1 a\r\n550 b\0"), "reply 550 5.7.1 |a\\nb" },
	{ "another one in the second line is text", 'y',
	    LIT("550-5.7.1 a\r\n550 5.7.2 b\0"),
	    "reply 550 5.7.1 |a\\n5.7.2 b" },
	{ "percent", 'y', LIT("450 100%% 5%d %%%% %\0"),
	    "reply 450  |100% 5d %% " },
	{ "421", 'y', LIT("421 4.3.2 bye\0"), "reply 421 4.3.2 |bye" },
	{ "an address is no enhanced code", 'y', LIT("550 5.6.7.8 listed\0"),
	    "reply 550  |5.6.7.8 listed" },
	{ "four digits are no enhanced code", 'y', LIT("550 5.1234.1 a\0"),
	    "reply 550  |5.1234.1 a" },
	{ "octets", 'y', LIT("550 \303\244\377\0"),
	    "reply 550  |\303\244\377" },
	{ "no NUL", 'y', LIT("550 no"), BAD("reply", NUL_TEXT) },
	{ "nothing", 'y', LIT(""), BAD("reply", NUL_TEXT) },
	{ "NUL inside", 'y', LIT("550 a\0b\0"), BAD("reply", NUL_TEXT) },
	{ "empty", 'y', LIT("\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "code 250", 'y', LIT("250 ok\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "code 354", 'y', LIT("354 go\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "code 600", 'y', LIT("600 no\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "two digits", 'y', LIT("55 no\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "four digits", 'y', LIT("5500 no\0"),
	    BAD("reply", "no \" \" behind the code in line 1") },
	{ "letters", 'y', LIT("5x0 no\0"), BAD("reply",
	    "line 1 does not begin with a code from 400 to 599") },
	{ "enhanced code of another class", 'y', LIT("550 4.7.1 no\0"),
	    BAD("reply", "enhanced code 4.7.1 in a reply 550") },
	{ "enhanced code of success", 'y', LIT("450 2.0.0 no\0"),
	    BAD("reply", "enhanced code 2.0.0 in a reply 450") },
	{ "one line that goes on", 'y', LIT("550-no\0"),
	    BAD("reply", "no \" \" behind the code in line 1") },
	{ "last line that goes on", 'y', LIT("550-a\r\n550-b\0"),
	    BAD("reply", "no \" \" behind the code in line 2") },
	{ "a line that ends too soon", 'y', LIT("550 a\r\n550 b\0"),
	    BAD("reply", "no \"-\" behind the code in line 1") },
	{ "codes that differ", 'y', LIT("550-a\r\n551 b\0"),
	    BAD("reply", "line 2 has code 551, the first one 550") },
	{ "a line without code", 'y', LIT("550-a\r\nb\0"), BAD("reply",
	    "line 2 does not begin with a code from 400 to 599") },
	{ "CRLF at the end", 'y', LIT("550 no\r\n\0"),
	    BAD("reply", "no \"-\" behind the code in line 1") },
	{ "bare LF", 'y', LIT("550-a\n550 b\0"),
	    BAD("reply", "a CR or LF that is no CRLF") },
	{ "bare CR", 'y', LIT("550 a\rb\0"),
	    BAD("reply", "a CR or LF that is no CRLF") },
	{ "a second reply", 'y', LIT("550 a\r\n250 ok\0"),
	    BAD("reply", "no \"-\" behind the code in line 1") },
	/* header fields */
	{ "add", 'h', LIT("X-A\0b\0"), "add header X-A: b" },
	{ "add an empty value", 'h', LIT("X-A\0\0"), "add header X-A: " },
	{ "add a folded value", 'h', LIT("X-A\0a\n\tb\n c\0"),
	    "add header X-A: a\\r\\n\\tb\\r\\n c" },
	{ "folded with CRLF", 'h', LIT("X-A\0a\r\n\tb\0"),
	    "add header X-A: a\\r\\n\\tb" },
	{ "folded with CR", 'h', LIT("X-A\0a\r b\0"),
	    "add header X-A: a\\r\\n b" },
	{ "a second field does not come of it", 'h',
	    LIT("X-A\0a\nBcc: x@y.example\0"),
	    "add header X-A: a\\r\\n\\tBcc: x@y.example" },
	{ "nor an end of the header", 'h', LIT("X-A\0a\r\n\r\nbody\0"),
	    "add header X-A: a\\r\\n\\tbody" },
	{ "nor a line of white space", 'h', LIT("X-A\0a\n \t\n\tb\0"),
	    "add header X-A: a\\r\\n\\tb" },
	{ "line ends at the end", 'h', LIT("X-A\0a\r\n\n\0"),
	    "add header X-A: a" },
	{ "a line end alone", 'h', LIT("X-A\0\n\0"), "add header X-A: " },
	{ "octets", 'h', LIT("X-A\0\303\244\377\0"),
	    "add header X-A: \303\244\377" },
	{ "no value", 'h', LIT("X-A\0"), BAD("add header",
	    "not a name and a value that end with NUL") },
	{ "value without NUL", 'h', LIT("X-A\0b"), BAD("add header",
	    "not a name and a value that end with NUL") },
	{ "more than a value", 'h', LIT("X-A\0b\0c\0"), BAD("add header",
	    "not a name and a value that end with NUL") },
	{ "empty name", 'h', LIT("\0b\0"), BAD("add header",
	    "the name of a field has 0 octets, not 1 to 499") },
	{ "name with a colon", 'h', LIT("X-A:\0b\0"), BAD("add header",
	    "octet 0x3a in the name of a field") },
	{ "name with a line end", 'h', LIT("X-A\nB\0b\0"), BAD("add header",
	    "octet 0x0a in the name of a field") },
	{ "name with a space", 'h', LIT("X A\0b\0"), BAD("add header",
	    "octet 0x20 in the name of a field") },
	{ "name that is not ASCII", 'h', LIT("X\344\0b\0"), BAD("add header",
	    "octet 0xe4 in the name of a field") },
	{ "insert", 'i', LIT("\0\0\0\0X-A\0b\0"), "insert header 0 X-A: b" },
	{ "insert far down", 'i', LIT("\377\377\377\377X-A\0b\0"),
	    "insert header 4294967295 X-A: b" },
	{ "insert an empty value", 'i', LIT("\0\0\0\1X-A\0\0"),
	    "insert header 1 X-A: " },
	{ "insert without index", 'i', LIT("\0\0\1"),
	    BAD("insert header", "3 octets, too few for an index") },
	{ "insert with an index alone", 'i', LIT("\0\0\0\1"),
	    BAD("insert header", "not a name and a value that end with "
	    "NUL") },
	{ "change", 'm', LIT("\0\0\0\2Subject\0new\0"),
	    "change header 2 Subject: new" },
	{ "change 0 is the first", 'm', LIT("\0\0\0\0Subject\0new\0"),
	    "change header 1 Subject: new" },
	{ "delete", 'm', LIT("\0\0\0\3Subject\0\0"),
	    "delete header 3 Subject: " },
	{ "change to a line end is no deletion", 'm',
	    LIT("\0\0\0\1Subject\0\n\0"), "change header 1 Subject: " },
	/* envelope */
	{ "sender", 'e', LIT("<a@x.example>\0"),
	    "change sender <a@x.example>" },
	{ "sender without brackets", 'e', LIT("a@x.example\0"),
	    "change sender <a@x.example>" },
	{ "null sender", 'e', LIT("<>\0"), "change sender <>" },
	{ "null sender without brackets", 'e', LIT("\0"),
	    "change sender <>" },
	{ "sender with parameters", 'e',
	    LIT("<a@x.example>\0SIZE=10 BODY=8BITMIME\0RET=HDRS\0"),
	    "change sender <a@x.example> SIZE=10 BODY=8BITMIME RET=HDRS" },
	{ "no parameters", 'e', LIT("<a@x.example>\0\0"),
	    "change sender <a@x.example>" },
	{ "parameters without NUL", 'e', LIT("<a@x.example>\0SIZE=10"),
	    BAD("change sender", "parameters without the NUL at their end") },
	{ "a parameter that is none", 'e',
	    LIT("<a@x.example>\0SIZE=10 =5\0"),
	    BAD("change sender", "parameter 2 is no keyword or "
	    "keyword=value") },
	{ "a parameter with a line end", 'e',
	    LIT("<a@x.example>\0A=b\r\nRCPT\0"),
	    BAD("change sender", "parameter 1 is no keyword or "
	    "keyword=value") },
	{ "a parameter without value", 'e', LIT("<a@x.example>\0SIZE=\0"),
	    BAD("change sender", "parameter 1 is no keyword or "
	    "keyword=value") },
	{ "sender without NUL", 'e', LIT("<a@x.example>"),
	    BAD("change sender", "no address that ends with NUL") },
	{ "sender with a line end", 'e', LIT("<a@x.example>\r\nX\0"),
	    BAD("change sender", "unexpected \"<\" at octet 1 of the "
	    "address") },
	{ "add a recipient", '+', LIT("<b@x.example>\0"),
	    "add recipient <b@x.example>" },
	{ "UTF-8 in it", '+', LIT("<\303\244@x.example>\0"),
	    "add recipient <\303\244@x.example>" },
	{ "an empty recipient", '+', LIT("<>\0"),
	    BAD("add recipient", "an empty address") },
	{ "a recipient without domain", '+', LIT("root\0"),
	    BAD("add recipient", "the address has no domain") },
	{ "parameters where there are none", '+',
	    LIT("<b@x.example>\0NOTIFY=NEVER\0"),
	    BAD("add recipient", "13 octets behind the address") },
	{ "a recipient with parameters", '2',
	    LIT("<b@x.example>\0NOTIFY=NEVER\0"),
	    "add recipient <b@x.example> NOTIFY=NEVER" },
	{ "parameters are not needed", '2', LIT("b@x.example\0"),
	    "add recipient <b@x.example>" },
	{ "delete a recipient", '-', LIT("<b@x.example>\0"),
	    "delete recipient <b@x.example>" },
	{ "delete nobody", '-', LIT("\0"),
	    BAD("delete recipient", "an empty address") },
	/* body, quarantine */
	{ "body", 'b', LIT("a\r\nb"), "replace body [a\\r\\nb]" },
	{ "empty body", 'b', LIT(""), "replace body []" },
	{ "quarantine", 'q', LIT("a virus\0"), "quarantine |a virus" },
	{ "quarantine without a reason", 'q', LIT("\0"), "quarantine |" },
	{ "quarantine without NUL", 'q', LIT("x"),
	    BAD("quarantine", NUL_TEXT) },
	/* no answers */
	{ "a list of macros", 'l', LIT(""), "syntax: the filter answered 'l' "
	    "to end of message, which is no answer" },
	{ "options again", 'O', LIT(""), "syntax: the filter answered 'O' to "
	    "end of message, which is no answer" },
	{ "octet 0", '\0', LIT(""), "syntax: the filter answered 0x00 to end "
	    "of message, which is no answer" },
	{ "octet 255", '\377', LIT(""), "syntax: the filter answered 0xff to "
	    "end of message, which is no answer" },
};

/* --- which answer may stand where --- */

static const struct {
	char		 letter;
	struct span	 data;
	const char	*legal;		/* of CHMRTLNBEU */
	uint32_t	 action;
} where[] = {
	{ 'c', LIT(""), "CHMRTLNBEU", 0 },
	{ 'a', LIT(""), "CHMRTLNBEU", 0 },
	{ 'r', LIT(""), "CHMRTLNBEU", 0 },
	{ 't', LIT(""), "CHMRTLNBEU", 0 },
	{ 'y', LIT("550 x\0"), "CHMRTLNBEU", 0 },
	{ '4', LIT(""), "CHMRTLNBEU", 0 },
	{ 'f', LIT(""), "CHMRTLNBEU", 0 },
	{ 'p', LIT(""), "CHMRTLNBEU", 0 },
	{ 'd', LIT(""), "MRTLNBE", 0 },
	{ 's', LIT(""), "B", 0 },
	{ 'h', LIT("A\0b\0"), "E", SMFIF_ADDHDRS },
	{ 'i', LIT("\0\0\0\1A\0b\0"), "E", SMFIF_ADDHDRS },
	{ 'm', LIT("\0\0\0\1A\0b\0"), "E", SMFIF_CHGHDRS },
	{ 'e', LIT("a@x.example\0"), "E", SMFIF_CHGFROM },
	{ '+', LIT("a@x.example\0"), "E", SMFIF_ADDRCPT },
	{ '2', LIT("a@x.example\0"), "E", SMFIF_ADDRCPT_PAR },
	{ '-', LIT("a@x.example\0"), "E", SMFIF_DELRCPT },
	{ 'b', LIT("x"), "E", SMFIF_CHGBODY },
	{ 'q', LIT("x\0"), "E", SMFIF_QUARANTINE },
	{ 'l', LIT(""), "", 0 },
	{ 'O', LIT("\0\0\0\6\0\0\0\0\0\0\0\0"), "", 0 },
};

static void
where_test(void)
{
	struct terms t = all;
	char name[40];
	const char *got;
	bool legal;

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		for (const char *c = "CHMRTLNBEU"; *c != '\0'; c++) {
			snprintf(name, sizeof(name), "%c to %s",
			    where[i].letter, command_name(*c));
			legal = strchr(where[i].legal, *c) != NULL;
			got = read_one(&all, *c, where[i].letter,
			    where[i].data);
			T_INT(name, strncmp(got, "syntax: ", 8) != 0, legal);
		}
		if (where[i].action == 0)
			continue;
		snprintf(name, sizeof(name), "%c was not asked for",
		    where[i].letter);
		t.actions = OPTION_ACTIONS & ~where[i].action;
		got = read_one(&t, 'E', where[i].letter, where[i].data);
		T_OK(name, strstr(got, "without having asked for that") !=
		    NULL);
		t.actions = where[i].action;
		got = read_one(&t, 'E', where[i].letter, where[i].data);
		T_OK(name, strncmp(got, "syntax: ", 8) != 0);
	}
	t = all;
	t.steps = 0;
	T_STR("skip was not asked for", read_one(&t, 'B', 's', SPAN_LIT("")),
	    "syntax: the filter answered \"skip\" to body without having "
	    "asked for that when it was connected");
	T_STR("edit too early", read_one(&all, 'M', 'h', SPAN_LIT("A\0b\0")),
	    "syntax: the filter answered \"add header\" to MAIL, where it "
	    "cannot be");
}

static void
space_test(void)
{
	struct terms t = all;

	t.steps |= SMFIP_HDR_LEADSPC;
	T_STR("value as it is", read_one(&t, 'E', 'h', SPAN_LIT("A\0b\0")),
	    "add header A:b");
	T_STR("value with its space", read_one(&t, 'E', 'i',
	    SPAN_LIT("\0\0\0\0A\0 b\0")), "insert header 0 A: b");
	T_STR("value that begins with a fold", read_one(&t, 'E', 'h',
	    SPAN_LIT("A\0\n b\0")), "add header A:\\r\\n b");
	T_STR("one more without the step", read_one(&all, 'E', 'h',
	    SPAN_LIT("A\0 b\0")), "add header A:  b");
}

/* --- limits --- */

static void
reply_limit_test(void)
{
	struct buf b = { 0 };

	for (int i = 1; i < ANSWER_REPLY_LINES; i++)
		buf_puts(&b, "550-x\r\n");
	buf_put(&b, "550 x", 6);
	T_OK("as many lines as there may be", strncmp(read_one(&all, 'M',
	    'y', buf_text(&b)), "reply 550", 9) == 0);
	buf_clear(&b);
	for (int i = 0; i < ANSWER_REPLY_LINES; i++)
		buf_puts(&b, "550-x\r\n");
	buf_put(&b, "550 x", 6);
	T_STR("one more", read_one(&all, 'M', 'y', buf_text(&b)),
	    "syntax: the filter answered \"reply\" to MAIL: more than 32 "
	    "lines");
	buf_clear(&b);
	buf_printf(&b, "550 %0976d", 0);
	buf_put(&b, "", 1);
	T_OK("the longest line", strncmp(read_one(&all, 'M', 'y',
	    buf_text(&b)), "reply 550", 9) == 0);
	buf_clear(&b);
	buf_printf(&b, "550 %0977d", 0);
	buf_put(&b, "", 1);
	T_STR("one octet more", read_one(&all, 'M', 'y', buf_text(&b)),
	    "syntax: the filter answered \"reply\" to MAIL: line 1 has 981 "
	    "octets, more than 980");
	buf_free(&b);
}

/* A field with that many words of nine octets in its value. */
static size_t
longest_line(unsigned words, const char *word, size_t *lines)
{
	struct arena *a = arena_create("test");
	struct packet p = { 'h', { NULL, 0 } };
	struct buf b = { 0 };
	struct answer answer;
	struct err err;
	size_t longest = 0, at;

	buf_put(&b, "X-A", 4);
	while (words-- > 0)
		buf_puts(&b, word);
	buf_put(&b, "", 1);
	p.data = buf_text(&b);
	*lines = 0;
	if (answer_read(a, &all, 'E', &p, &answer, &err) == 0)
		for (at = 4; answer.value.len > 0; at = 0) {
			struct span line = span_until(&answer.value, '\n');

			at += line.len - (answer.value.len > 0 ? 1 : 0);
			longest = at > longest ? at : longest;
			(*lines)++;
		}
	buf_free(&b);
	arena_destroy(&a);
	return longest;
}

static void
header_limit_test(void)
{
	size_t lines;

	T_INT("a line as long as it may be", longest_line(
	    ANSWER_HEADER_LINE - 5, "x", &lines), ANSWER_HEADER_LINE);
	T_INT("is one line", lines, 1);
	T_INT("one octet more without white space: no answer",
	    longest_line(ANSWER_HEADER_LINE - 4, "x", &lines), 0);
	T_OK("words are folded", longest_line(1000, "x 3456789", &lines) <=
	    ANSWER_HEADER_LINE && lines > 8);
	T_INT("white space alone: no answer",
	    longest_line(ANSWER_HEADER_LINE, " ", &lines), 0);
	T_OK("64 KiB of words", longest_line(6500, " 2345678\t", &lines) <=
	    ANSWER_HEADER_LINE && lines > 58);
}

static void
args_limit_test(void)
{
	struct buf b = { 0 };

	buf_put(&b, "a@x.example", 12);
	for (int i = 0; i < ANSWER_ARGS_MAX; i++)
		buf_puts(&b, "A=b ");
	buf_put(&b, "", 1);
	T_OK("as many parameters as there may be", strncmp(read_one(&all, 'E',
	    'e', buf_text(&b)), "change sender", 13) == 0);
	b.len--;
	buf_put(&b, "A=b", 4);
	T_STR("one more", read_one(&all, 'E', 'e', buf_text(&b)),
	    BAD("change sender", "more than 32 parameters"));
	buf_free(&b);
}

static void
kind_test(void)
{
	for (enum answer_kind k = ANSWER_CONTINUE; k <= ANSWER_QUARANTINE;
	    k++) {
		T_INT(answer_name(k), answer_is_final(k),
		    k <= ANSWER_CONN_FAIL);
		T_INT(answer_name(k), answer_is_edit(k),
		    k >= ANSWER_ADD_HEADER);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, read_one(&all, 'E', cases[i].letter,
		    cases[i].data), cases[i].want);
	where_test();
	space_test();
	reply_limit_test();
	header_limit_test();
	args_limit_test();
	kind_test();
	return t_done();
}
