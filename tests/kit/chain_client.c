#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "milter/command.h"
#include "tests/kit/chain_client.h"

/* --- the owner's side --- */

static char
name_of(size_t milter)
{
	return (char)('a' + milter);
}

static void
show_verdict(struct chain_client *c, const struct chain_verdict *v)
{
	struct buf *b = &c->shown;

	if (v->kind == CHAIN_PASS && !v->is_failure)
		return;
	if (v->why.kind == ERR_CLOSED && !v->is_failure) {
		buf_puts(b, "(stop)");
		return;
	}
	buf_printf(b, "(%c%s%s%s", name_of(v->milter),
	    v->is_failure ? " failed" : "",
	    v->kind == CHAIN_CLOSE ? " close" : "",
	    v->kind == CHAIN_DISCARD ? " discard" : "");
	if (v->code != 0)
		buf_printf(b, " %d %s", v->code, v->enhanced);
	if (v->code != 0 && !v->is_failure)
		buf_printf(b, " %.*s", SPAN_ARG(v->text));
	buf_puts(b, ")");
}

static void
set_macros(void *owner, char command, const struct chain_rcpt *rcpt,
    struct span *values)
{
	(void)owner;
	assert((command == SMFIC_RCPT) == (rcpt != NULL));
	values[MACRO_I] = SPAN_LIT("1.1");
	if (rcpt != NULL)
		values[MACRO_RCPT_MAILER] = span_z(rcpt->is_refused ? "error" :
		    "smtp");
}

static void
set_message(void *owner, struct chain_message *out)
{
	struct chain_client *c = owner;
	struct field *fields = arena_new_n(c->mail, 2, struct field);
	struct spool *body = spool_open(c->mail, c->folder);
	struct err err;

	fields[0] = (struct field){ .value = SPAN_LIT("no field") };
	fields[1].name = SPAN_LIT("Subject");
	fields[1].value = c->drive->huge > 0 ?
	    span_n(arena_alloc(c->mail, c->drive->huge), c->drive->huge) :
	    span_z(arena_printf(c->mail, " s%u", c->applied));
	spool_write(body, SPAN_LIT("before\r\nbody\r\n"), &err);
	spool_end(body, &err);
	*out = (struct chain_message){ .fields = fields, .nfields = 2,
	    .body = body, .offset = 8 };
}

static MAY_YIELD int
apply(void *owner, size_t milter, const struct edits *edits, struct err *err)
{
	struct chain_client *c = owner;

	if (c->drive->cannot_apply)
		return err_set(err, ERR_SYNTAX, "it cannot be");
	buf_printf(&c->shown, "<%c:%zu%s>", name_of(milter), edits->n,
	    edits->body != NULL ? " body" : "");
	c->applied++;
	return 0;
}

static void
rcpt_refused(void *owner, size_t index, const struct chain_verdict *v)
{
	struct chain_client *c = owner;

	buf_printf(&c->shown, "<late %zu", index);
	show_verdict(c, v);
	buf_puts(&c->shown, ">");
}

static void
told(void *owner, size_t milter, char command, const struct chain_verdict *v,
    int64_t us)
{
	struct chain_client *c = owner;

	if (!c->drive->shows_told)
		return;
	buf_printf(&c->shown, "[%c %s %llds", name_of(milter),
	    command_name(command), (long long)(us / CLOCK_S));
	if (v->is_failure)
		buf_printf(&c->shown, " %s: %s", err_kind_name(v->why.kind),
		    v->why.text);
	buf_puts(&c->shown, "]");
}

/* --- the client's steps --- */

static void
begin_chain(struct chain_client *c)
{
	struct addr addr;
	struct err err;

	c->source = (struct chain_source){ c, set_macros, set_message, apply,
	    rcpt_refused, told };
	addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &addr, &err);
	c->helos = 0;
	c->arena = arena_create("drive session");
	c->chain = chain_begin(c->arena, *c->milters, &c->source, "main",
	    &addr);
}

static MAY_YIELD void
end_mail(struct chain_client *c)
{
	chain_abort(c->chain);
	arena_destroy(&c->mail);
}

