#include "gateway/judge_internal.h"

/*
 * What is known of a fact without asking anybody: that is told when a mail or
 * its session is over, so nothing may begin here, and nothing may wait.
 */

static struct arena *
arena_of(const struct judge *j)
{
	return j->mail != NULL ? j->mail->arena : j->arena;
}

/* A name that was found but not fetched yet is fetched now. */
static bool
has_client_name(struct judge *j)
{
	struct err err;

	if (j->client->name != NULL)
		return true;
	return j->phases[PHASE_CONNECT].is_started && !j->who.is_unchecked &&
	    (j->who.wants & CHECK_NAME) && judge_has_name(j) &&
	    judge_name(j, &err) == 0;
}

static bool
get_looked_up(struct judge *j, const struct findings *f,
    const struct fact_ref *ref, struct value *v)
{
	const struct spf_answer *spf = f->spf;

	switch (ref->fact->id) {
	case FACT_CLIENT_NAME:
	case FACT_CLIENT_REVERSE:
		if (!has_client_name(j))
			return false;
		if (ref->fact->id == FACT_CLIENT_NAME)
			judge_set_z(v, j->client->name);
		else
			v->word = j->client->reverse;
		return true;
	case FACT_HELO_RESOLVES:
		v->yes = f->helo != NULL && f->helo->resolves != RDNS_NO;
		return f->helo != NULL;
	case FACT_HELO_MATCHES:
		v->yes = f->helo != NULL && f->helo->matches != RDNS_NO;
		return f->helo != NULL;
	case FACT_SENDER_ACCEPTS:
		v->yes = f->sender != NULL && f->sender->accepts_mail;
		return f->sender != NULL;
	case FACT_SPF_HELO:
		spf = f->spf_helo;
		/* FALLTHROUGH */
	case FACT_SPF:
		v->word = spf != NULL ? spf->result : 0;
		return spf != NULL;
	case FACT_SPF_EXPLANATION:
		judge_set_z(v, spf != NULL ? spf->explanation : NULL);
		return spf != NULL;
	default:		/* DNS lists */
		if (f->lists == NULL || !f->has_all_lists)
			return false;
		judge_set_lists(arena_of(j), ref, v, f->lists);
		return true;
	}
}

static bool
get_of_message(struct judge *j, const struct findings *f,
    const struct fact_ref *ref, struct value *v)
{
	const struct judge_mail *m = j->mail;

	switch (ref->fact->id) {
	case FACT_MESSAGE_SIZE:
		v->number = (int64_t)m->size;
		return m->has_ended;
	case FACT_HEADER:
	case FACT_HEADERS:
	case FACT_HEADER_COUNT:
		if (m->fields == NULL || !m->is_gathered)
			return false;
		judge_set_header(j, ref, v);
		return true;
	case FACT_FROM_DOMAIN:
		judge_set_z(v, m->author != NULL ? m->author->domain : NULL);
		return m->author != NULL;
	case FACT_FROM_COUNT:
		v->number = m->author != NULL ?
		    (int64_t)m->author->naddresses : 0;
		return m->author != NULL;
	default:
		return judge_set_found(m->arena, ref->fact->id, v, f);
	}
}

/* What it belongs to has begun, and is not over. */
static bool
is_at_hand(const struct judge *j, const struct fact *fact)
{
	if (fact->phase >= PHASE_MAIL)
		return j->mail != NULL;
	return fact->phase != PHASE_HELO || j->client->helo != NULL;
}

bool
judge_known(struct judge *j, const struct findings *found,
    const struct fact_ref *ref, struct value *v)
{
	const struct fact *fact = ref->fact;
	const struct value *read = NULL;

	*v = (struct value){ .type = fact->type };
	if (!is_at_hand(j, fact))
		return false;
	if (j->evaluation != NULL && ref->slot != FACT_NO_SLOT)
		read = evaluation_known(j->evaluation, ref->slot);
	if (read != NULL) {
		*v = *read;
		return true;
	}
	switch (fact->cost) {
	case FACT_FREE:
		return fact->scope != FACT_OF_RULES &&
		    judge_set_free(j, fact, v);
	case FACT_DNS:
		return get_looked_up(j, found, ref, v);
	case FACT_BODY:
		return get_of_message(j, found, ref, v);
	case FACT_STORE:
		if (j->mail->greylist == NULL)
			return false;
		judge_set_greylist(fact, v, j->mail->greylist);
		return true;
	case FACT_FILTER:	/* the chain is asked by rules alone */
		break;
	}
	return false;
}
