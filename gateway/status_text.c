#include <string.h>

#include "base/json_read.h"
#include "base/log_value.h"
#include "gateway/status_text.h"

#define SILENT	3	/* s: a worker writes once a second */

struct page {
	struct json_in	 in;
	struct buf	*out;
	struct buf	 behind;	/* lines that follow the current one */
};

/* --- one member --- */

static bool
is_bare(struct span key)
{
	return span_is(key, "name") || span_is(key, "address") ||
	    span_is(key, "state") || span_is(key, "version") ||
	    span_is(key, "index");
}

/* since_s is since=12s; an underscore is for programs. */
static void
put_key(struct buf *out, struct span key, const char **unit)
{
	bool is_time = key.len > 2 && memcmp(key.p + key.len - 2, "_s", 2) == 0;

	*unit = is_time ? "s" : "";
	key.len -= is_time ? 2 : 0;
	while (key.len > 0) {
		struct span part = span_until(&key, '_');

		log_value_words(out, part);
		buf_puts(out, key.len > 0 ? "-" : "");
	}
}

static void
put_member(struct buf *out, const struct json_value *v)
{
	const char *unit;

	if (v->kind == JSON_IN_FALSE || v->kind == JSON_IN_NULL)
		return;
	if (span_is(v->key, "networks_most") &&
	    v->kind == JSON_IN_NUMBER) {	/* networks=3/1000 */
		buf_printf(out, "/%.*s", SPAN_ARG(v->text));
		return;
	}
	buf_puts(out, " ");
	if (is_bare(v->key)) {
		log_value_words(out, v->text);
		return;
	}
	put_key(out, v->key, &unit);
	if (v->kind == JSON_IN_TRUE)
		return;
	buf_puts(out, "=");
	if (v->kind == JSON_IN_NUMBER)
		buf_span(out, v->text);
	else
		log_value_put(out, v->text);
	buf_puts(out, unit);
}

/* Of a process; of what it talks to it stands bare. */
static void
put_state(struct buf *out, struct span state)
{
	buf_puts(out, " state=");
	log_value_put(out, state);
}

/* --- objects --- */

/* Of a DNS list, one side: a line of its own. */
static int
put_sides(struct page *p, struct span list, struct err *err)
{
	struct json_value v;

	while (json_next(&p->in, &v, err) == 0 && v.kind != JSON_IN_CLOSE) {
		struct span side = {0}, why = {0};

		if (v.kind != JSON_IN_OBJECT)
			continue;
		while (json_next(&p->in, &v, err) == 0 &&
		    v.kind != JSON_IN_CLOSE) {
			if (span_is(v.key, "side"))
				side = v.text;
			if (span_is(v.key, "why"))
				why = v.text;
			if (json_skip(&p->in, &v, err) < 0)
				return -1;
		}
		buf_puts(&p->behind, "  dns list ");
		log_value_words(&p->behind, list);
		buf_puts(&p->behind, " ");
		log_value_words(&p->behind, side);
		buf_puts(&p->behind, " suspended: ");
		log_value_words(&p->behind, why);
		buf_puts(&p->behind, "\n");
	}
	return 0;
}

/* The members of an open object behind what the line has already. */
static int
put_object(struct page *p, const char *front, bool is_milter, struct err *err)
{
	struct span name = {0};
	struct json_value v;
	int ret;

	buf_puts(p->out, front);
	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		if (span_is(v.key, "name"))
			name = v.text;
		if (is_milter && span_is(v.key, "state") &&
		    span_is(v.text, "down"))
			v.text = SPAN_LIT("resting");
		if (v.kind == JSON_IN_ARRAY && span_is(v.key, "sides"))
			ret = put_sides(p, name, err);
		else if (v.kind == JSON_IN_ARRAY || v.kind == JSON_IN_OBJECT)
			ret = json_skip(&p->in, &v, err);
		else if (!span_is(v.key, "kind"))
			put_member(p->out, &v);
		if (ret < 0)
			return -1;
	}
	buf_puts(p->out, "\n");
	buf_span(p->out, buf_text(&p->behind));
	buf_clear(&p->behind);
	return ret;
}

