#include "gateway/judge_internal.h"

/* --- life --- */

void
judge_mail_free(struct judge_mail **mp)
{
	struct arena *a = (*mp)->arena;

	buf_free(&(*mp)->header);
	*mp = NULL;
	arena_destroy(&a);
}

/* Who breaks off one mail after another waits for the lookups of each. */
static MAY_YIELD int
await_left(struct judge *j, struct err *err)
{
	struct findings ignored;
	int ret;

	if (j->left == NULL)
		return 0;
	ret = mail_checks_finish(j->left->checks, &ignored, err);
	judge_mail_free(&j->left);
	return ret;
}

MAY_YIELD int
judge_mail_begin(struct judge *j, const struct envelope *envelope,
    struct err *err)
{
	struct arena *a;

	if (await_left(j, err) < 0)
		return -1;
	a = arena_create("judged mail");
	j->mail = arena_new(a, struct judge_mail);
	j->mail->arena = a;
	j->mail->envelope = envelope;
	judge_reopen(j, PHASE_MAIL, a);
	j->phases[PHASE_MESSAGE].arena = a;
	if (j->evaluation != NULL)
		evaluation_forget(j->evaluation, FACT_OF_MAIL);
	judge_enter(j, PHASE_MAIL);
	return 0;
}

/* What waits for its lookups holds no more than it must: the header of a mail
 * may be large, and many clients may wait. Only ARC still reads in it. */
static void
leave(struct judge *j)
{
	if (!(j->who.wants & CHECK_ARC))
		buf_free(&j->mail->header);
	j->left = j->mail;
}

/* Lookups are not called back, so dropping them would let the next mail begin
 * as many again. */
void
judge_mail_end(struct judge *j)
{
	if (j->mail == NULL)
		return;
	judge_reopen(j, PHASE_MAIL, NULL);
	if (j->mail->checks == NULL || j->mail->is_waited)
		judge_mail_free(&j->mail);
	else
		leave(j);
	j->mail = NULL;
}

void
judge_mail_start(struct judge *j)
{
	struct judge_mail *m = j->mail;

	if (j->who.wants & ~(unsigned)CHECK_NAME)
		m->checks = mail_checks_begin(m->arena, j->checks, j->client,
		    m->envelope);
}

/* --- recipients --- */

MAY_YIELD int
judge_rcpt(struct judge *j, struct arena *a, const struct rcpt *rcpt,
    size_t count, struct verdict *verdict, bool *is_apart, struct err *err)
{
	struct judge_mail *m = j->mail;
	struct phase_state *s = &j->phases[PHASE_RCPT];

	*verdict = (struct verdict){ .kind = ACTION_ACCEPT };
	*is_apart = false;
	m->scratch = a;
	m->greylist = NULL;
	m->rcpt = rcpt;
	m->count = count;
	if (j->evaluation == NULL)
		return 0;
	evaluation_forget(j->evaluation, FACT_OF_RCPT);
	*s = (struct phase_state){ .arena = a };
	if (judge_decide(j, PHASE_RCPT, err) < 0)
		return -1;
	*verdict = s->ruling->verdict;
	s->is_decided = j->keeps_traces;	/* or it may lie in scratch */
	if (evaluation_rcpt_class(j->evaluation, a, &m->next_class, err) < 0)
		return -1;
	m->is_trusted = judge_trusts(verdict);
	*is_apart = m->has_class && !span_eq(m->class, m->next_class);
	return 0;
}

static void
note_would(struct judge_mail *m, const struct verdict *would)
{
	if (would == NULL || would->kind == ACTION_ACCEPT ||
	    would->kind == ACTION_TRUST)
		m->would_leave_out = false;
	else if (!m->has_class) {
		m->would_leave_out = true;
		m->would = *would;
		m->would.text = arena_span(m->arena, would->text);
	}
}

void
judge_rcpt_taken(struct judge *j)
{
	struct judge_mail *m = j->mail;

	if (j->evaluation == NULL)
		return;
	m->has_untrusted |= !m->is_trusted;
	note_would(m, j->phases[PHASE_RCPT].ruling->verdict.would);
	evaluation_rcpt_keep(j->evaluation);
	if (m->has_class)
		return;
	m->has_class = true;
	m->class = arena_span(m->arena, m->next_class);
}

/* The rules of the message see the first that was taken, if any was; what was
 * read of others is gone with their memory. */
