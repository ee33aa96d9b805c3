#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/command.h"
#include "milter/option.h"
#include "milter/packet.h"
#include "tests/fake/fake.h"
#include "tests/smtp/stage.h"
#include "tests/smtp/storm_filters.h"

/*
 * Filters that mostly let pass, and change what they let pass. Each of their
 * connections has its own mood, terms and mistakes.
 */
#define CONNECTIONS	300	/* of a storm */

static struct storm_filter filters[CONNECTIONS];
static size_t	nfilters;
static bool	has_discarded;

/* --- settings --- */

static const char *
failure(void)
{
	static const char *const ways[] = { "accept", "accept", "tempfail",
	    "reject", "shutdown" };

	return STORM_ANY_OF(ways);
}

const char *
storm_filters_settings(struct arena *a, bool by_rules)
{
	static const char *const names[] = { "clam", "edit", "spam" };
	size_t n = by_rules ? 3 : 1 + storm_any(3);
	const char *text = "";

	for (size_t i = 0; i < n; i++)
		text = arena_printf(a, "%sset-milter %s: when %s tell_at %s "
		    "failure %s failure_message %s max_idle %u "
		    "connect_timeout 1s command_timeout 2s body_timeout 2s "
		    "end_timeout 4s max_time 6s retry_time 5s idle_time 9s\n",
		    text, names[i], by_rules && i != 1 ? "rules" : "always",
		    storm_any(2) ? "rcpt" : "connect", failure(), failure(),
		    storm_any(3));
	return text;
}

/* --- what is agreed on --- */

static uint32_t
any_of(uint32_t bits, unsigned of)
{
	uint32_t chosen = 0;

	for (uint32_t bit = 1; bit != 0 && bit <= bits; bit <<= 1)
		if ((bits & bit) && storm_any(of) == 0)
			chosen |= bit;
	return chosen;
}

static void
agree(struct storm_filter *f)
{
	size_t at;

	f->is_agreed = true;
	f->actions = storm_any(5) == 0 ? any_of(OPTION_ACTIONS, 2) :
	    storm_any(4) > 0 ? OPTION_ACTIONS : 0;
	f->actions &= ~(uint32_t)SMFIF_SETSYMLIST;
	f->steps = any_of(SMFIP_SKIP | SMFIP_RCPT_REJ | SMFIP_HDR_LEADSPC, 2);
	if (storm_any(3) == 0)
		f->steps |= any_of(OPTION_STEPS & ~(uint32_t)(SMFIP_MDS_256K |
		    SMFIP_MDS_1M), 8);
	at = packet_begin(&f->out, SMFIC_OPTNEG);
	packet_put_uint(&f->out, storm_any(40) == 0 ? 99 : OPTION_VERSION);
	packet_put_uint(&f->out, f->actions);
	packet_put_uint(&f->out, f->steps);
	packet_end(&f->out, at);
}

/* --- order --- */

static bool
is_in_order(const struct storm_filter *f, char command)
{
	switch (command) {
	case SMFIC_QUIT:
	case SMFIC_ABORT:
	case SMFIC_UNKNOWN:
		return true;
	case SMFIC_QUIT_NC:
		return f->may_end;
	default:
		break;
	}
	if (f->is_client_over)
		return false;
	if (storm_place(command) == 0 || command == SMFIC_MAIL)
		return f->last == 0 || f->is_mail_over;
	if (f->last == 0 || f->is_mail_over)
		return (f->steps & SMFIP_NOMAIL) != 0;
	return storm_place(command) > storm_place(f->last) ||
	    (command == f->last && (command == SMFIC_RCPT ||
	    command == SMFIC_HEADER || command == SMFIC_BODY));
}

static void
check_order(const struct storm_filter *f, char command)
{
	struct terms t = { .version = OPTION_VERSION, .steps = f->steps };

	if (!option_sends(&t, command))
		problem("a filter is told of %s, which it did not want",
		    command_name(command));
	if (!is_in_order(f, command))
		problem("a filter is told of %s behind %s%s%s",
		    command_name(command), f->last == 0 ? "nothing" :
		    command_name(f->last), f->is_mail_over ?
		    ", the mail is over" : "", f->is_client_over ?
		    ", the client is" : "");
}

/* --- what comes --- */

static void
forget_mail(struct storm_filter *f)
{
	f->e = (struct storm_edition){ .filter = (size_t)(f - filters) };
	buf_clear(&f->told);
	buf_clear(&f->body);
	f->last = 0;
	f->is_mail_over = f->has_skipped = f->is_refused = false;
}

/* "<address>", NUL, parameters */
static void
take_path(struct span data, char path[STORM_NAME])
{
	struct span text;

	(void)span_until(&data, '<');
	text = span_until(&data, '>');
	snprintf(path, STORM_NAME, "%.*s", SPAN_ARG(text));
}

static void
take_header(struct storm_filter *f, struct span data)
{
	struct span name, value;
	uint64_t serial;

	if (!packet_string(&data, &name) || !packet_string(&data, &value) ||
	    !span_is(name, STORM_FIELD) || f->e.nseen == STORM_SERIALS ||
	    span_uint(span_trim(value), UINT32_MAX, &serial) < 0)
		return;
	f->e.seen[f->e.nseen++] = (unsigned)serial;
}

/* It sees the body as those in front of it have left it. */
static void
check_body(const struct storm_filter *f)
{
	struct span want = storm_edits_body(f->e.seen, f->e.nseen);

	if ((f->steps & (SMFIP_NOBODY | SMFIP_NOHDRS)) || f->has_skipped ||
	    want.p == NULL || span_eq(want, buf_text(&f->body)))
		return;
	problem("filter %zu sees %.100s, not %.100s", f->e.filter,
	    arena_copy(stage.arena, buf_text(&f->body)),
	    arena_copy(stage.arena, want));
}

