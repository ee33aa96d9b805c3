#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/chain_drive.h"
#include "tests/kit/t.h"

/*
 * Clients and filters that do anything, drawn by chance, the same at each run.
 * Whatever happens: every step comes to an end, every connection is closed
 * (chain_drive_end() sees to both), no message passes that a filter has not
 * let pass, and no client makes a session grow.
 */
#define ONE(text)	{ text, sizeof(text) - 1 }
#define TRIALS		600
#define CLIENTS		3

static const struct span answers[] = {
	ONE("\0\0\0\1a"), ONE("\0\0\0\1r"), ONE("\0\0\0\1t"), ONE("\0\0\0\1d"),
	ONE("\0\0\0\1s"), ONE("\0\0\0\0014"), ONE("\0\0\0\1f"),
	ONE("\0\0\0\20y554 5.7.0 gone\0"), ONE("\0\0\0\20y421 4.7.0 away\0"),
	ONE("\0\0\0\1p\0\0\0\1c"), ONE("\0\0\0\1c\0\0\0\1c"),
	ONE("\0\0\0\5hX\0v\0\0\0\0\1c"), ONE("\0\0\0\5qbad\0\0\0\0\1c"),
	ONE("\0\0\0\1z"), ONE("\377\377\377\377c"), ONE("\0\0"),
};

static uint64_t state;

static unsigned
draw(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state >> 33) % n;
}

static void
draw_turn(struct milter_house_turn *t)
{
	static const char letters[] = "OCUHMRTLNBEAK";

	t->at = letters[draw(sizeof(letters) - 1)];
	t->nth = draw(4) == 0 ? HOUSE_ALWAYS : draw(4);
	t->manner = (enum milter_house_manner[]){ HOUSE_SAYS, HOUSE_SAYS,
	    HOUSE_SAYS, HOUSE_CLOSES, HOUSE_SILENT }[draw(5)];
	t->answer = answers[draw(sizeof(answers) / sizeof(answers[0]))];
	t->delay = draw(3) == 0 ? draw(40) * CLOCK_S : 0;
}

static void
draw_filter(struct chain_drive_filter *f)
{
	*f = (struct chain_drive_filter){ .is_away = draw(12) == 0,
	    .when = draw(4) == 0 ? MILTER_BY_RULES : MILTER_ALWAYS,
	    .tell_at = draw(2) ? MILTER_AT_CONNECT : MILTER_AT_RCPT,
	    .authenticated = draw(6) == 0 ? MILTER_LOGIN_YES :
	    MILTER_LOGIN_ANY, .failure = draw(4), .max_idle = draw(3) };
	f->scene.actions = draw(2) ? SMFIF_ADDHDRS | SMFIF_QUARANTINE : 0;
	if (draw(3) == 0)
		f->scene.steps |= SMFIP_RCPT_REJ;
	if (draw(4) == 0)
		f->scene.steps |= SMFIP_NR_CONN | SMFIP_NR_HELO |
		    SMFIP_NR_MAIL | SMFIP_NR_RCPT;
	if (draw(4) == 0)
		f->scene.steps |= SMFIP_NOCONNECT | SMFIP_NOHELO |
		    SMFIP_NODATA | SMFIP_NOHDRS | SMFIP_SKIP;
	for (unsigned i = draw(HOUSE_TURNS + 1); i > 0; i--)
		draw_turn(&f->scene.turns[i - 1]);
}

static void
put(struct buf *b, const char *choice)
{
	buf_put(b, choice + draw((unsigned)strlen(choice)), 1);
}

static void
put_rule(struct buf *b, const char *what, unsigned filters)
{
	if (draw(3) > 0)
		return;
	put(b, what);
	buf_printf(b, "%u", draw(filters));
}

/* A dialogue as clients may have it, and as rules may interfere. */
static void
draw_steps(struct buf *b, unsigned filters)
{
	buf_clear(b);
	buf_puts(b, "C");
	for (unsigned mails = 1 + draw(3); mails > 0; mails--) {
		put(b, "HHHSU");
		put_rule(b, "+*", filters);
		put(b, "MMN");
		for (unsigned i = draw(4); i > 0; i--) {
			put(b, "RRRRLUWz");
			put_rule(b, "+*", filters);
		}
		if (draw(4) > 0) {
			buf_puts(b, "T");
			put_rule(b, "?!^=", filters);
			put_rule(b, "?!^=", filters);
			buf_puts(b, "E");
			put_rule(b, "=", filters);
		}
		put(b, "AAAAX");
		if (b->p[b->len - 1] == 'X')
			buf_puts(b, "C");
	}
	if (draw(2))
		b->len--;	/* it goes in the middle */
	buf_put(b, "", 1);
}

