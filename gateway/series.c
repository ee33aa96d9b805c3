#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/histogram.h"
#include "gateway/series.h"
#include "gateway/series_internal.h"
#include "gateway/stats.h"

static const struct series_row rows[] = {
#define X(id_, kind_, unit_, of_, words_, more_, name_, help_) \
	[SERIES_##id_] = { .kind = SERIES_##kind_, .unit = SERIES_##unit_, \
	    .subject = OF_##of_, .words = { WORDS_OF_##words_, \
	    WORDS_OF_##more_ }, .name = name_, .help = help_ },
	SERIES_TABLE(X)
#undef X
};

const char *
series_kind_name(enum series_kind kind)
{
	static const char *const names[] = { "counter", "gauge", "histogram" };

	return names[kind];
}

const char *
series_unit_name(enum series_unit unit)
{
	static const char *const names[] = { "", "seconds", "bytes" };

	return names[unit];
}

/* --- words --- */

#define TEXT(list, id, text) text,
#define X(list, label, words) \
	static const char *const texts_##list[] = { words(TEXT) };
SERIES_WORD_LISTS(X)
#undef X
#undef TEXT

static const struct {
	const char		*label;
	const char *const	*texts;
	unsigned		 n;
} lists[] = {
	[WORDS_OF_NO] = { NULL, NULL, 1 },
#define X(list, label, words) \
	[WORDS_OF_##list] = { label, texts_##list, WORD_##list##_COUNT },
	SERIES_WORD_LISTS(X)
#undef X
};

static const char *const subject_labels[][2] = {
#define X(id, most, label, more) [OF_##id] = { label, more },
	SERIES_SUBJECTS(X)
#undef X
};

const char *
series_word_text(enum series_words list, unsigned word)
{
	assert(word < lists[list].n);
	return lists[list].texts[word];
}

unsigned
series_word(enum series_words list, const char *text)
{
	unsigned n = lists[list].n;

	assert(list != WORDS_OF_NO);
	for (unsigned i = 0; text != NULL && i < n; i++) {
		if (strcmp(lists[list].texts[i], text) == 0)
			return i;
	}
	return n - 1;
}

/* --- where a series is in a share --- */

/*
 * All rows of a subject stand together, and behind them those of the next one
 * of its kind: so what a configuration uses of a share lies dense, however
 * many names there might be.
 */
#define TIMES	(sizeof(struct histogram) / sizeof(int64_t))
/* Their words: */
#define SUM_AT	(offsetof(struct histogram, sum) / sizeof(int64_t))
#define BUCKETS_AT (offsetof(struct histogram, buckets) / sizeof(int64_t))

/* All that counting looks at, and small: few of them are in the cache when a
 * mail is over. */
static struct spot {
	uint32_t	at;		/* of the first series of a row */
	uint32_t	step;		/* to the next name */
	uint16_t	width;		/* of one series */
	uint8_t		words, more;	/* how many */
	uint8_t		subject;	/* enum series_subject */
} spots[SERIES_COUNT];

static size_t	total;			/* 0: it is not laid out yet */

static struct series_row complete[SERIES_COUNT];

static void
add_label(struct series_row *r, const char *label)
{
	if (label != NULL)
		r->labels[r->nlabels++] = label;
}

static void
complete_row(struct series_row *r)
{
	add_label(r, subject_labels[r->subject][0]);
	add_label(r, subject_labels[r->subject][1]);
	add_label(r, lists[r->words[0]].label);
	add_label(r, lists[r->words[1]].label);
}

static void
make_layout(void)
{
	size_t sizes[SERIES_SUBJECTS_COUNT] = {0};
	size_t firsts[SERIES_SUBJECTS_COUNT];

	for (int i = 0; i < SERIES_COUNT; i++) {
		const struct series_row *r = &rows[i];
		struct spot *p = &spots[i];

		complete[i] = *r;
		complete_row(&complete[i]);
		*p = (struct spot){
			.at = (uint32_t)sizes[r->subject],
			.width = r->kind == SERIES_HISTOGRAM ? TIMES : 1,
			.words = (uint8_t)lists[r->words[0]].n,
			.more = (uint8_t)lists[r->words[1]].n,
			.subject = (uint8_t)r->subject,
		};
		assert(p->words == lists[r->words[0]].n &&
		    p->more == lists[r->words[1]].n);
		sizes[r->subject] += p->width * p->words * p->more;
	}
	for (int of = 0; of < SERIES_SUBJECTS_COUNT; of++) {
		firsts[of] = total;
		total += sizes[of] * series_names_most(of);
	}
	assert(total <= UINT32_MAX);
	for (int i = 0; i < SERIES_COUNT; i++) {
		spots[i].at += (uint32_t)firsts[spots[i].subject];
		spots[i].step = (uint32_t)sizes[spots[i].subject];
	}
}

size_t
series_share_words(void)
{
	if (total == 0)
		make_layout();
	return total;
}

const struct series_row *
series_row(enum series_id id)
{
	(void)series_share_words();
	return &complete[id];
}

/* Of a name, in words from the begin of a share. */
static size_t
place_of(enum series_id id, size_t name, unsigned word, unsigned word2)
{
	const struct spot *p = &spots[id];

	assert(word < p->words && word2 < p->more);
	return p->at + (size_t)p->step * name +
	    p->width * ((size_t)word * p->more + word2);
}

/* --- counting --- */

static int64_t *mine;			/* NULL: there is no segment */
static const struct series_map *map;	/* NULL: no subjects */

/* One writer a share, so a plain load and store are enough; atomic, so that
 * a reader in another process never sees half a number. */
static int64_t
load(const int64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* A worker that was taken over may have written what is beyond all sums. */
static int64_t
sum_of(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void
add(int64_t *p, int64_t n)
{
	__atomic_store_n(p, sum_of(load(p), n), __ATOMIC_RELAXED);
}

void
series_use_share(int64_t *words)
{
	mine = words;
}

void
series_use(const struct series_map *m)
{
	map = m;
	series_mark_current(m);
}

size_t
series_address(size_t backend, size_t url)
{
	if (map == NULL)
		return 0;
	assert(backend < map->nbackends);
	return map->first_url[backend] + url;
}

/* False: nobody knows this subject. */
static bool
find_name(enum series_subject of, size_t subject, size_t *name)
{
	*name = 0;
	if (of == OF_NOTHING)
		return true;
	if (map == NULL)
		return false;
	assert(subject < map->subjects[of].n);
	*name = map->subjects[of].names[subject];
	return true;
}

void
series_add(enum series_id id, size_t subject, unsigned word, unsigned word2,
    int64_t n)
{
	size_t name;

	assert(spots[id].width != TIMES);
	if (mine != NULL && find_name(spots[id].subject, subject, &name))
		add(mine + place_of(id, name, word, word2), n);
}

/* The words of a share are those of struct histogram. */
static void
add_times(int64_t *words, const struct histogram *h)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i] > 0)
			add(words + BUCKETS_AT + i, (int64_t)h->buckets[i]);
	}
	add(words + SUM_AT, (int64_t)h->sum);
}

