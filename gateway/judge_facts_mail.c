#include "base/idn.h"
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

/* Of an address, which lives as long as the value. */
static void
set_domain(struct arena *a, struct value *v, struct span domain)
{
	if (domain.len > 0 && idn_is_ready(domain))
		set_text(v, domain);
	else
		judge_set_name(a, v, domain);
}

static void
set_sender(struct judge *j, enum fact_id id, struct value *v)
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
		set_domain(j->mail->arena, v, e->sender.domain);
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
set_rcpt(struct judge *j, enum fact_id id, struct value *v)
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
		set_domain(judge_room(j), v, addr->domain);
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

static void
set_headers(struct judge *j, const struct fields *fields, struct span name,
    struct value *v)
{
	const struct field *f = fields_find_n(fields, name, NULL);

	v->list.items = arena_new_n(j->mail->arena,
	    fields_count_n(fields, name), struct value);
	for (; f != NULL; f = fields_find_n(fields, name, f)) {
		v->list.items[v->list.n].type = TYPE_TEXT;
		set_text(&v->list.items[v->list.n++], field_text(j, f));
	}
}

void
judge_set_header(struct judge *j, const struct fact_ref *ref,
    struct value *v)
{
	const struct fields *fields = judge_fields(j);
	const struct field *f;

	switch (ref->fact->id) {
	case FACT_HEADER:
		f = fields_find_n(fields, ref->argument, NULL);
		v->is_none = f == NULL;
		if (f != NULL)
			set_text(v, field_text(j, f));
		break;
	case FACT_HEADER_COUNT:
		v->number = (int64_t)fields_count_n(fields, ref->argument);
		break;
	default:		/* FACT_HEADERS */
		set_headers(j, fields, ref->argument, v);
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
	bool is_dkim = id == FACT_DKIM || id == FACT_DKIM_DOMAINS;
	const void *answer = is_dkim ? (const void *)f->dkim :
	    id == FACT_ARC ? (const void *)f->arc : f->dmarc;

	if (answer == NULL)
		return false;
	if (id == FACT_DKIM)
		v->word = f->dkim->best;
	else if (id == FACT_DKIM_DOMAINS)
		set_signers(a, v, f->dkim);
	else if (id == FACT_ARC)
		v->word = f->arc->outcome;
	else
		set_dmarc(id, v, f->dmarc);
	return true;
}

static MAY_YIELD int
get_findings(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	const struct findings *f;

	if (judge_findings(j, &f, err) < 0)
		return -1;
	if (f == NULL || !judge_set_found(j->mail->arena, id, v, f))
		test_facts_neutral(fact_at(id), v);
	return 0;
}

static MAY_YIELD int
get_message(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	if (!j->mail->has_ended)
		return judge_not_yet(err);
	switch (ref->fact->id) {
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
		return get_findings(j, ref->fact->id, v, err);
	}
}

/* --- all of them --- */

void
judge_set_envelope(struct judge *j, const struct fact *fact, struct value *v)
{
	if (fact->phase == PHASE_MAIL)
		set_sender(j, fact->id, v);
	else
		set_rcpt(j, fact->id, v);
}

MAY_YIELD int
judge_mail_fact(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	const struct fact *fact = ref->fact;

	if (fact->phase == PHASE_MESSAGE)
		return get_message(j, ref, v, err);
	if (fact->cost == FACT_STORE)
		return judge_greylist(j, fact, v, err);
	return get_sender_checks(j, fact->id, v, err);
}
