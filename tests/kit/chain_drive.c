#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "milter/command.h"
#include "tests/fake/fake.h"
#include "tests/kit/chain_drive.h"

#define CLIENTS		10
#define QUIET_TURNS	5	/* so many in which no filter was told a thing */

struct client {
	const char		*steps;
	struct fiber		*fiber;		/* NULL: it has gone */
	struct arena		*arena, *mail;
	struct chain		*chain;
	struct chain_source	 source;
	unsigned		 helos, rcpts, applied;
	struct buf		 shown;
	int64_t			 began, took;
};

static struct {
	struct chain_drive	 drive;
	char			 folder[32];
	struct settings		 settings;
	struct milter_conf	 confs[CHAIN_DRIVE_FILTERS];
	struct milter_house	*houses[CHAIN_DRIVE_FILTERS];
	struct milters		*milters;
	struct client		 clients[CLIENTS];
	size_t			 running;
	struct buf		 heard;
} d;

/* --- time --- */

static bool
has_gone(void)
{
	return d.running == 0;
}

static size_t
heard_so_far(void)
{
	size_t n = 0;

	for (size_t i = 0; i < d.drive.n; i++)
		if (d.houses[i] != NULL)
			n += milter_house_heard(d.houses[i]).len;
	return n;
}

/* Until `is_done`; false: nothing will happen before `most`. */
static bool
run_until(bool (*is_done)(void), int64_t most)
{
	size_t heard = 0;
	int64_t next;
	int quiet = 0;

	while (!is_done()) {
		loop_turn(false);
		if (fiber_is_ready() || heard_so_far() != heard) {
			heard = heard_so_far();
			quiet = 0;
		} else if (++quiet > QUIET_TURNS) {
			next = fiber_next_deadline();
			if (next > most)
				return false;
			if (next > clock_now())
				fake_clock_advance(next - clock_now());
			quiet = 0;
		}
	}
	return true;
}

static bool
never(void)
{
	return false;
}

void
chain_drive_wait(int64_t us)
{
	int64_t until = clock_now() + us;

	run_until(never, until);
	if (clock_now() < until)
		fake_clock_advance(until - clock_now());
	run_until(never, until);
}

/* --- the owner's side --- */

static char
name_of(size_t milter)
{
	return (char)('a' + milter);
}

static void
show_verdict(struct client *c, const struct chain_verdict *v)
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
	struct client *c = owner;
	struct field *fields = arena_new_n(c->mail, 2, struct field);
	struct spool *body = spool_open(c->mail, d.folder);
	struct err err;

	fields[0] = (struct field){ .value = SPAN_LIT("no field") };
	fields[1].name = SPAN_LIT("Subject");
	fields[1].value = d.drive.huge > 0 ?
	    span_n(arena_alloc(c->mail, d.drive.huge), d.drive.huge) :
	    span_z(arena_printf(c->mail, " s%u", c->applied));
	spool_write(body, SPAN_LIT("before\r\nbody\r\n"), &err);
	spool_end(body, &err);
	*out = (struct chain_message){ .fields = fields, .nfields = 2,
	    .body = body, .offset = 8 };
}

static MAY_YIELD int
apply(void *owner, size_t milter, const struct edits *edits, struct err *err)
{
	struct client *c = owner;

	if (d.drive.cannot_apply)
		return err_set(err, ERR_SYNTAX, "it cannot be");
	buf_printf(&c->shown, "<%c:%zu%s>", name_of(milter), edits->n,
	    edits->body != NULL ? " body" : "");
	c->applied++;
	return 0;
}

static void
rcpt_refused(void *owner, size_t index, const struct chain_verdict *v)
{
	struct client *c = owner;

	buf_printf(&c->shown, "<late %zu", index);
	show_verdict(c, v);
	buf_puts(&c->shown, ">");
}

static void
told(void *owner, size_t milter, char command, const struct chain_verdict *v,
    int64_t us)
{
	struct client *c = owner;

	if (!d.drive.shows_told)
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
begin_chain(struct client *c)
{
	struct addr addr;
	struct err err;

	c->source = (struct chain_source){ c, set_macros, set_message, apply,
	    rcpt_refused, told };
	addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &addr, &err);
	c->helos = 0;
	c->arena = arena_create("drive session");
	c->chain = chain_begin(c->arena, d.milters, &c->source, "main",
	    &addr);
}

static MAY_YIELD void
end_mail(struct client *c)
{
	chain_abort(c->chain);
	arena_destroy(&c->mail);
}

static MAY_YIELD void
begin_mail(struct client *c, bool login, struct chain_verdict *v)
{
	struct span arg = SPAN_LIT("SIZE=1");

	if (c->mail != NULL)
		end_mail(c);
	c->mail = arena_create("drive mail");
	c->rcpts = c->applied = 0;
	chain_mail(c->chain, c->mail, SPAN_LIT("a@x.example"), &arg, 1, login,
	    v);
}

static MAY_YIELD void
say_rcpt(struct client *c, bool is_refused, struct chain_verdict *v)
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
show_said(struct client *c, size_t milter)
{
	static const char *const names[] = { "none", "accepted", "rejected",
	    "tempfailed", "discarded", "quarantined", "error" };

	buf_puts(&c->shown, names[chain_said(c->chain, milter)]);
}

