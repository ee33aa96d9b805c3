#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milter/option.h"
#include "milter/packet.h"
#include "tests/smtp/side.h"
#include "tests/smtp/stage.h"

/*
 * A filter, as its line of the script tells it. Packets are shown and compared
 * as text: what is binary in them is written out, strings have a space between
 * them.
 */

/* --- words --- */

static const struct {
	const char	*name;
	char		 letter;
} commands[] = {
	{ "options", SMFIC_OPTNEG }, { "connect", SMFIC_CONNECT },
	{ "helo", SMFIC_HELO }, { "mail", SMFIC_MAIL },
	{ "rcpt", SMFIC_RCPT }, { "data", SMFIC_DATA },
	{ "unknown", SMFIC_UNKNOWN }, { "header", SMFIC_HEADER },
	{ "eoh", SMFIC_EOH }, { "body", SMFIC_BODY },
	{ "end", SMFIC_BODYEOB }, { "abort", SMFIC_ABORT },
	{ "quit", SMFIC_QUIT }, { "next", SMFIC_QUIT_NC },
};

/* Arguments: N a number, S a string, + all further words as strings, O the
 * octets of the word. */
static const struct {
	const char	*name;
	char		 letter;
	const char	*args;
} answers[] = {
	{ "continue", SMFIR_CONTINUE, "" }, { "accept", SMFIR_ACCEPT, "" },
	{ "reject", SMFIR_REJECT, "" }, { "tempfail", SMFIR_TEMPFAIL, "" },
	{ "discard", SMFIR_DISCARD, "" }, { "skip", SMFIR_SKIP, "" },
	{ "shutdown", SMFIR_SHUTDOWN, "" }, { "fail", SMFIR_CONN_FAIL, "" },
	{ "progress", SMFIR_PROGRESS, "" }, { "reply", SMFIR_REPLYCODE, "S" },
	{ "add-header", SMFIR_ADDHEADER, "SS" },
	{ "insert-header", SMFIR_INSHEADER, "NSS" },
	{ "change-header", SMFIR_CHGHEADER, "NSS" },
	{ "sender", SMFIR_CHGFROM, "S+" },
	{ "add-rcpt", SMFIR_ADDRCPT, "S" },
	{ "add-rcpt-args", SMFIR_ADDRCPT_PAR, "S+" },
	{ "delete-rcpt", SMFIR_DELRCPT, "S" },
	{ "new-body", SMFIR_REPLBODY, "O" },
	{ "quarantine", SMFIR_QUARANTINE, "S" },
};

static const struct {
	const char	*name;
	uint32_t	 actions, steps;
} options[] = {
	{ "edits", OPTION_ACTIONS, 0 },
	{ "no-connect", 0, SMFIP_NOCONNECT }, { "no-helo", 0, SMFIP_NOHELO },
	{ "no-mail", 0, SMFIP_NOMAIL }, { "no-rcpt", 0, SMFIP_NORCPT },
	{ "no-data", 0, SMFIP_NODATA }, { "no-header", 0, SMFIP_NOHDRS },
	{ "no-eoh", 0, SMFIP_NOEOH }, { "no-body", 0, SMFIP_NOBODY },
	{ "no-unknown", 0, SMFIP_NOUNKNOWN },
	{ "quiet", 0, SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL |
	    SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH |
	    SMFIP_NR_BODY | SMFIP_NR_UNKN },
	{ "quiet-header", 0, SMFIP_NR_HDR },
	{ "refused-too", 0, SMFIP_RCPT_REJ }, { "skips", 0, SMFIP_SKIP },
	{ "with-space", 0, SMFIP_HDR_LEADSPC },
};

bool
side_milter_is_action(const struct word *w)
{
	static const char *const names[] = { "agree", "till", "rest",
	    "macro", "no-macro" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is(w, names[i]))
			return true;
	return false;
}

bool
side_milter_may_say(struct span reply)
{
	if (judgement.may_reject && span_starts_nocase(reply,
	    "550 5.5.0 This cannot be checked"))
		return true;
	for (size_t i = 0; i < stage.nfilters; i++)
		for (size_t k = 0; k < stage.filters[i].n; k++) {
			const struct word *w = &stage.filters[i].words[k];

			if (w->is_quoted && w->text.len > 3 &&
			    reply.len >= w->text.len && memcmp(reply.p,
			    w->text.p, w->text.len) == 0)
				return true;
		}
	return false;
}

