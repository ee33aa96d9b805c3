#include <string.h>

#include "base/clock.h"
#include "filters/checks_internal.h"

struct mail_checks {
	struct arena		*arena;		/* the mail's */
	const struct settings	*settings;
	struct client_checks	*of;
	const char		*spf_domain;
	struct task		*sender_lists;	/* these may be NULL */
	struct task		*spf;
	struct task		*sender;
	struct task		*from_lists;
	struct task		*dkim_lists;
	const struct fields	*header;	/* NULL: there is none yet */
	const struct author	*author;
	int64_t			 deadline;	/* of lookups for the header */
	struct signature_check	*dkim;
	struct arc		*arc;
	struct dmarc		*dmarc;
	/* The domains of its signatures, in their order. */
	struct span		*signers;
	size_t			 nsigners;
	struct findings		 findings;
	bool			 is_finished;
};

static void
end(void *arg)
{
	struct mail_checks *m = arg;

	task_drop(&m->sender_lists);
	task_drop(&m->spf);
	task_drop(&m->sender);
	task_drop(&m->from_lists);
	task_drop(&m->dkim_lists);
}

/* The domain that SPF of the sender speaks for (RFC 7208 2.4). */
static const char *
spf_domain(struct arena *a, const struct client *client,
    const struct envelope *e)
{
	if (e->sender.domain.len > 0)
		return arena_copy(a, e->sender.domain);
	return arena_strdup(a, client->helo);
}

struct mail_checks *
mail_checks_begin(struct arena *a, struct client_checks *of,
    const struct client *client, const struct envelope *envelope)
{
	struct mail_checks *m = arena_new(a, struct mail_checks);

	m->arena = a;
	m->settings = of->checker->settings;
	m->of = of;
	m->spf_domain = spf_domain(a, client, envelope);
	arena_defer(a, end, m);
	m->spf = checks_ask_spf(of, CHECK_SPF, client, envelope->sender.text);
	m->sender = checks_ask_sender(of, &envelope->sender);
	if (envelope->sender.domain.len > 0)
		m->sender_lists = checks_ask_lists(of, LISTING_SENDER, NULL,
		    &envelope->sender.domain, 1);
	if (of->wants & CHECK_DMARC)
		dmarc_prefetch(m->spf_domain);
	return m;
}

MAY_YIELD int
mail_checks_spf(struct mail_checks *m, const struct spf_answer **answer,
    struct err *err)
{
	if (checks_await(m->spf, err) < 0)
		return -1;
	*answer = checks_found(m->spf);
	return 0;
}

MAY_YIELD int
mail_checks_sender(struct mail_checks *m, const struct rdns_sender **answer,
    struct err *err)
{
	if (checks_await(m->sender, err) < 0)
		return -1;
	*answer = checks_found(m->sender);
	return 0;
}

MAY_YIELD int
mail_checks_lists(struct mail_checks *m, struct arena *a,
    const struct dnsbl_answer **answer, struct err *err)
{
	struct task *tasks[] = { m->of->address_lists, m->of->reverse_lists,
	    m->of->helo_lists, m->sender_lists };

	return checks_join_lists(a, tasks,
	    sizeof(tasks) / sizeof(*tasks), answer, err);
}

/* --- the message --- */

static bool
is_signer(const struct mail_checks *m, struct span domain)
{
	for (size_t i = 0; i < m->nsigners; i++)
		if (span_eq(m->signers[i], domain))
			return true;
	return false;
}

/* What the signatures say is what will be asked about, so the lookups need
 * not wait for the body. */
static void
find_signers(struct mail_checks *m)
{
	const struct signature_answer *said = signature_said(m->dkim);

	m->signers = arena_new_n(m->arena, said->n, struct span);
	for (size_t i = 0; i < said->n; i++) {
		struct span domain = span_z(said->list[i].domain);

		if (domain.len > 0 && !is_signer(m, domain))
			m->signers[m->nsigners++] = domain;
	}
}

static void
begin_dmarc(struct mail_checks *m)
{
	m->dmarc = dmarc_begin(m->arena, m->author, m->deadline);
	dmarc_expect(m->dmarc, m->spf_domain);
	for (size_t i = 0; i < m->nsigners; i++)
		dmarc_expect(m->dmarc, m->signers[i].p);
}