void
series_time(enum series_id id, size_t subject, unsigned word, int64_t us)
{
	int64_t *words;
	size_t name;

	if (mine == NULL || !find_name(spots[id].subject, subject, &name))
		return;
	assert(spots[id].width == TIMES);
	words = mine + place_of(id, name, word, 0);
	add(words + BUCKETS_AT + histogram_bucket(us), 1);
	add(words + SUM_AT, us > 0 ? us : 0);
}

void
series_times(enum series_id id, size_t subject, unsigned word,
    const struct histogram *now, struct histogram *before)
{
	struct histogram came;
	size_t name;

	assert(rows[id].kind == SERIES_HISTOGRAM);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		came.buckets[i] = now->buckets[i] - before->buckets[i];
	came.sum = now->sum - before->sum;
	*before = *now;
	if (mine != NULL && find_name(spots[id].subject, subject, &name))
		add_times(mine + place_of(id, name, word, 0), &came);
}

/* --- reading --- */

static bool
sum_up(enum series_id id, size_t name, unsigned word, unsigned word2,
    struct series_sum *sum)
{
	size_t place = place_of(id, name, word, word2);
	uint64_t any = 0;

	memset(sum, 0, sizeof(*sum));
	for (int slot = stats_share_next(-1); slot >= 0;
	    slot = stats_share_next(slot)) {
		const int64_t *p = stats_share_words(slot) + place;

		if (rows[id].kind != SERIES_HISTOGRAM) {
			sum->value = sum_of(sum->value, load(p));
			continue;
		}
		for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
			any |= sum->times.buckets[i] +=
			    (uint64_t)load(p + BUCKETS_AT + i);
		sum->times.sum += (uint64_t)load(p + SUM_AT);
	}
	return any != 0 || sum->value != 0;
}

int64_t
series_get(enum series_id id, size_t subject, unsigned word, unsigned word2)
{
	struct series_sum sum;
	size_t name;

	if (mine == NULL || !find_name(spots[id].subject, subject, &name))
		return 0;
	(void)sum_up(id, name, word, word2, &sum);
	return sum.value;
}

void
series_get_times(enum series_id id, size_t subject, unsigned word,
    struct histogram *out)
{
	struct series_sum sum = {0};
	size_t name;

	if (mine != NULL && find_name(spots[id].subject, subject, &name))
		(void)sum_up(id, name, word, 0, &sum);
	*out = sum.times;
}

typedef void tell_fn(void *owner, const struct series_row *row,
    const char *const *labels, const struct series_sum *sum);

static void
each_word(enum series_id id, size_t name, tell_fn *tell, void *owner)
{
	const struct series_row *r = &complete[id];
	const char *labels[SERIES_LABELS] = { NULL };
	bool is_current = true, has_two = r->words[1] != WORDS_OF_NO;
	struct series_sum sum;
	size_t n = 0;

	if (r->subject != OF_NOTHING) {
		const struct series_name *s = series_name(r->subject, name);

		is_current = s->is_current;
		labels[n++] = s->labels[0];
		if (subject_labels[r->subject][1] != NULL)
			labels[n++] = s->labels[1];
	}
	for (unsigned i = 0; i < lists[r->words[0]].n; i++) {
		if (r->words[0] != WORDS_OF_NO)
			labels[n] = lists[r->words[0]].texts[i];
		for (unsigned j = 0; j < lists[r->words[1]].n; j++) {
			if (has_two)
				labels[n + 1] = lists[r->words[1]].texts[j];
			if (sum_up(id, name, i, j, &sum) ||
			    (is_current && !has_two))
				tell(owner, r, labels, &sum);
		}
	}
}

void
series_each(tell_fn *tell, void *owner)
{
	if (mine == NULL)
		return;
	for (int id = 0; id < SERIES_COUNT; id++) {
		for (size_t i = 0; i < series_names(rows[id].subject); i++)
			each_word(id, i, tell, owner);
	}
}

void
series_clear_gauges(int64_t *words)
{
	for (int id = 0; id < SERIES_COUNT; id++) {
		const struct spot *p = &spots[id];

		if (rows[id].kind != SERIES_GAUGE)
			continue;
		for (size_t i = 0; i < series_names(p->subject); i++)
			memset(words + place_of(id, i, 0, 0), 0,
			    p->words * p->more * sizeof(*words));
	}
}