/* --- packets of the gateway --- */

static const char *
name_of(char letter)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].letter == letter)
			return commands[i].name;
	return "?";
}

/* Strings, each with its NUL: a space between two, none behind the last. */
static void
show_strings(struct buf *out, struct span data)
{
	for (size_t i = 0; i < data.len; i++)
		if (data.p[i] != '\0')
			buf_put(out, &data.p[i], 1);
		else if (i + 1 < data.len)
			buf_puts(out, " ");
}

/* "c.example 4 192.0.2.9", without the port. */
static void
show_client(struct buf *out, struct span data)
{
	struct span host;

	if (!packet_string(&data, &host) || data.len == 0)
		return;
	buf_printf(out, "%.*s %c", SPAN_ARG(host), data.p[0]);
	if (data.len > 3) {
		buf_puts(out, " ");
		show_strings(out, span_n(data.p + 3, data.len - 3));
	}
}

static void
show_macros(struct side *s, struct span data)
{
	struct span name, value;
	struct buf text = {0};

	if (data.len > 0)
		data = span_n(data.p + 1, data.len - 1);
	while (packet_string(&data, &name) && packet_string(&data, &value))
		buf_printf(&text, "\n%.*s=%.*s", SPAN_ARG(name),
		    SPAN_ARG(value));
	buf_puts(&text, "\n");
	stage_mask(&s->macros, buf_text(&text));
	buf_free(&text);
}

static void
show(struct side *s, struct span data)
{
	buf_clear(&s->last);
	buf_puts(&s->last, name_of(s->command));
	if (data.len == 0)
		return;
	buf_puts(&s->last, " ");
	if (s->command == SMFIC_CONNECT)
		show_client(&s->last, data);
	else if (s->command == SMFIC_BODY)
		buf_span(&s->last, data);
	else
		show_strings(&s->last, data);
}

/* The next one, with its macros; false: it has not come. */
static bool
take_command(struct side *s)
{
	struct span data;
	uint32_t len;

	buf_clear(&s->macros);
	for (size_t at = 0;; at += 4 + len) {
		data = buf_text(&s->in);
		if (at > 0)
			data = span_n(data.p + at, data.len - at);
		if (!packet_uint(&data, &len) || data.len < len || len == 0)
			return false;
		s->command = data.p[0];
		data = span_n(data.p + 1, len - 1);
		if (s->command == SMFIC_MACRO) {
			buf_clear(&s->macros);
			show_macros(s, data);
			continue;
		}
		show(s, data);
		buf_drop(&s->in, at + 4 + len);
		return true;
	}
}

/* False: it waits. If nothing comes any more it is disappointed. */
static bool
await_command(struct side *s, size_t nwords, bool *is_gone)
{
	*is_gone = false;
	if (take_command(s))
		return true;
	if (!s->saw_end)
		return false;
	*is_gone = true;
	s->command = 0;
	buf_clear(&s->last);
	buf_puts(&s->last, "(closed)");
	side_disappointed(s, nwords);
	return true;
}

/* --- packets of the filter --- */

static void
send_packet(struct side *s, struct buf *packet)
{
	side_send(s, buf_text(packet), false);
	buf_free(packet);
}

static void
say(struct side *s, char letter)
{
	struct buf b = {0};

	packet_put(&b, letter, span_n("", 0));
	send_packet(s, &b);
}

/* Those that have no answer get none. */
static void
pass(struct side *s)
{
	struct terms t = { .steps = s->steps };

	if (option_awaits(&t, s->command))
		say(s, SMFIR_CONTINUE);
}

static void
put_args(struct buf *b, const char *args, const struct word *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (*args == 'N')
			packet_put_uint(b, (uint32_t)atoi(words[i].text.p));
		else if (*args == 'O')
			buf_span(b, words[i].text);
		else
			packet_put_string(b, words[i].text);
		if (*args != '\0' && *args != '+')
			args++;
	}
}

