#include "gateway/judge_internal.h"
#include "policy/encoded_word.h"
#include "policy/test_facts.h"

/*
 * What rules ask for of a mail: its envelope, then its message.
 */

static void
set_text(struct value *v, struct span text)
{
	v->text = text;
}

/* --- the envelope --- */

static void
get_sender(struct judge *j, enum fact_id id, struct value *v)
{
	const struct envelope *e = j->mail->envelope;

	v->is_none = e->sender.text.len == 0;
	switch (id) {
	case FACT_SENDER:
		set_text(v, e->sender.text);
		break;
	case FACT_SENDER_LOCAL:
		set_text(v, e->sender.local);
		break;
	case FACT_SENDER_DOMAIN:
		judge_set_name(j->mail->arena, v, e->sender.domain);
		break;
	case FACT_SENDER_IS_NULL:
		v->yes = v->is_none;
		v->is_none = false;
		break;
	default:		/* FACT_DECLARED_SIZE */
		v->number = (int64_t)e->declared_size;
		v->is_none = e->declared_size == 0;
		break;
	}
}

static MAY_YIELD int
get_sender_checks(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	struct mail_checks *checks;
	const struct rdns_sender *sender = NULL;
	const struct spf_answer *spf = NULL;

	judge_start(j, PHASE_MAIL);
	checks = j->mail->checks;
	if (checks != NULL && (id == FACT_SENDER_ACCEPTS ?
	    mail_checks_sender(checks, &sender, err) :
	    mail_checks_spf(checks, &spf, err)) < 0)
		return -1;
	if (sender != NULL)
		v->yes = sender->accepts_mail;
	else if (spf == NULL)
		test_facts_neutral(fact_at(id), v);
	else if (id == FACT_SPF)
		v->word = spf->result;
	else
		judge_set_z(v, spf->explanation);
	return 0;
}

static void
get_rcpt(struct judge *j, enum fact_id id, struct value *v)
{
	const struct address *addr;

	if (j->mail->rcpt == NULL) {	/* a message for nobody */
		test_facts_neutral(fact_at(id), v);
		return;
	}
	addr = &j->mail->rcpt->addr;
	switch (id) {
	case FACT_RCPT:
		set_text(v, addr->text);
		break;
	case FACT_RCPT_LOCAL:
		set_text(v, addr->local);
		break;
	case FACT_RCPT_DOMAIN:
		judge_set_name(judge_room(j), v, addr->domain);
		break;
	default:		/* FACT_RCPT_COUNT */
		v->number = (int64_t)j->mail->count;
		break;
	}
}

/* --- the message --- */

static struct span
field_text(struct judge *j, const struct field *f)
{
	struct arena *a = j->mail->arena;

	return encoded_word_text(a, field_unfold(a, f));
}

void
judge_set_header(struct judge *j, const struct fact_ref *ref,
    struct value *v)
{
	const struct fields *fields = judge_fields(j);
	struct arena *a = j->mail->arena;
	const char *name = arena_copy(a, ref->argument);
	const struct field *f = fields_find(fields, name, NULL);
	size_t n = fields_count(fields, name);

	switch (fact_id(ref->fact)) {
	case FACT_HEADER:
		v->is_none = f == NULL;
		if (f != NULL)
			set_text(v, field_text(j, f));
		break;
	case FACT_HEADER_COUNT:
		v->number = (int64_t)n;
		break;
	default:		/* FACT_HEADERS */
		v->list.items = arena_new_n(a, n, struct value);
		for (; f != NULL; f = fields_find(fields, name, f)) {
			v->list.items[v->list.n].type = TYPE_TEXT;
			set_text(&v->list.items[v->list.n++],
			    field_text(j, f));
		}
		break;
	}
}

static void
set_signers(struct arena *a, struct value *v,
    const struct signature_answer *dkim)
{
	const char **names = arena_new_n(a, dkim->n, const char *);
	size_t n = 0;

	for (size_t i = 0; i < dkim->n; i++)
		if (dkim->list[i].result == SIGNATURE_PASS &&
		    dkim->list[i].domain != NULL)
			names[n++] = dkim->list[i].domain;
	judge_set_texts(a, v, names, n);
}

static void
set_dmarc(enum fact_id id, struct value *v, const struct dmarc_answer *dmarc)
{
	switch (id) {
	case FACT_DMARC:
		v->word = dmarc->result;
		break;
	case FACT_DMARC_POLICY:
		v->word = dmarc->policy;
		break;
	case FACT_DMARC_DOMAIN:
		judge_set_z(v, dmarc->domain);
		break;
	case FACT_DMARC_TESTING:
		v->yes = dmarc->testing;
		break;
	default:		/* FACT_DKIM_ALIGNED */
		v->yes = dmarc->aligned.by_dkim;
		break;
	}
}

bool
judge_set_found(struct arena *a, enum fact_id id, struct value *v,
    const struct findings *f)
{
	test_facts_neutral(fact_at(id), v);
	if (id == FACT_DKIM || id == FACT_DKIM_DOMAINS) {
		if (f->dkim == NULL)
			return false;
		if (id == FACT_DKIM)
			v->word = f->dkim->best;
		else
			set_signers(a, v, f->dkim);
		return true;
	}
	if (id == FACT_ARC) {
		if (f->arc != NULL)
			v->word = f->arc->outcome;
		return f->arc != NULL;
	}
	if (f->dmarc != NULL)
		set_dmarc(id, v, f->dmarc);
	return f->dmarc != NULL;
}

static MAY_YIELD int
get_findings(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	const struct findings *f;

	if (judge_findings(j, &f, err) < 0)
		return -1;
	if (f == NULL)
		test_facts_neutral(fact_at(id), v);
	else
		(void)judge_set_found(j->mail->arena, id, v, f);
	return 0;
}

static MAY_YIELD int
get_message(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	if (!j->mail->has_ended)
		return judge_not_yet(err);
	switch (fact_id(ref->fact)) {
	case FACT_MESSAGE_SIZE:
		v->number = (int64_t)j->mail->size;
		return 0;
	case FACT_HEADER:
	case FACT_HEADERS:
	case FACT_HEADER_COUNT:
		judge_set_header(j, ref, v);
		return 0;
	case FACT_FROM_DOMAIN:
		judge_set_z(v, judge_author(j)->domain);
		return 0;
	case FACT_FROM_COUNT:
		v->number = (int64_t)judge_author(j)->naddresses;
		return 0;
	case FACT_MILTER:
		return judge_milter_fact(j, ref, v, err);
	default:
		return get_findings(j, fact_id(ref->fact), v, err);
	}
}

/* --- all of them --- */

MAY_YIELD int
judge_mail_fact(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	const struct fact *fact = ref->fact;
	enum fact_id id = fact_id(fact);

	if (fact->phase == PHASE_MESSAGE)
		return get_message(j, ref, v, err);
	if (fact->cost == FACT_STORE)
		return judge_greylist(j, fact, v, err);
	if (fact->cost == FACT_DNS)
		return get_sender_checks(j, id, v, err);
	if (fact->phase == PHASE_MAIL)
		get_sender(j, id, v);
	else
		get_rcpt(j, id, v);
	return 0;
}