static void
begin_from_lists(struct mail_checks *m)
{
	struct span names[AUTHOR_DOMAINS];

	for (size_t i = 0; i < m->author->ndomains; i++)
		names[i] = span_z(m->author->domains[i]);
	m->from_lists = checks_ask_lists(m->of, LISTING_FROM, NULL, names,
	    m->author->ndomains);
}

void
mail_checks_header(struct mail_checks *m, const struct fields *header,
    const struct author *author)
{
	const struct settings *s = m->settings;
	unsigned wants = m->of->wants;
	struct signature_options dkim = {
		.engine = s->dkim_libopendkim ? SIGNATURE_LIBOPENDKIM :
		    SIGNATURE_OWN,
		.most = s->dkim_max_signatures,
		.timeout = s->resolver_timeout,
	};
	struct arc_options arc = { .timeout = s->resolver_timeout };

	m->deadline = clock_now() + s->resolver_timeout;
	m->header = header;
	m->author = author;
	if (wants & CHECK_DKIM) {
		m->dkim = signature_begin(m->arena, &dkim, header);
		find_signers(m);
		m->dkim_lists = checks_ask_lists(m->of, LISTING_DKIM, NULL,
		    m->signers, m->nsigners);
	}
	if (wants & CHECK_DMARC)
		begin_dmarc(m);
	begin_from_lists(m);
	if (wants & CHECK_ARC) {
		m->arc = arc_begin(m->arena, &arc);
		arc_header(m->arc, header);
	}
}

void
mail_checks_body(struct mail_checks *m, struct span octets)
{
	if (m->dkim != NULL)
		signature_body(m->dkim, octets);
	if (m->arc != NULL)
		arc_body(m->arc, octets);
}

/* --- what was found --- */

static MAY_YIELD int
await_spf(struct mail_checks *m, struct findings *out, struct err *err)
{
	if (checks_await(m->of->helo_spf, err) < 0 ||
	    checks_await(m->spf, err) < 0)
		return -1;
	out->spf_helo = checks_found(m->of->helo_spf);
	out->spf = checks_found(m->spf);
	return 0;
}

static MAY_YIELD int
await_signatures(struct mail_checks *m, struct findings *out, struct err *err)
{
	struct signature_answer *dkim;
	struct arc_answer *arc;

	if (m->dkim != NULL) {
		dkim = arena_new(m->arena, struct signature_answer);
		if (signature_finish(m->dkim, dkim, err) < 0)
			return -1;
		out->dkim = dkim;
	}
	if (m->arc != NULL) {
		arc = arena_new(m->arena, struct arc_answer);
		if (arc_finish(m->arc, arc, err) < 0)
			return -1;
		out->arc = arc;
	}
	return 0;
}

static enum dmarc_outcome
spf_outcome(enum spf_result result)
{
	return result == SPF_PASS ? DMARC_ID_PASS :
	    result == SPF_TEMPERROR ? DMARC_ID_TEMPERROR : DMARC_ID_FAIL;
}

static enum dmarc_outcome
dkim_outcome(enum signature_result result)
{
	return result == SIGNATURE_PASS ? DMARC_ID_PASS :
	    result == SIGNATURE_TEMPERROR ? DMARC_ID_TEMPERROR : DMARC_ID_FAIL;
}

static MAY_YIELD int
await_dmarc(struct mail_checks *m, struct findings *out, struct err *err)
{
	struct dmarc_answer *answer;
	struct dmarc_identifier *ids;
	size_t n = 0;

	if (m->dmarc == NULL)
		return 0;
	ids = arena_new_n(m->arena, 1 + (out->dkim != NULL ? out->dkim->n : 0),
	    struct dmarc_identifier);
	if (out->spf != NULL && out->spf->domain[0] != '\0')
		ids[n++] = (struct dmarc_identifier){ DMARC_SPF,
		    spf_outcome(out->spf->result), out->spf->domain };
	for (size_t i = 0; out->dkim != NULL && i < out->dkim->n; i++) {
		const struct signature *s = &out->dkim->list[i];

		if (s->domain != NULL)
			ids[n++] = (struct dmarc_identifier){ DMARC_DKIM,
			    dkim_outcome(s->result), s->domain };
	}
	answer = arena_new(m->arena, struct dmarc_answer);
	if (dmarc_check(m->dmarc, ids, n, clock_now() +
	    m->settings->resolver_timeout, answer, err) < 0)
		return -1;
	out->dmarc = answer;
	return 0;
}

