#include <string.h>

#include "base/buf.h"
#include "filters/authres.h"
#include "filters/authres_forged.h"
#include "filters/received_spf.h"
#include "tests/kit/authres_read.h"
#include "tests/vectors/judge.h"

/*
 * {op: "forged", header, own: [name]}	-> {rest: the header that is left}
 * {op: "write", id, utf8, entries: [{method, result, comment, reason,
 *	properties: [[name, kind, value]]}]}	-> {field}
 * {op: "received_spf", ...}			-> {field}
 * {op: "read", value}	-> {authserv_id, results: [{method, result, reason,
 *	properties: {name: value}}]} or {error}
 */

static void
say_octets(json_t *out, const char *key, struct span text)
{
	struct buf utf8 = {0};
	unsigned char c, two[2];
	size_t i;

	for (i = 0; i < text.len; i++) {
		c = (unsigned char)text.p[i];
		two[0] = (unsigned char)(0xc0 | c >> 6);
		two[1] = 0x80 | (c & 0x3f);
		if (c < 0x80)
			buf_put(&utf8, &c, 1);
		else
			buf_put(&utf8, two, 2);
	}
	json_object_set_new(out, key, json_stringn(utf8.p == NULL ? "" :
	    utf8.p, utf8.len));
	buf_free(&utf8);
}

static void
decide_forged(struct arena *a, json_t *in, json_t *out)
{
	json_t *own = json_object_get(in, "own");
	size_t n = json_array_size(own), at = 0, i;
	const char **names = arena_new_n(a, n, const char *);
	struct span header = judge_octets(a, in, "header");
	struct authres_cut *cuts;
	struct authres_ids ids;
	struct buf rest = {0};
	struct fields h;

	for (i = 0; i < n; i++)
		names[i] = json_string_value(json_array_get(own, i));
	ids = authres_ids_make(a, names, n);
	fields_parse(a, header, &h);
	n = authres_forged(a, &h, &ids, &cuts);
	for (i = 0; i < n; i++) {
		buf_put(&rest, header.p + at, cuts[i].offset - at);
		at = cuts[i].offset + cuts[i].len;
	}
	buf_put(&rest, header.p + at, header.len - at);
	say_octets(out, "rest", buf_text(&rest));
	buf_free(&rest);
}

static void
read_entry(struct arena *a, json_t *in, struct authres_entry *e)
{
	static const char *const kinds[] = { "text", "domain", "mailbox" };
	json_t *list = json_object_get(in, "properties"), *p, *value;
	const char *kind;
	unsigned k;
	size_t i;

	e->method = judge_text(in, "method");
	e->result = judge_text(in, "result");
	e->comment = judge_octets(a, in, "comment");
	e->reason = judge_octets(a, in, "reason");
	json_array_foreach(list, i, p) {
		kind = json_string_value(json_array_get(p, 1));
		for (k = 0; strcmp(kinds[k], kind) != 0; k++)
			;
		value = json_pack("{sO}", "value", json_array_get(p, 2));
		authres_add(e, json_string_value(json_array_get(p, 0)),
		    (enum authres_kind)k, judge_octets(a, value, "value"));
		json_decref(value);
	}
}

static void
decide_write(struct arena *a, json_t *in, json_t *out)
{
	json_t *entries = json_object_get(in, "entries");
	struct authres r = {
		.authserv_id = judge_text(in, "id"),
		.utf8 = json_is_true(json_object_get(in, "utf8")),
		.n = json_array_size(entries)
	};
	struct buf field = {0};
	size_t i;

	r.entries = arena_new_n(a, r.n, struct authres_entry);
	for (i = 0; i < r.n; i++)
		read_entry(a, json_array_get(entries, i), &r.entries[i]);
	authres_write(a, &field, &r);
	say_octets(out, "field", buf_text(&field));
	buf_free(&field);
}

static void
decide_received_spf(struct arena *a, json_t *in, json_t *out)
{
	struct received_spf r = {
		.result = judge_text(in, "result"),
		.identity = judge_text(in, "identity"),
		.comment = judge_octets(a, in, "comment"),
		.receiver = judge_octets(a, in, "receiver"),
		.client_ip = judge_octets(a, in, "client-ip"),
		.envelope_from = judge_octets(a, in, "envelope-from"),
		.helo = judge_octets(a, in, "helo"),
		.mechanism = judge_octets(a, in, "mechanism"),
		.problem = judge_octets(a, in, "problem")
	};
	struct buf field = {0};

	received_spf_write(a, &field, &r);
	say_octets(out, "field", buf_text(&field));
	buf_free(&field);
}

static json_t *
result_of(struct arena *a, const struct authres_read_result *r)
{
	json_t *out = json_object(), *properties = json_object();
	size_t i;

	say_octets(out, "method", r->method);
	say_octets(out, "result", r->result);
	say_octets(out, "reason", r->reason);
	for (i = 0; i < r->nproperties; i++)
		say_octets(properties, arena_copy(a, r->properties[i].name),
		    r->properties[i].value);
	json_object_set_new(out, "properties", properties);
	return out;
}

static void
decide_read(struct arena *a, json_t *in, json_t *out)
{
	struct span value = judge_octets(a, in, "value");
	json_t *results = json_array();
	struct authres_read r;
	struct err err;
	size_t i;

	if (authres_read(a, value, &r, &err) < 0) {
		judge_say(out, "error", err.text);
		json_decref(results);
		return;
	}
	say_octets(out, "authserv_id", r.authserv_id);
	for (i = 0; i < r.n; i++)
		json_array_append_new(results, result_of(a, &r.results[i]));
	json_object_set_new(out, "results", results);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	const char *op = judge_text(in, "op");

	if (strcmp(op, "forged") == 0)
		decide_forged(a, in, out);
	else if (strcmp(op, "write") == 0)
		decide_write(a, in, out);
	else if (strcmp(op, "received_spf") == 0)
		decide_received_spf(a, in, out);
	else
		decide_read(a, in, out);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