/* The one before is over by that, as it is by HELO. */
static MAY_YIELD void
begin_mail(struct chain_client *c, bool login, struct chain_verdict *v)
{
	struct arena *old = c->mail;
	struct span arg = SPAN_LIT("SIZE=1");

	c->mail = arena_create("drive mail");
	c->rcpts = c->applied = 0;
	chain_mail(c->chain, c->mail, SPAN_LIT("a@x.example"), &arg, 1, login,
	    v);
	arena_destroy(&old);
}

static MAY_YIELD void
say_rcpt(struct chain_client *c, bool is_refused, struct chain_verdict *v)
{
	char address[] = "b@x.example";
	struct chain_rcpt rcpt = { .address = span_z(address),
	    .is_refused = is_refused, .enhanced = "5.1.1",
	    .why = SPAN_LIT("no such user") };

	address[0] += c->rcpts++ % 20;
	chain_rcpt(c->chain, &rcpt, v);
	memset(address, '!', sizeof(address));
}

static void
show_said(struct chain_client *c, size_t milter)
{
	static const char *const names[] = { "none", "accepted", "rejected",
	    "tempfailed", "discarded", "quarantined", "error" };

	buf_puts(&c->shown, names[chain_said(c->chain, milter)]);
}

static MAY_YIELD void
do_rule(struct chain_client *c, char what, size_t milter,
    struct chain_verdict *v)
{
	if (what == '+' || what == '*')
		chain_attach(c->chain, milter, what == '*');
	else if (what == '?')
		chain_consult(c->chain, milter);
	else if (what == '!')
		chain_obey(c->chain, milter, v);
	else if (what == '^')
		chain_message(c->chain, milter, v);
	else
		show_said(c, milter);
}

static MAY_YIELD void
end_client(struct chain_client *c)
{
	c->held = arena_size(c->arena);
	chain_end(&c->chain);
	arena_destroy(&c->mail);
	arena_destroy(&c->arena);
}

static MAY_YIELD void
step(struct chain_client *c, char letter, struct chain_verdict *v)
{
	static const char *const names[] = { "one", "two", "three" };
	struct chain *chain = c->chain;
	struct err err;

	switch (letter) {
	case 'C':
		chain_connect(chain, SPAN_LIT("c.example"), v);
		break;
	case 'H':
		chain_helo(chain, span_z(names[c->helos++ % 3]), v);
		arena_destroy(&c->mail);
		break;
	case 'M':
	case 'N':
		begin_mail(c, letter == 'N', v);
		break;
	case 'R':
	case 'L':
		say_rcpt(c, letter == 'L', v);
		break;
	case 'T':
		chain_data(chain, v);
		break;
	case 'U':
		chain_unknown(chain, SPAN_LIT("XYZ"), v);
		break;
	case 'E':
		chain_message(chain, SIZE_MAX, v);
		break;
	case 'A':
		end_mail(c);
		break;
	case 'S':
		chain_starttls(chain);
		arena_destroy(&c->mail);
		break;
	case 'X':
		end_client(c);
		begin_chain(c);
		break;
	case 'W':
		buf_puts(&c->shown, chain_wants_refused(chain) ? "yes" : "no");
		break;
	case 'z':
		fiber_sleep(CLOCK_S, &err);
		break;
	case 'Z':
		fiber_sleep(31 * CLOCK_S, &err);
		break;
	default:
		abort();
	}
}

MAY_YIELD void
chain_client_run(void *client)
{
	struct chain_client *c = client;
	struct chain_verdict v;

	begin_chain(c);
	if (c->chain == NULL)
		buf_puts(&c->shown, "no chain");
	for (const char *at = c->steps; c->chain != NULL && *at != '\0';
	    at++) {
		v = (struct chain_verdict){ .kind = CHAIN_PASS };
		buf_put(&c->shown, at, 1);
		if (strchr("+*?!=^", *at) != NULL) {
			buf_put(&c->shown, at + 1, 1);
			do_rule(c, *at, at[1] - '0', &v);
			at++;
		} else
			step(c, *at, &v);
		show_verdict(c, &v);
	}
	end_client(c);
	c->took = clock_now() - c->began;
	c->is_gone = true;
}