/* "> ANSWER WORD..." */
static void
answer(struct side *s, size_t nwords)
{
	const struct word *w = &s->words[s->at + 1];
	struct buf b = {0};
	size_t i, at;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (nwords > 0 && word_is(w, answers[i].name))
			break;
	if (i == sizeof(answers) / sizeof(answers[0])) {
		problem("a filter has no answer \"%.*s\"", SPAN_ARG(w->text));
		return;
	}
	at = packet_begin(&b, answers[i].letter);
	put_args(&b, answers[i].args, w + 1, nwords - 1);
	packet_end(&b, at);
	send_packet(s, &b);
}

/* "agree WORD...": the offer has come, this is the answer. */
static void
agree(struct side *s, size_t nwords)
{
	uint32_t actions = 0, steps = 0, version = OPTION_VERSION;
	struct buf b = {0};
	size_t i, k, at;

	for (i = 1; i <= nwords; i++) {
		const struct word *w = &s->words[s->at + i];

		if (isdigit((unsigned char)w->text.p[0])) {
			version = (uint32_t)atoi(w->text.p);
			continue;
		}
		for (k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (word_is(w, options[k].name))
				break;
		if (k == sizeof(options) / sizeof(options[0])) {
			problem("a filter agrees on no \"%.*s\"",
			    SPAN_ARG(w->text));
			return;
		}
		actions |= options[k].actions;
		steps |= options[k].steps;
	}
	s->steps = steps;
	at = packet_begin(&b, SMFIC_OPTNEG);
	packet_put_uint(&b, version);
	packet_put_uint(&b, actions & ~(uint32_t)SMFIF_SETSYMLIST);
	packet_put_uint(&b, steps);
	packet_end(&b, at);
	send_packet(s, &b);
}

/* --- steps --- */

static void
check_macro(struct side *s, size_t nwords, bool wanted)
{
	struct buf want = {0};
	bool found;

	buf_puts(&want, "\n");
	if (nwords > 0)
		buf_span(&want, s->words[s->at + 1].text);
	if (wanted)
		buf_puts(&want, "\n");
	found = s->macros.len >= want.len &&
	    memmem(s->macros.p, s->macros.len, want.p, want.len) != NULL;
	buf_drop(&want, 1);
	if (found != wanted && judgement_is_strict())
		problem("line %u: at %s the macros are %.*s(%s %.*s)",
		    s->line, name_of(s->command),
		    SPAN_ARG(buf_text(&s->macros)), wanted ? "not" : "but",
		    SPAN_ARG(buf_text(&want)));
	buf_free(&want);
}

/* The next command is this one; or (`till`) a later one, and those in front of
 * it pass. */
static bool
expect(struct side *s, size_t nwords, bool till)
{
	bool is_gone;

	if (!await_command(s, nwords, &is_gone))
		return false;
	if (is_gone)
		return true;
	if (side_begins_so(s, s->at + 1, nwords))
		s->at += 1 + nwords;
	else if (till)
		pass(s);
	else
		side_disappointed(s, nwords);
	return true;
}

/* Passes whatever comes, and whether anything does. */
static bool
run_rest(struct side *s)
{
	if (!take_command(s)) {
		if (s->saw_end)
			s->at = s->n;
		return s->saw_end;
	}
	pass(s);
	return true;
}

bool
side_milter_step(struct side *s)
{
	const struct word *w = &s->words[s->at];
	size_t nwords = side_action_words(s);
	int done = side_common_step(s, nwords);
	bool is_gone;

	if (done >= 0)
		return done > 0;
	if (word_is(w, "<") || word_is(w, "till"))
		return expect(s, nwords, word_is(w, "till"));
	if (word_is(w, "rest"))
		return run_rest(s);
	if (word_is(w, "agree")) {
		if (!await_command(s, 0, &is_gone))
			return false;
		if (is_gone)
			return true;
		agree(s, nwords);
	} else if (word_is(w, ">"))
		answer(s, nwords);
	else
		check_macro(s, nwords, word_is(w, "macro"));
	s->at += 1 + nwords;
	return true;
}
