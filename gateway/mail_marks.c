#include "base/clock.h"
#include "gateway/judge.h"
#include "gateway/mail_memory.h"
#include "gateway/stats.h"
#include "gateway/stock.h"

/* --- whether there is a memory --- */

bool
mail_remembers(const struct mail *m)
{
	const struct worker *w = m->session->worker;

	return w->stock->store != NULL && w->settings->delivery_memory > 0;
}

struct store *
mail_memory(const struct mail *m)
{
	return m->forgets || !mail_remembers(m) ? NULL :
	    judge_store(m->session->judge);
}

bool
mail_tells_apart(const struct mail *m)
{
	struct store *store = mail_memory(m);

	return m->envelope.prdr ||
	    (store != NULL && store_state(store) == STORE_UP);
}

void
mail_memory_failed(struct mail *m, int64_t began, const struct err *why)
{
	stats_add(STAT_MEMORY_FAILED, 1);
	judge_store_waited(m->session->judge, began);
	m->forgets |= why->kind != ERR_CONFIG;
	if (m->forgotten.kind == 0)
		m->forgotten = *why;
}

/* --- at RCPT --- */

static struct mark_id
mark_of(const struct mail *m, struct arena *a, const struct rcpt *rcpt)
{
	return (struct mark_id){ m->envelope.sender.text, rcpt->addr.text,
	    m->envelope.declared_size, judge_origin(m->session->judge, a) };
}

static MAY_YIELD int
find_mark(struct mail *m, struct arena *scratch, struct store *store,
    const struct rcpt *rcpt, struct fate_mark *mark, struct err *err)
{
	struct mark_id id = mark_of(m, scratch, rcpt);

	mark->answer = NULL;
	if (stock_has_marks(m->session->worker->stock, &m->has_marks, err) < 0)
		return -1;
	if (!m->has_marks)
		return 0;
	if (fate_marked(store, scratch, &id, mark, err) < 0)
		return -1;
	if (mark->answer == NULL || reply_is_ok(mark->answer) ||
	    mark->is_alien)
		return 0;
	/* Nor is it told without a size, or again and again. */
	mark->is_alien = true;
	if (id.size == 0)
		return 0;
	if (fate_unmark(store, &id, err) < 0)
		return -1;
	mark->is_alien = false;
	return 0;
}

MAY_YIELD enum rcpt_past
mail_recall_rcpt(struct mail *m, struct arena *scratch,
    const struct rcpt *rcpt, struct reply *refusal)
{
	struct store *store = mail_memory(m);
	int64_t began = clock_now();
	struct fate_mark mark;
	struct err err;

	if (store == NULL)
		return PAST_NONE;
	if (find_mark(m, scratch, store, rcpt, &mark, &err) < 0)
		mail_memory_failed(m, began, &err);
	if (mark.answer == NULL)
		return PAST_NONE;
	if (reply_is_ok(mark.answer))
		return PAST_DELIVERED;
	if (mark.is_alien)
		return PAST_REFUSED_ELSEWHERE;
	stats_add(STAT_REFUSALS_RECALLED, 1);
	*refusal = *mark.answer;
	return PAST_REFUSED;
}

MAY_YIELD bool
mail_has_got_it(struct mail *m, struct arena *scratch,
    const struct rcpt *rcpt)
{
	struct reply refusal;

	if (m->has_marks || mail_memory(m) == NULL)
		return false;
	stock_look_for_marks(m->session->worker->stock);
	return mail_recall_rcpt(m, scratch, rcpt, &refusal) == PAST_DELIVERED;
}

/* --- for the next try --- */

MAY_YIELD int
mail_leave_mark(struct mail *m, const struct mail_fate *f, struct store *store,
    int64_t life, struct err *err)
{
	struct mark_id id = mark_of(m, m->arena,
	    &m->envelope.rcpts[f->rcpt]);

	if (mail_is_told(m))
		return f->is_known && reply_is_permanent(f->answer) ?
		    fate_unmark(store, &id, err) : 0;
	if (!reply_is_ok(f->answer) && !reply_is_permanent(f->answer))
		return 0;
	stock_note_mark(m->session->worker->stock);
	return fate_mark(store, &id, f->answer, life, err);
}
