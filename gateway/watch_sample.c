#include <string.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "gateway/watch_sample.h"

#define THINGS	512

struct reader {
	struct json_in		 in;
	struct watch_sample	*s;
	struct err		*err;
};

/* The next value within what is open; false: that ends, or there is an error
 * (*ret -1). */
static bool
next(struct reader *r, struct json_value *v, int *ret)
{
	*ret = json_next(&r->in, v, r->err);
	return *ret == 0 && v->kind != JSON_IN_CLOSE && v->kind != JSON_IN_END;
}

static int64_t
integer(const struct json_value *v)
{
	int64_t n = 0;

	return v->kind == JSON_IN_NUMBER &&
	    json_in_decimal(v->text, 0, &n) == 0 ? n : 0;
}

static struct watch_row *
add_row(struct watch_sample *s, struct span name)
{
	static struct watch_row none;	/* what is too much goes here */
	struct watch_row *row = s->nrows < WATCH_ROWS ?
	    &s->rows[s->nrows++] : &none;

	*row = (struct watch_row){ .name = name };
	return row;
}

/* --- series --- */

static int
read_counters(struct reader *r)
{
	struct watch_row *row;
	struct json_value v;
	int ret;

	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_NUMBER) {
			row = add_row(r->s, v.key);
			row->is_plain = true;
			row->value = integer(&v);
		} else if (json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	return ret;
}

static int
read_labels(struct reader *r, struct watch_row *row)
{
	struct json_value v;
	int ret;

	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_STRING && row->nlabels < WATCH_LABELS)
			row->labels[row->nlabels++] = v.text;
		else if (json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	return ret;
}

