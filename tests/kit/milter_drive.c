#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "milter/macro.h"
#include "tests/kit/milter_drive.h"
#include "tests/kit/spooled.h"

struct ride {
	const struct span	*macros;
	struct spool		*spool;
	struct edits		 edits;
	struct buf		*shown;
};

static MAY_YIELD int
step(struct arena *a, struct dialogue *d, struct ride *r, char letter,
    struct answer *v, struct err *err)
{
	static char octets[MILTER_DRIVE_BODY];
	struct span subject = SPAN_LIT("Subject");
	struct iovec runs[3] = { { octets, 100 }, { octets + 100, 0 },
	    { octets + 100, sizeof(octets) - 100 } };
	struct span arg = SPAN_LIT("SIZE=1");
	struct addr client;

	*v = (struct answer){ .kind = ANSWER_CONTINUE };
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = spooled_byte(i);
	switch (letter) {
	case 'C':
		addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &client, err);
		return dialogue_connect(a, d, r->macros, SPAN_LIT("c.example"),
		    &client, v, err);
	case 'H':
		return dialogue_helo(a, d, r->macros, SPAN_LIT("c.example"),
		    v, err);
	case 'M':
		return dialogue_mail(a, d, r->macros, SPAN_LIT("a@x.example"),
		    &arg, 1, v, err);
	case 'R':
		return dialogue_rcpt(a, d, r->macros, SPAN_LIT("b@x.example"),
		    NULL, 0, v, err);
	case 'T':
		return dialogue_data(a, d, r->macros, v, err);
	case 'U':
		return dialogue_unknown(a, d, r->macros, SPAN_LIT("XYZ"), v,
		    err);
	case 'L':
		return dialogue_header(a, d, subject, SPAN_LIT(" hi"), v,
		    err);
	case 'X':	/* no packet takes it */
		memset(octets, 'x', sizeof(octets));
		return dialogue_header(a, d, subject,
		    span_n(octets, sizeof(octets)), v, err);
	case 'N':
		return dialogue_end_of_header(a, d, r->macros, v, err);
	case 'B':
		return dialogue_body(a, d, runs, 3, v, err);
	case 'S':
		return dialogue_body_spool(a, d, r->spool, 0, v, err);
	case 'E':
		return dialogue_end(a, d, r->macros, &r->edits, v, err);
	case 'A':
		dialogue_abort(d);
		return 0;
	case 'K':
		if (!dialogue_next(d))
			buf_puts(r->shown, " no-next");
		return 0;
	case '?':
		fiber_sleep(5 * CLOCK_MS, err);
		buf_puts(r->shown, dialogue_is_usable(d) ? " usable" : " gone");
		return 0;
	default:
		abort();
	}
}

static void
show(struct buf *shown, char letter, const struct answer *v)
{
	buf_put(shown, &letter, 1);
	if (v->kind == ANSWER_REPLY)
		buf_printf(shown, "(%d %s %.*s)", v->code, v->enhanced,
		    SPAN_ARG(v->text));
	else if (v->kind != ANSWER_CONTINUE)
		buf_printf(shown, "(%s)", answer_name(v->kind));
}

static void
show_edits(struct buf *shown, const struct edits *edits)
{
	struct err err;
	char c;

	for (const struct edit *e = edits->first; e != NULL && edits->n < 10;
	    e = e->next)
		buf_printf(shown, " <%s>", answer_name(e->answer.kind));
	if (edits->n >= 10)
		buf_printf(shown, " <%zu edits>", edits->n);
	if (edits->body == NULL)
		return;
	buf_printf(shown, " <body of %ju>",
	    (uintmax_t)spool_size(edits->body));
	for (uint64_t i = 0; i < 20 && i < spool_size(edits->body); i++) {
		spool_read(edits->body, i, &c, 1, &err);
		buf_put(shown, &c, 1);
	}
}

MAY_YIELD void
milter_drive(const struct dialogue_conf *conf, const struct span *macros,
    const char *steps, struct buf *shown)
{
	struct ride r = { .macros = macros, .shown = shown };
	struct arena *a = arena_create("milter drive");
	struct dialogue *d;
	struct err err, again;
	struct answer v;

	r.spool = spool_open(a, conf->spool_dir);
	spooled_fill(r.spool, MILTER_DRIVE_BODY, 7000, &err);
	if (dialogue_open(conf, &d, &err) < 0) {
		buf_printf(shown, "%s: %s", err_kind_name(err.kind), err.text);
		arena_destroy(&a);
		return;
	}
	for (; *steps != '\0' && step(a, d, &r, *steps, &v, &err) == 0;
	    steps++)
		if (*steps != '?')
			show(shown, *steps, &v);
	if (*steps != '\0') {
		buf_printf(shown, " %s: %s", err_kind_name(err.kind),
		    err.text);
		if (dialogue_mail(a, d, macros, SPAN_LIT(""), NULL, 0, &v,
		    &again) == 0 || strcmp(again.text, err.text) != 0)
			buf_puts(shown, ", but it goes on");
	}
	show_edits(shown, &r.edits);
	dialogue_quit(&d);
	arena_destroy(&a);
}