static bool
has_passed(const struct signature_answer *dkim, const char *domain)
{
	for (size_t i = 0; dkim != NULL && i < dkim->n; i++)
		if (dkim->list[i].result == SIGNATURE_PASS &&
		    dkim->list[i].domain != NULL &&
		    strcmp(dkim->list[i].domain, domain) == 0)
			return true;
	return false;
}

/* Anybody can write a d= of somebody else: only those of signatures that
 * pass count. */
static const struct dnsbl_answer *
without_failed(struct mail_checks *m, const struct dnsbl_answer *answer,
    const struct signature_answer *dkim)
{
	struct dnsbl_answer *left;

	if (answer == NULL)
		return NULL;
	left = arena_new(m->arena, struct dnsbl_answer);
	left->results = arena_new_n(m->arena, answer->nresults,
	    struct dnsbl_result);
	left->left_out = answer->left_out;
	for (size_t i = 0; i < answer->nresults; i++)
		if (has_passed(dkim, answer->results[i].subject))
			left->results[left->nresults++] = answer->results[i];
	return left;
}

static MAY_YIELD int
await_lists(struct mail_checks *m, struct findings *out, struct err *err)
{
	struct task *tasks[] = { m->of->address_lists, m->of->reverse_lists,
	    m->of->helo_lists, m->sender_lists, m->from_lists };
	const struct dnsbl_answer *answers[2];
	struct dnsbl_answer *all;

	if (checks_join_lists(m->arena, tasks,
	    sizeof(tasks) / sizeof(*tasks), &answers[0], err) < 0 ||
	    checks_await(m->dkim_lists, err) < 0)
		return -1;
	answers[1] = without_failed(m, checks_found(m->dkim_lists),
	    out->dkim);
	out->lists = answers[0];
	if (answers[1] == NULL)
		return 0;
	all = arena_new(m->arena, struct dnsbl_answer);
	dnsbl_join(m->arena, answers[0] != NULL ? answers : answers + 1,
	    answers[0] != NULL ? 2 : 1, all);
	out->lists = all;
	return 0;
}

static size_t
count_asked(struct task *const *tasks, size_t n)
{
	size_t asked = 0;

	for (size_t i = 0; i < n; i++)
		asked += tasks[i] != NULL;
	return asked;
}

/* The tasks that have ended; waiting for those takes no time. */
static size_t
choose_done(struct task **tasks, size_t n)
{
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		if (tasks[i] != NULL && task_is_done(tasks[i]))
			tasks[done++] = tasks[i];
	return done;
}

void
checks_known(struct client_checks *of, struct mail_checks *m,
    struct arena *a, struct findings *out)
{
	struct task *lists[] = { of->address_lists, of->reverse_lists,
	    of->helo_lists, m != NULL ? m->sender_lists : NULL };
	size_t n = sizeof(lists) / sizeof(*lists), asked = count_asked(lists, n);
	size_t done;
	struct err err;

	*out = m != NULL && m->is_finished ? m->findings :
	    (struct findings){ .has_all_lists = m == NULL ||
	    (m->from_lists == NULL && m->dkim_lists == NULL) };
	out->helo = checks_found(of->helo_name);
	if (m != NULL)
		out->sender = checks_found(m->sender);
	if (m != NULL && m->is_finished)
		return;
	out->spf_helo = checks_found(of->helo_spf);
	if (m != NULL)
		out->spf = checks_found(m->spf);
	done = choose_done(lists, n);
	out->has_all_lists &= done == asked;
	(void)checks_join_lists(a, lists, done, &out->lists, &err);
}

MAY_YIELD int
mail_checks_finish(struct mail_checks *m, struct findings *out,
    struct err *err)
{
	struct findings *f = &m->findings;

	if (!m->is_finished) {
		f->author = m->author;
		f->header = m->header;
		if (await_spf(m, f, err) < 0 ||
		    await_signatures(m, f, err) < 0 ||
		    await_dmarc(m, f, err) < 0 ||
		    await_lists(m, f, err) < 0)
			return -1;
		f->has_all_lists = true;
		m->is_finished = true;
	}
	*out = *f;
	return 0;
}