/* [[0.000128, 3], ...]: the bound says which bucket it is. */
static int
read_buckets(struct reader *r, struct watch_row *row)
{
	struct json_value v;
	int64_t us = 0;
	size_t n = 0;
	int ret;

	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_ARRAY) {
			n = 0;
			while (next(r, &v, &ret)) {
				if (n == 0 && json_in_decimal(v.text, 6,
				    &us) < 0)
					us = INT64_MAX;
				else if (n == 1)
					row->buckets[histogram_bucket(us)] =
					    integer(&v);
				n++;
				if (json_skip(&r->in, &v, r->err) < 0)
					return -1;
			}
		} else
			ret = json_skip(&r->in, &v, r->err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

/* The objects of an array. */
static int
read_each(struct reader *r, int (*read)(struct reader *, const void *what),
    const void *what)
{
	struct json_value v;
	int ret = 0;

	while (ret == 0 && next(r, &v, &ret))
		ret = v.kind == JSON_IN_OBJECT ? read(r, what) :
		    json_skip(&r->in, &v, r->err);
	return ret;
}

static int
read_row(struct reader *r, const void *name)
{
	struct watch_row *row = add_row(r->s, *(const struct span *)name);
	struct json_value v;
	int ret;

	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_ARRAY && span_is(v.key, "labels"))
			ret = read_labels(r, row);
		else if (v.kind == JSON_IN_ARRAY && span_is(v.key, "buckets"))
			ret = read_buckets(r, row);
		else if (span_is(v.key, "value") || span_is(v.key, "count"))
			row->value = integer(&v);
		else
			ret = json_skip(&r->in, &v, r->err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

static int
read_family(struct reader *r, const void *unused)
{
	struct span name = {0};
	struct json_value v;
	int ret;

	(void)unused;
	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_STRING && span_is(v.key, "name"))
			name = v.text;
		else if (v.kind == JSON_IN_ARRAY && span_is(v.key, "values"))
			ret = read_each(r, read_row, &name);
		else
			ret = json_skip(&r->in, &v, r->err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

/* --- what workers say --- */

static bool
is_good(struct span state)
{
	return span_is(state, "up") || span_is(state, "good") ||
	    span_is(state, "unknown") || span_is(state, "off");
}

static void
note_thing(struct watch_sample *s, const struct watch_thing *t)
{
	struct watch_thing *found = s->things;
	struct watch_thing *end = found + s->nthings;

	while (found < end && (found->kind != t->kind ||
	    !span_eq(found->name, t->name) ||
	    !span_eq(found->address, t->address)))
		found++;
	if (found == end) {
		if (s->nthings == THINGS)
			return;
		s->nthings++;
		*found = (struct watch_thing){ .kind = t->kind,
		    .name = t->name, .address = t->address,
		    .state = t->state };
	}
	found->n++;
	if (is_good(t->state))
		found->good++;
	else {
		found->state = t->state;
		found->why = t->why;
	}
}

static int
read_thing(struct reader *r, const void *kind)
{
	struct watch_thing t = { .kind = kind };
	struct json_value v;
	int ret;

	while (next(r, &v, &ret)) {
		if (v.kind == JSON_IN_STRING) {
			if (span_is(v.key, "name"))
				t.name = v.text;
			else if (span_is(v.key, "address"))
				t.address = v.text;
			else if (span_is(v.key, "state"))
				t.state = v.text;
			else if (span_is(v.key, "why"))
				t.why = v.text;
		} else if (v.kind == JSON_IN_TRUE && span_is(v.key, "stuck"))
			t.state = SPAN_LIT("stuck");
		else if (json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	if (t.state.len > 0)
		note_thing(r->s, &t);
	return ret;
}

static int
read_status(struct reader *r)
{
	static const struct {
		const char *key, *kind;
	} kinds[] = { { "backends", "backend" }, { "milters", "milter" },
	    { "lists", "dns list" }, { "store", "store" },
	    { "resolver", "resolver" }, { "journal", "journal" },
	    { "log", "log" } };
	struct json_value v;
	const char *kind;
	int ret;

	while (next(r, &v, &ret)) {
		kind = NULL;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (span_is(v.key, kinds[i].key))
				kind = kinds[i].kind;
		if (kind != NULL && v.kind == JSON_IN_OBJECT)
			ret = read_thing(r, kind);
		else if (kind != NULL && v.kind == JSON_IN_ARRAY)
			ret = read_each(r, read_thing, kind);
		else
			ret = json_skip(&r->in, &v, r->err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

static int
read_worker(struct reader *r, const void *unused)
{
	struct json_value v;
	int ret;

	(void)unused;
	r->s->workers++;
	while (next(r, &v, &ret)) {
		ret = v.kind == JSON_IN_OBJECT && span_is(v.key, "status") ?
		    read_status(r) : json_skip(&r->in, &v, r->err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

/* --- the whole --- */

static int
read_member(struct reader *r, const struct json_value *v)
{
	const struct {
		const char	*key;
		struct span	*to;
	} texts[] = { { "version", &r->s->version }, { "time", &r->s->time },
	    { "state", &r->s->state }, { "hostname", &r->s->hostname } };

	if (v->kind == JSON_IN_OBJECT && span_is(v->key, "counters"))
		return read_counters(r);
	if (v->kind == JSON_IN_ARRAY && span_is(v->key, "series"))
		return read_each(r, read_family, NULL);
	if (v->kind == JSON_IN_ARRAY && span_is(v->key, "workers"))
		return read_each(r, read_worker, NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (v->kind == JSON_IN_STRING && span_is(v->key, texts[i].key))
			*texts[i].to = v->text;
	if (span_is(v->key, "up"))
		r->s->up = integer(v);
	if (span_is(v->key, "generation"))
		r->s->generation = integer(v);
	return json_skip(&r->in, v, r->err);
}

int
watch_sample_read(struct arena *a, struct span json, struct watch_sample *out,
    struct err *err)
{
	struct reader r = { .s = out, .err = err };
	struct json_value v;
	int ret;

	*out = (struct watch_sample){ .taken = clock_now(),
	    .rows = arena_new_n(a, WATCH_ROWS, struct watch_row),
	    .things = arena_new_n(a, THINGS, struct watch_thing) };
	json_begin(&r.in, a, json);
	ret = json_next(&r.in, &v, err);
	if (ret == 0 && v.kind != JSON_IN_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is no object");
	while (ret == 0 && next(&r, &v, &ret))
		ret = read_member(&r, &v);
	return ret < 0 ? -1 : json_next(&r.in, &v, err);
}

int64_t
watch_sample_plain(const struct watch_sample *s, const char *name)
{
	for (size_t i = 0; i < s->nrows; i++)
		if (s->rows[i].is_plain && span_is(s->rows[i].name, name))
			return s->rows[i].value;
	return 0;
}

int64_t
watch_sample_sum(const struct watch_sample *s, const char *name)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->nrows; i++)
		if (!s->rows[i].is_plain && span_is(s->rows[i].name, name))
			sum += s->rows[i].value;
	return sum;
}

int64_t
watch_sample_of(const struct watch_sample *s, const char *name, size_t label,
    struct span text)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->nrows; i++) {
		const struct watch_row *row = &s->rows[i];

		if (span_is(row->name, name) && label < row->nlabels &&
		    span_eq(row->labels[label], text))
			sum += row->value;
	}
	return sum;
}