static MAY_YIELD void
do_rule(struct client *c, char what, size_t milter, struct chain_verdict *v)
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
end_client(struct client *c)
{
	chain_end(&c->chain);
	arena_destroy(&c->mail);
	arena_destroy(&c->arena);
}

static MAY_YIELD void
step(struct client *c, char letter, struct chain_verdict *v)
{
	static const char *const names[] = { "one", "two", "three" };
	struct chain *chain = c->chain;
	struct err err;

	switch (letter) {
	case 'C':
		chain_connect(chain, SPAN_LIT("c.example"), v);
		break;
	case 'H':
		if (c->mail != NULL)
			end_mail(c);
		chain_helo(chain, span_z(names[c->helos++ % 3]), v);
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

static MAY_YIELD void
run_client(void *arg)
{
	struct client *c = arg;
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
	c->fiber = NULL;
	d.running--;
}

/* --- several clients --- */

static void
set_conf(size_t i, const char *path)
{
	const struct chain_drive_filter *f = &d.drive.filters[i];
	static const char *const names[] = { "a", "b", "c" };
	struct milter_conf *conf = &d.confs[i];
	enum milter_failure failure = f->failure;

	*conf = (struct milter_conf){ .name = names[i],
	    .address.text = "unix:/s", .when = f->when,
	    .tell_at = f->tell_at, .authenticated = f->authenticated,
	    .connect_timeout = 10 * CLOCK_S, .command_timeout = 20 * CLOCK_S,
	    .body_timeout = 25 * CLOCK_S, .end_timeout = 120 * CLOCK_S,
	    .max_time = 300 * CLOCK_S, .failure = failure,
	    .failure_connect = failure, .failure_helo = failure,
	    .failure_mail = failure, .failure_rcpt = failure,
	    .failure_message = failure, .max_idle = f->max_idle,
	    .idle_time = 60 * CLOCK_S, .retry_time = 30 * CLOCK_S };
	d.houses[i] = milter_house_open(path, &f->scene);
	conf->address.addr = *milter_house_addr(d.houses[i]);
	if (f->is_away)
		unlink(path);
}

void
chain_drive_begin(const struct chain_drive *drive)
{
	char path[64];

	d.drive = *drive;
	if (d.drive.n == 0)
		d.drive.n = 1;
	snprintf(d.folder, sizeof(d.folder), "/tmp/chain-test-XXXXXX");
	if (mkdtemp(d.folder) == NULL)
		abort();
	for (size_t i = 0; i < d.drive.n; i++) {
		snprintf(path, sizeof(path), "%s/%zu", d.folder, i);
		set_conf(i, path);
	}
	d.settings = (struct settings){ .milters = d.confs,
	    .nmilters = d.drive.n, .spool = d.folder,
	    .smtp.max_message_size = 100000 };
	d.milters = milters_create(&d.settings);
}

void
chain_drive_reload(void)
{
	milters_destroy(&d.milters);
	d.milters = milters_create(&d.settings);
}

struct milters *
chain_drive_milters(void)
{
	return d.milters;
}

struct milter_conf *
chain_drive_conf(size_t i)
{
	return &d.confs[i];
}

struct milter_house *
chain_drive_house(size_t i)
{
	return d.houses[i];
}

void
chain_drive_clients(const char *steps, size_t n)
{
	assert(n <= CLIENTS);
	d.running = n;
	for (size_t i = 0; i < n; i++) {
		struct client *c = &d.clients[i];

		buf_free(&c->shown);
		*c = (struct client){ .steps = steps, .began = clock_now() };
		c->fiber = fiber_spawn("client", run_client, c);
	}
	if (d.drive.stop_after > 0) {
		run_until(has_gone, clock_now() + d.drive.stop_after);
		for (size_t i = 0; i < n; i++)
			if (d.clients[i].fiber != NULL)
				fiber_stop(d.clients[i].fiber);
	}
	if (!run_until(has_gone, CLOCK_NEVER - 1)) {
		fprintf(stderr, "%s: everybody waits for ever\n", steps);
		abort();
	}
}

const char *
chain_drive_shown(size_t i)
{
	struct buf *shown = &d.clients[i].shown;

	buf_put(shown, "", 1);
	shown->len--;
	return shown->p;
}

int64_t
chain_drive_took(size_t i)
{
	return d.clients[i].took;
}

static bool
all_is_over(void)
{
	return fiber_count() == 0;
}

const char *
chain_drive_end(void)
{
	milters_destroy(&d.milters);
	run_until(never, clock_now());	/* so that they hear QUIT */
	buf_clear(&d.heard);
	for (size_t i = 0; i < d.drive.n; i++) {
		buf_puts(&d.heard, " | ");
		buf_span(&d.heard, milter_house_heard(d.houses[i]));
		milter_house_close(&d.houses[i]);
	}
	buf_put(&d.heard, "", 1);
	if (!run_until(all_is_over, CLOCK_NEVER - 1)) {
		fprintf(stderr, "%s: somebody does not end\n", d.heard.p);
		abort();
	}
	rmdir(d.folder);
	return d.heard.p;
}

const char *
chain_drive_play(const struct chain_drive *drive)
{
	static struct buf all;

	chain_drive_begin(drive);
	chain_drive_clients(drive->steps, 1);
	buf_clear(&all);
	buf_puts(&all, chain_drive_shown(0));
	buf_puts(&all, chain_drive_end());
	buf_put(&all, "", 1);
	return all.p;
}