/* A stopped one may end anywhere, all others at the end of their steps. */
static bool
is_complete(const char *steps, const char *shown)
{
	for (; *steps != '\0'; steps++, shown++) {
		while (*shown == '(' || *shown == '<')
			shown = strchr(shown, *shown == '(' ? ')' : '>') + 1;
		while (*shown >= 'a' && *shown <= 'y' && *steps != *shown)
			shown++;
		if (*steps != *shown)
			return false;
	}
	return true;
}

static void
storm_test(void)
{
	struct buf steps = { 0 };
	struct chain_drive drive;
	char name[300];
	unsigned bad = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		state = i;
		drive = (struct chain_drive){ .n = 1 + draw(3),
		    .cannot_apply = draw(8) == 0,
		    .stop_after = draw(6) == 0 ? draw(60) * CLOCK_S + 1 : 0 };
		for (size_t k = 0; k < drive.n; k++)
			draw_filter(&drive.filters[k]);
		draw_steps(&steps, (unsigned)drive.n);
		chain_drive_begin(&drive);
		for (int k = 0; k < 2; k++) {
			chain_drive_clients(steps.p, CLIENTS);
			for (size_t c = 0; c < CLIENTS; c++)
				if (!is_complete(steps.p,
				    chain_drive_shown(c))) {
					snprintf(name, sizeof(name),
					    "trial %u, %s", i, steps.p);
					T_STR(name, chain_drive_shown(c), "");
					bad++;
				}
		}
		chain_drive_end();
	}
	T_INT("every step of every client", bad, 0);
	buf_free(&steps);
}

/* --- nothing grows --- */

static void
growth_test(void)
{
	static const struct {
		const char	*name, *round;
		struct milter_house_turn turn;
	} list[] = {
		{ "HELO", "HHHH", { 0 } },
		{ "RSET", "MRRAMA", { 0 } },
		{ "unknown commands", "UUUU", { 0 } },
		{ "refused recipients", "MLLLA", { 0 } },
		{ "refusals at RCPT", "MRRRRA", { .at = 'R',
		    .nth = HOUSE_ALWAYS, .answer =
		    ONE("\0\0\0\20y554 5.7.0 gone\0") } },
		{ "refusals at HELO", "HMRA", { .at = 'H',
		    .nth = HOUSE_ALWAYS, .answer =
		    ONE("\0\0\0\20y554 5.7.0 gone\0") } },
		{ "answers to unknown commands", "UUU", { .at = 'U',
		    .nth = HOUSE_ALWAYS, .answer =
		    ONE("\0\0\0\20y554 5.7.0 gone\0") } },
		{ "failures at MAIL", "MRA", { .at = 'M',
		    .nth = HOUSE_ALWAYS, .manner = HOUSE_CLOSES } },
		{ "failures at HELO", "HMRA", { .at = 'H',
		    .nth = HOUSE_ALWAYS, .manner = HOUSE_CLOSES } },
		{ "nonsense at MAIL", "MRAZ", { .at = 'M',
		    .nth = HOUSE_ALWAYS, .answer = ONE("\0\0\0\2yx") } },
		{ "whole mails", "MRTEA", { 0 } },
	};
	struct chain_drive drive = { .n = 1, .filters[0].tell_at =
	    MILTER_AT_CONNECT };
	struct buf steps = { 0 };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		buf_clear(&steps);
		buf_puts(&steps, "CH");
		for (int k = 0; k < 300; k++)
			buf_puts(&steps, list[i].round);
		buf_put(&steps, "", 1);
		drive.filters[0].scene.turns[0] = list[i].turn;
		chain_drive_begin(&drive);
		chain_drive_clients(steps.p, 1);
		T_OK(list[i].name, chain_drive_held(0) <= 4096);
		T_OK(list[i].name, milter_house_connections(
		    chain_drive_house(0)) <= 1);
		chain_drive_end();
	}
	buf_free(&steps);
}

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	storm_test();
	growth_test();
	loop_destroy();
	return t_done();
}