static void
return_to_first(struct judge *j)
{
	struct judge_mail *m = j->mail;

	if (j->evaluation == NULL)
		return;
	m->scratch = NULL;
	m->greylist = NULL;
	m->count = m->envelope->nrcpts;
	m->rcpt = m->count > 0 ? &m->envelope->rcpts[0] : NULL;
	evaluation_rcpt_restore(j->evaluation);
}

/* --- the header --- */

const struct fields *
judge_fields(struct judge *j)
{
	struct judge_mail *m = j->mail;

	if (m->fields != NULL)
		return m->fields;
	m->fields = arena_new(m->arena, struct fields);
	fields_parse(m->arena, judge_header(j), m->fields);
	return m->fields;
}

struct span
judge_header(struct judge *j)
{
	return j->mail->is_headless ? SPAN_LIT("") :
	    buf_text(&j->mail->header);
}

const struct author *
judge_author(struct judge *j)
{
	struct judge_mail *m = j->mail;

	if (m->author != NULL)
		return m->author;
	m->author = arena_new(m->arena, struct author);
	author_find(m->arena, judge_fields(j), m->author);
	return m->author;
}

/* Of a message without a header all is body, what was gathered too. */
static void
header_is_over(struct judge *j, bool is_headless)
{
	struct judge_mail *m = j->mail;

	m->is_over = true;
	m->is_headless = is_headless;
	if (!m->is_checked)
		return;
	mail_checks_header(m->checks, judge_fields(j), judge_author(j));
	if (is_headless)
		mail_checks_body(m->checks, buf_text(&m->header));
}

/* --- the message --- */

void
judge_message_start(struct judge *j)
{
	struct judge_mail *m = j->mail;

	m->is_checked = m->checks != NULL;
}

void
judge_message_begin(struct judge *j)
{
	struct judge_mail *m = j->mail;

	return_to_first(j);
	judge_enter(j, PHASE_MESSAGE);
	/* Of whom a rule trusts, forged results go all the same. */
	m->is_gathered = m->is_checked || j->court->reads_header ||
	    j->court->settings->journal_file != NULL ||
	    (j->court->settings->authres && !j->who.is_unchecked);
}

void
judge_message_feed(struct judge *j, const struct header_scan *scan,
    const struct smtp_conf *limits, struct span octets)
{
	struct judge_mail *m = j->mail;
	size_t n = octets.len;

	if (!m->is_gathered)
		return;
	if (!m->is_over) {
		/* It will be refused for that: what is looked for in the
		 * header costs time with every field. */
		if (scan->size > limits->max_header_size ||
		    scan->fields > limits->max_header_fields)
			return;
		if (scan->done)
			n = scan->is_headless ? 0 :
			    (size_t)(scan->size - m->header.len);
		buf_put(&m->header, octets.p, n);
		if (!scan->done)
			return;
		header_is_over(j, scan->is_headless);
		octets = span_n(octets.p + n, octets.len - n);
	}
	if (m->is_checked)
		mail_checks_body(m->checks, octets);
}

MAY_YIELD int
judge_message(struct judge *j, const struct header_scan *scan, uint64_t size,
    struct verdict *verdict, struct err *err)
{
	struct judge_mail *m = j->mail;

	if (!m->is_over)		/* the empty line never came */
		header_is_over(j, scan->is_headless);
	m->has_ended = true;
	m->size = size;
	*verdict = (struct verdict){ .kind = ACTION_ACCEPT };
	if (!j->phases[PHASE_MESSAGE].is_decided &&
	    judge_decide(j, PHASE_MESSAGE, err) < 0)
		return -1;
	*verdict = *judge_verdict(j, PHASE_MESSAGE);
	return 0;
}

void
judge_found(struct judge *j, struct findings *out)
{
	struct judge_mail *m = j->mail;

	*out = (struct findings){0};
	if (m != NULL)
		checks_known(j->checks, m->checks, m->arena, out);
}

MAY_YIELD int
judge_findings(struct judge *j, const struct findings **findings,
    struct err *err)
{
	struct judge_mail *m = j->mail;

	*findings = NULL;
	if (m == NULL || !m->is_checked)
		return 0;
	if (!m->has_findings) {
		m->is_waited = true;
		if (mail_checks_finish(m->checks, &m->findings, err) < 0)
			return -1;
		m->has_findings = true;
	}
	*findings = &m->findings;
	return 0;
}
