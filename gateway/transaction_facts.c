#include <string.h>

#include "gateway/transaction_internal.h"

/* --- who tells --- */

#define SCRATCH	(64 * 1024)	/* so much may stay */

struct teller
tell_begin(struct buf *to, const struct veil *veil)
{
	static struct buf scratch;

	veil_begin(veil);
	return (struct teller){ .o = { .to = to, .keeps_octets = true },
	    .veil = veil, .scratch = &scratch };
}

void
tell_end(struct teller *t)
{
	if (t->scratch->cap > SCRATCH)
		buf_free(t->scratch);
}

/* --- values --- */

/* A text of ours may repeat the subject, as those of rules do. */
static void
tell_without_subject(struct teller *t, struct span key, struct span text)
{
	struct buf out = {0};
	const char *at;

	while ((at = memmem(text.p, text.len, t->subject.p,
	    t->subject.len)) != NULL) {
		buf_put(&out, text.p, (size_t)(at - text.p));
		veil_hash(t->veil, t->subject, &out);
		text.len -= (size_t)(at - text.p) + t->subject.len;
		text.p = at + t->subject.len;
	}
	buf_span(&out, text);
	veil_put(t->veil, &t->o, key, VEIL_FOREIGN, buf_text(&out));
	buf_free(&out);
}

void
tell_text(struct teller *t, struct span key, struct span text)
{
	if (t->subject.len > 0 && text.len >= t->subject.len)
		tell_without_subject(t, key, text);
	else
		veil_put(t->veil, &t->o, key, VEIL_FOREIGN, text);
}

void
tell_know(struct teller *t, const struct mail *m)
{
	const struct envelope *e = &m->envelope;

	if (t->veil == NULL)
		return;
	veil_know(t->veil, VEIL_SENDER, e->sender.text);
	for (size_t i = 0; i < e->nrcpts; i++)
		veil_know(t->veil, VEIL_RCPT, e->rcpts[i].addr.text);
	tell_know_refused(t, m);
}

void
tell_find_subject(struct teller *t, struct judge *j,
    const struct findings *found, const struct told_fact *fact)
{
	struct value v;

	if (fact != NULL && judge_known(j, found, &fact->ref, &v) &&
	    !v.is_none)
		t->subject = v.text;
}

static void
tell_list(struct teller *t, const struct fact *fact, enum veil_what what,
    const struct value *v)
{
	json_open_n(&t->o, JSON_NO_KEY, '[');
	for (size_t i = 0; i < v->list.n; i++)
		tell_value(t, fact, what, &v->list.items[i]);
	json_close(&t->o, ']');
}

void
tell_value(struct teller *t, const struct fact *fact, enum veil_what what,
    const struct value *v)
{
	const struct span key = JSON_NO_KEY;
	char text[ADDR_TEXT];

	if (v->is_none) {
		json_none_n(&t->o, key);
		return;
	}
	switch (v->type) {
	case TYPE_YESNO:
		json_bool_n(&t->o, key, v->yes);
		break;
	case TYPE_INT:
	case TYPE_SIZE:
		json_int_n(&t->o, key, v->number);
		break;
	case TYPE_NUMBER:
		json_decimal_n(&t->o, key, v->number, 2);
		break;
	case TYPE_DURATION:
		json_decimal_n(&t->o, key, v->number, 6);
		break;
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_MAILBOX:
		veil_put(t->veil, &t->o, key, what, v->text);
		break;
	case TYPE_WORD:
		json_span_n(&t->o, key, span_z(fact->words[v->word]));
		break;
	case TYPE_ADDRESS:
		json_span_n(&t->o, key, span_z(addr_ip(v->address, text)));
		break;
	case TYPE_NETWORK:
		json_span_n(&t->o, key,
		    span_z(network_text(&v->network, text)));
		break;
	case TYPE_TEXTS:
	case TYPE_NAMES:
	case TYPE_ADDRESSES:
		tell_list(t, fact, what, v);
		break;
	}
}

/* --- their names --- */

void
tell_put_name(struct buf *out, const struct fact_ref *ref)
{
	buf_puts(out, ref->fact->name);
	if (ref->fact->argument == FACT_TAKES_HEADER)
		buf_puts(out, " ");
	buf_span(out, ref->argument);
}

enum veil_what
tell_what(const struct veil *veil, const struct fact_ref *ref)
{
	switch (ref->fact->id) {
	case FACT_SENDER:
	case FACT_SENDER_LOCAL:
		return VEIL_SENDER;
	case FACT_RCPT:
	case FACT_RCPT_LOCAL:
		return VEIL_RCPT;
	case FACT_SPF_EXPLANATION:
		return VEIL_FOREIGN;
	default:
		return ref->fact->argument == FACT_TAKES_HEADER ?
		    veil_of_header(veil, ref->argument) : VEIL_TEXT;
	}
}

/* --- telling them --- */

/* NULL: it is none of those that were made ready. */
static const struct span *
find_ready(const struct told_fact *f, const struct value *v)
{
	if (v->is_none)
		return &f->none;
	if (f->values == NULL)
		return NULL;
	switch (v->type) {
	case TYPE_WORD:
		return &f->values[v->word];
	case TYPE_YESNO:
		return &f->values[v->yes];
	default:		/* a list */
		return v->list.n == 0 ? f->values : NULL;
	}
}

static void
tell_fact(struct teller *t, const struct told_fact *f, const struct value *v)
{
	const struct span *ready = find_ready(f, v);

	if (ready == NULL) {
		json_put_key(&t->o, f->key);
		tell_value(t, f->ref.fact, f->what, v);
	} else
		json_put_member(&t->o, *ready);
}

void
tell_named(struct teller *t, const struct fact_ref *ref,
    const struct value *v)
{
	const struct told_fact *f = t->plan != NULL ?
	    t->plan->by_slot[ref->slot] : NULL;

	if (f != NULL) {
		tell_fact(t, f, v);
		return;
	}
	buf_clear(t->scratch);
	tell_put_name(t->scratch, ref);
	json_key_n(&t->o, buf_text(t->scratch));
	tell_value(t, ref->fact, VEIL_TEXT, v);
}

void
tell_facts(struct teller *t, struct judge *j, const struct findings *found,
    const struct told_fact *facts, size_t n, bool with_headers)
{
	struct value v;

	json_open(&t->o, "facts", '{');
	for (size_t i = 0; i < n; i++) {
		const struct told_fact *f = &facts[i];

		if ((f->is_header && !with_headers) ||
		    !judge_known(j, found, &f->ref, &v))
			continue;
		if (!f->needs_no_nothing || !value_is_nothing(&v))
			tell_fact(t, f, &v);
	}
	json_close(&t->o, '}');
}
