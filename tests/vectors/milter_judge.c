#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "milter/answer.h"
#include "milter/command.h"
#include "tests/vectors/judge.h"

/*
 * milter_judge -- what we would send to a filter, what we read from it
 *
 * in   command, and what it takes: host, client, port; text; args (a list);
 *      name, value; macros (name to value); leading_space. Or
 *      options (the data of a filter's packet O, octets), and perhaps
 *      step (a command), letter and data (its answer to it)
 * out  packet (hex). Or error, or sends, awaits, chunk, macros (by command)
 *      and the answer: kind and its fields (octets in hex)
 */
static void
say_hex(json_t *out, const char *key, struct span octets)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < octets.len; i++)
		buf_printf(&b, "%02x", (unsigned char)octets.p[i]);
	buf_put(&b, "", 1);
	judge_say(out, key, b.p);
	buf_free(&b);
}

static char
letter_of(json_t *in, const char *key)
{
	const char *text = judge_text(in, key);

	return text != NULL ? text[0] : '\0';
}

static void
put_connect(struct arena *a, json_t *in, struct buf *b)
{
	struct addr client = { .len = 0 };
	struct span text = judge_octets(a, in, "client");
	int port = (int)json_integer_value(json_object_get(in, "port"));
	struct err err;

	if (text.len > 0 && text.p[0] == '/')
		addr_parse(span_z(arena_printf(a, "unix:%.*s",
		    SPAN_ARG(text))), &client, &err);
	else if (text.len > 0 && addr_parse_ip(text, port, &client, &err) < 0)
		client.len = 0;
	command_connect(b, judge_octets(a, in, "host"), &client);
}

static void
put_path(struct arena *a, json_t *in, char command, struct buf *b)
{
	json_t *list = json_object_get(in, "args"), *one;
	size_t n = json_array_size(list);
	struct span *args = arena_new_n(a, n + 1, struct span);

	for (size_t i = 0; i < n; i++) {
		one = json_pack("{sO}", "x", json_array_get(list, i));
		args[i] = judge_octets(a, one, "x");
		json_decref(one);
	}
	if (command == SMFIC_MAIL)
		command_mail(b, judge_octets(a, in, "text"), args, n);
	else
		command_rcpt(b, judge_octets(a, in, "text"), args, n);
}

static void
put_macros(struct arena *a, json_t *in, struct buf *b)
{
	json_t *given = json_object_get(in, "macros");
	struct span values[MACRO_COUNT] = { { NULL, 0 } };
	macro_set set = 0;

	for (int m = 0; m < MACRO_COUNT; m++)
		if (json_object_get(given, macro_name(m)) != NULL) {
			values[m] = judge_octets(a, given, macro_name(m));
			set |= MACRO_BIT(m);
		}
	/* An empty set is not sent; one whose macros have no values is. */
	macro_put(b, letter_of(in, "step"), set != 0 ? set :
	    MACRO_BIT(MACRO_V), values);
}

static void
encode(struct arena *a, json_t *in, json_t *out)
{
	struct terms t = { .version = 6, .chunk = OPTION_CHUNK };
	char command = letter_of(in, "command");
	struct buf b = { 0 };
	struct err err;

	if (json_is_true(json_object_get(in, "leading_space")))
		t.steps = SMFIP_HDR_LEADSPC;
	if (command == SMFIC_OPTNEG)
		option_put_offer(&b);
	else if (command == SMFIC_MACRO)
		put_macros(a, in, &b);
	else if (command == SMFIC_CONNECT)
		put_connect(a, in, &b);
	else if (command == SMFIC_HELO)
		command_helo(&b, judge_octets(a, in, "text"));
	else if (command == SMFIC_MAIL || command == SMFIC_RCPT)
		put_path(a, in, command, &b);
	else if (command == SMFIC_HEADER)
		(void)command_header(&b, &t, judge_octets(a, in, "name"),
		    judge_octets(a, in, "value"), &err);
	else if (command == SMFIC_BODY)
		command_body(&b, &t, judge_octets(a, in, "text"));
	else if (command == SMFIC_UNKNOWN)
		command_unknown(&b, judge_octets(a, in, "text"));
	else
		command_bare(&b, command);
	say_hex(out, "packet", buf_text(&b));
	buf_free(&b);
}

static void
say_terms(struct arena *a, const struct terms *t, json_t *out)
{
	static const char commands[] = "CHMRTLNBEUAQK";
	json_t *names, *lists = json_object();
	struct buf sends = { 0 }, awaits = { 0 };
	char key[2] = "";

	for (const char *c = commands; *c != '\0'; c++) {
		key[0] = *c;
		if (option_sends(t, *c))
			buf_put(&sends, c, 1);
		if (option_awaits(t, *c))
			buf_put(&awaits, c, 1);
		names = json_array();
		for (int m = 0; m < MACRO_COUNT; m++)
			if (option_macros(t, *c) & MACRO_BIT(m))
				json_array_append_new(names,
				    json_string(macro_name(m)));
		json_object_set_new(lists, key, names);
	}
	judge_say(out, "sends", arena_copy(a, buf_text(&sends)));
	judge_say(out, "awaits", arena_copy(a, buf_text(&awaits)));
	json_object_set_new(out, "macros", lists);
	json_object_set_new(out, "chunk", json_integer((json_int_t)t->chunk));
	json_object_set_new(out, "refused",
	    json_boolean(option_wants_refused(t)));
	buf_free(&sends);
	buf_free(&awaits);
}

static void
say_answer(const struct answer *answer, json_t *out)
{
	judge_say(out, "kind", answer_name(answer->kind));
	json_object_set_new(out, "final",
	    json_boolean(answer_is_final(answer->kind)));
	json_object_set_new(out, "code", json_integer(answer->code));
	json_object_set_new(out, "index", json_integer(answer->index));
	judge_say(out, "enhanced", answer->enhanced);
	say_hex(out, "text", answer->text);
	say_hex(out, "name", answer->name);
	say_hex(out, "value", answer->value);
	say_hex(out, "address", answer->address);
	say_hex(out, "body", answer->body);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	struct packet p = { SMFIC_OPTNEG, judge_octets(a, in, "options") };
	struct answer answer;
	struct terms t;
	struct err err;
	char step = letter_of(in, "step");

	if (judge_text(in, "command") != NULL) {
		encode(a, in, out);
		return;
	}
	if (option_read(&p, &t, &err) < 0) {
		judge_say(out, "error", err.text);
		return;
	}
	say_terms(a, &t, out);
	if (step == '\0')
		return;
	p = (struct packet){ letter_of(in, "letter"),
	    judge_octets(a, in, "data") };
	if (answer_read(a, &t, step, &p, &answer, &err) < 0)
		judge_say(out, "error", err.text);
	else
		say_answer(&answer, out);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