static int
put_list(struct page *p, const char *front, bool is_milter, struct err *err)
{
	struct json_value v;
	int ret;

	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		if (v.kind == JSON_IN_OBJECT)
			ret = put_object(p, front, is_milter, err);
		else
			ret = json_skip(&p->in, &v, err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

/* --- a worker --- */

/* What is on its board. */
static int
put_board(struct page *p, struct err *err)
{
	static const struct {
		const char	*key, *front;
		bool		 is_milter;
	} parts[] = {
		{ "backends", " ", false }, { "milters", "  milter", true },
		{ "lists", "  dns list", false }, { "store", "  store", false },
		{ "resolver", "  resolver", false }, { "log", "  log", false },
		{ "journal", "  journal", false },
	};
	struct json_value v;
	int ret;

	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		size_t i = 0, n = sizeof(parts) / sizeof(parts[0]);

		while (i < n && !span_is(v.key, parts[i].key))
			i++;
		if (i < n && v.kind == JSON_IN_ARRAY)
			ret = put_list(p, parts[i].front, parts[i].is_milter,
			    err);
		else if (i < n && v.kind == JSON_IN_OBJECT)
			ret = put_object(p, parts[i].front, false, err);
		else
			ret = json_skip(&p->in, &v, err);
		if (span_is(v.key, "stress") && v.kind == JSON_IN_TRUE)
			buf_puts(p->out, "  under stress\n");
		if (ret < 0)
			return -1;
	}
	return ret;
}

static void
put_age(struct page *p, struct span seconds, bool has_board)
{
	uint64_t n = 0;

	buf_puts(p->out, "\n");
	if (!has_board)
		buf_puts(p->out, "  no word yet\n");
	else if (span_uint(seconds, UINT64_MAX, &n) == 0 && n >= SILENT)
		buf_printf(p->out, "  silent for %ju s, its last words:\n",
		    (uintmax_t)n);
}

static int
put_worker(struct page *p, struct err *err)
{
	struct span silent = {0};
	bool has_board = false;
	struct json_value v;
	int ret;

	buf_puts(p->out, "worker");
	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		if (span_is(v.key, "silent_s"))
			silent = v.text;
		else if (span_is(v.key, "state"))
			put_state(p->out, v.text);
		else if (v.kind == JSON_IN_OBJECT &&
		    span_is(v.key, "status")) {
			has_board = true;
			put_age(p, silent, true);
			ret = put_board(p, err);
		} else if (v.kind == JSON_IN_OBJECT || v.kind == JSON_IN_ARRAY)
			ret = json_skip(&p->in, &v, err);
		else
			put_member(p->out, &v);
		if (ret < 0)
			return -1;
	}
	if (!has_board)
		put_age(p, silent, false);
	return ret;
}

static int
put_workers(struct page *p, struct err *err)
{
	struct json_value v;
	int ret;

	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		ret = v.kind == JSON_IN_OBJECT ? put_worker(p, err) :
		    json_skip(&p->in, &v, err);
		if (ret < 0)
			return -1;
	}
	return ret;
}

/* --- the whole --- */

static int
put_gateway(struct page *p, struct err *err)
{
	struct json_value v;
	int ret;

	buf_puts(p->out, "forepost");
	while ((ret = json_next(&p->in, &v, err)) == 0 &&
	    v.kind != JSON_IN_CLOSE) {
		if (v.kind == JSON_IN_ARRAY && span_is(v.key, "workers"))
			ret = put_workers(p, err);
		else if (v.kind == JSON_IN_OBJECT && span_is(v.key, "log"))
			ret = put_object(p, "log", false, err);
		else if (v.kind == JSON_IN_OBJECT && span_is(v.key, "stats"))
			ret = put_object(p, "stats", false, err);
		else if (v.kind == JSON_IN_OBJECT && span_is(v.key, "reload"))
			ret = put_object(p, "last reload", false, err);
		else if (v.kind == JSON_IN_OBJECT || v.kind == JSON_IN_ARRAY)
			ret = json_skip(&p->in, &v, err);
		else if (span_is(v.key, "state"))
			put_state(p->out, v.text);
		else if (span_is(v.key, "listening")) {
			buf_puts(p->out, "\nlistening ");
			log_value_words(p->out, v.text.len > 0 ? v.text :
			    SPAN_LIT("nowhere"));
			buf_puts(p->out, "\n");
		} else
			put_member(p->out, &v);
		if (ret < 0)
			return -1;
	}
	return ret;
}

int
status_text(struct arena *a, struct span json, struct buf *out,
    struct err *err)
{
	struct page p = { .out = out };
	struct json_value v;
	int ret;

	json_begin(&p.in, a, json);
	ret = json_next(&p.in, &v, err);
	if (ret == 0 && v.kind != JSON_IN_OBJECT)
		ret = err_set(err, ERR_SYNTAX, "it is no object");
	if (ret == 0)
		ret = put_gateway(&p, err);
	if (out->len > 0 && out->p[out->len - 1] != '\n')
		buf_puts(out, "\n");
	if (ret == 0)
		ret = json_next(&p.in, &v, err);
	buf_free(&p.behind);
	return ret < 0 ? err_prefix(err, "the gateway's answer") : 0;
}
