#include "gateway/judge_internal.h"
#include "gateway/series.h"

/* Rules mostly take less than a microsecond: what is left of one goes to the
 * next, so that the sum is right. */
static void
note_time(enum phase phase, int64_t ns)
{
	static int64_t left[PHASES];

	left[phase] += ns;
	series_time(SERIES_JUDGE_TIME, 0, phase, left[phase] / 1000);
	left[phase] %= 1000;
}

void
judge_note(enum phase phase, const struct phase_state *s)
{
	const struct verdict *v = &s->ruling->verdict;

	note_time(phase, s->ran);
	for (size_t i = 0; i < v->nhits; i++)
		series_add(SERIES_RULE_HITS, v->hits[i].rule->number, 0, 0, 1);
	for (size_t i = 0; i < v->nobserved; i++)
		series_add(SERIES_RULE_WOULD, v->observed[i].rule->number, 0,
		    0, 1);
	for (size_t i = 0; i < v->nuntold; i++)
		series_add(SERIES_RULE_UNTOLD, v->untold[i]->number, 0, 0, 1);
}
