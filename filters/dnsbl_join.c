#include <string.h>

#include "filters/dnsbl.h"

static void
concatenate(struct arena *a, const struct dnsbl_answer *const *answers,
    size_t n, struct dnsbl_answer *all)
{
	size_t total = 0;

	*all = (struct dnsbl_answer){ .nresults = 0 };
	for (size_t i = 0; i < n; i++)
		total += answers[i]->nresults;
	all->results = arena_new_n(a, total, struct dnsbl_result);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < answers[i]->nresults; k++)
			all->results[all->nresults++] = answers[i]->results[k];
		all->left_out += answers[i]->left_out;
	}
}

static bool
is_first_of_list(const struct dnsbl_answer *all, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (all->results[i].list == all->results[at].list)
			return false;
	return true;
}

static void
add_tag(struct dnsbl_answer *all, const char *tag)
{
	for (size_t i = 0; i < all->ntags; i++)
		if (strcmp(all->tags[i], tag) == 0)
			return;
	all->tags[all->ntags++] = tag;
}

/* All that one list said, of whatever subjects. */
static void
add_list(struct dnsbl_answer *all, const struct dnsbl_list *list)
{
	bool seen[DNSBL_SUSPENDED + 1] = { false }, is_silent = false;
	uint64_t matched = 0;
	int64_t score;

	for (size_t i = 0; i < all->nresults; i++)
		if (all->results[i].list == list) {
			seen[all->results[i].reading.state] = true;
			matched |= all->results[i].reading.matched;
			is_silent |= all->results[i].is_silent;
		}
	all->failed += seen[DNSBL_FAILED] || is_silent;
	all->errors += seen[DNSBL_ERROR];
	all->suspended += seen[DNSBL_SUSPENDED];
	if (!seen[DNSBL_LISTED])
		return;
	score = listing_score(list, matched);
	all->score += score;
	if (score < 0)
		all->allow_names[all->nallow_names++] = list->name;
	else
		all->names[all->nnames++] = list->name;
	for (size_t i = 0; i < list->npatterns; i++)
		if ((matched >> i & 1) && list->patterns[i].tag != NULL)
			add_tag(all, list->patterns[i].tag);
}

/* Each tag stands at one pattern of one list at least. */
static size_t
most_tags(const struct dnsbl_answer *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->nresults; i++)
		n += all->results[i].list->npatterns;
	return n;
}

void
dnsbl_join(struct arena *a, const struct dnsbl_answer *const *answers,
    size_t n, struct dnsbl_answer *all)
{
	concatenate(a, answers, n, all);
	all->names = arena_new_n(a, all->nresults, const char *);
	all->allow_names = arena_new_n(a, all->nresults, const char *);
	all->tags = arena_new_n(a, most_tags(all), const char *);
	for (size_t i = 0; i < all->nresults; i++)
		if (is_first_of_list(all, i))
			add_list(all, all->results[i].list);
}