static size_t
count_told(const struct storm_filter *f, struct span path)
{
	struct span rest = buf_text(&f->told), line;
	size_t n = 0;

	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		n += span_eq(line, path);
	}
	return n;
}

/* It hears of nobody more often than the client has named him. */
static void
check_told(const struct storm_filter *f)
{
	struct span rest = buf_text(&f->told), line;

	while (rest.len > 0 && storm_heard_message() > 0) {
		line = span_until(&rest, '\n');
		if (count_told(f, line) > storm_heard_named(line))
			problem("filter %zu hears of <%.*s> too often",
			    f->e.filter, SPAN_ARG(line));
	}
}

static void
take(struct storm_filter *f, char command, struct span data)
{
	char path[STORM_NAME];

	switch (command) {
	case SMFIC_MAIL:
		forget_mail(f);
		take_path(data, f->e.sender);
		break;
	case SMFIC_RCPT:
		if (f->is_mail_over)	/* it hears of no MAIL */
			forget_mail(f);
		take_path(data, path);
		f->told_before = f->told.len;
		if (!f->is_refused)
			buf_printf(&f->told, "%s\n", path);
		break;
	case SMFIC_HEADER:
		take_header(f, data);
		break;
	case SMFIC_BODY:
		buf_span(&f->body, data);
		break;
	case SMFIC_BODYEOB:
		check_body(f);
		check_told(f);
		break;
	default:
		break;
	}
}

/* --- what comes, and what is said to it --- */

static void
hear(struct storm_filter *f, char command, struct span data)
{
	struct terms t = { .version = OPTION_VERSION, .steps = f->steps };

	if (command == SMFIC_MACRO) {
		f->is_refused = data.len > 0 && data.p[0] == SMFIC_RCPT &&
		    memmem(data.p, data.len, "{rcpt_mailer}\0error", 19);
		return;
	}
	if (command == SMFIC_OPTNEG) {
		agree(f);
		return;
	}
	check_order(f, command);
	take(f, command, data);
	f->may_end = f->may_end && command != SMFIC_ABORT;
	if (command == SMFIC_QUIT)
		f->leaves = true;
	else if (command == SMFIC_ABORT)
		forget_mail(f);
	else if (command == SMFIC_QUIT_NC) {
		forget_mail(f);
		f->may_end = false;
	} else {
		if (storm_place(command) > 0)
			f->last = command;
		if (command != SMFIC_UNKNOWN)
			f->may_end = false;
		if (option_awaits(&t, command))
			storm_filter_answer(f, command);
	}
	if (command == SMFIC_BODYEOB) {
		f->may_end = !f->is_mail_over && !f->is_client_over;
		forget_mail(f);
	}
}

/* --- connections --- */

int
storm_filters_dial(int fd)
{
	static const unsigned moods[] = { 0, 0, 0, 0, 60, 60, 20, 5 };

	if (storm_any(20) == 0 || nfilters == CONNECTIONS)
		return storm_any(2) ? FAKE_DIAL_REFUSED : FAKE_DIAL_SILENT;
	filters[nfilters] = (struct storm_filter){ .fd = fd,
	    .trouble = STORM_ANY_OF(moods) };
	forget_mail(&filters[nfilters++]);
	return 0;
}

static void
leave(struct storm_filter *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_free(&f->in);
	buf_free(&f->out);
	buf_free(&f->told);
	buf_free(&f->body);
}

static void
flush(struct storm_filter *f)
{
	if (f->out.len == 0 || clock_now() < f->due)
		return;
	(void)!send(f->fd, f->out.p, f->out.len, MSG_NOSIGNAL);
	buf_clear(&f->out);
}

/* One packet; false: it has not come. */
static bool
hear_next(struct storm_filter *f)
{
	struct span data = buf_text(&f->in);
	uint32_t len;

	if (f->out.len > 0 || f->leaves || f->is_deaf ||
	    !packet_uint(&data, &len) || data.len < len || len == 0)
		return false;
	hear(f, data.p[0], span_n(data.p + 1, len - 1));
	if (f->fd >= 0)
		buf_drop(&f->in, 4 + len);
	flush(f);
	return true;
}

static bool
serve(struct storm_filter *f)
{
	static char block[65536];
	ssize_t n;
	bool moved;

	if (f->fd < 0)
		return false;
	moved = f->out.len > 0 && clock_now() >= f->due;
	flush(f);
	n = recv(f->fd, block, sizeof(block), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		leave(f);
		return true;
	}
	if (n > 0)
		buf_put(&f->in, block, (size_t)n);
	while (hear_next(f))
		moved = true;
	if (f->leaves)
		leave(f);
	return moved || n > 0;
}

void
storm_filters_begin(void)
{
	nfilters = 0;
	has_discarded = false;
}

bool
storm_filters_turn(void)
{
	bool moved = false;

	for (size_t i = 0; i < nfilters; i++)
		moved |= serve(&filters[i]);
	return moved;
}

int64_t
storm_filters_due(void)
{
	int64_t due = CLOCK_NEVER;

	for (size_t i = 0; i < nfilters; i++)
		if (filters[i].fd >= 0 && filters[i].out.len > 0 &&
		    filters[i].due < due)
			due = filters[i].due;
	return due;
}

void
storm_filters_end(void)
{
	for (size_t i = 0; i < nfilters; i++)
		leave(&filters[i]);
	nfilters = 0;
}


void
storm_filters_discard(void)
{
	has_discarded = true;
}

bool
storm_filters_discarded(void)
{
	return has_discarded;
}
