#include <assert.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"

/*
 * Any bytes, as a JSON text: what jansson accepts is accepted and has the same
 * values, what it refuses is refused. Apart from what json_read.h promises:
 * fewer objects within each other; a lone \udcXX; keys with NUL; numbers of
 * any size.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is open, and the key of it. */
struct tree {
	struct arena	*arena;
	json_t		*open[JSON_DEPTH_MOST + 1];
	size_t		 depth;
	json_t		*whole;
	bool		 is_ours;	/* has what jansson refuses */
};

static json_t *
number_of(struct tree *t, struct span text)
{
	char *z = arena_copy(t->arena, text), *end;
	json_t *number;

	if (strpbrk(z, ".eE") == NULL)
		number = json_integer(strtoll(z, &end, 10));
	else
		number = json_real(strtod(z, &end));
	assert(*end == '\0');
	if (number == NULL || text.len > 18 || strpbrk(z, "eE") != NULL)
		t->is_ours = true;	/* may be too large there */
	return number != NULL ? number : json_null();
}

static json_t *
value_of(struct tree *t, const struct json_value *v)
{
	switch (v->kind) {
	case JSON_IN_OBJECT:
		return json_object();
	case JSON_IN_ARRAY:
		return json_array();
	case JSON_IN_STRING:
		return json_stringn_nocheck(v->text.p, v->text.len);
	case JSON_IN_NUMBER:
		return number_of(t, v->text);
	case JSON_IN_TRUE:
		return json_true();
	case JSON_IN_FALSE:
		return json_false();
	default:
		assert(v->kind == JSON_IN_NULL);
		return json_null();
	}
}

static void
enter(struct tree *t, const struct json_value *v)
{
	json_t *value, *in = t->depth > 0 ? t->open[t->depth - 1] : NULL;

	if (v->kind == JSON_IN_CLOSE) {
		assert(t->depth > 0);
		t->depth--;
		return;
	}
	value = value_of(t, v);
	if (in == NULL) {
		assert(t->whole == NULL);
		t->whole = value;
	} else if (json_is_array(in))
		json_array_append_new(in, value);
	else {
		t->is_ours |= memchr(v->key.p, '\0', v->key.len) != NULL;
		json_object_set_new_nocheck(in, arena_copy(t->arena, v->key),
		    value);
	}
	if (v->kind == JSON_IN_OBJECT || v->kind == JSON_IN_ARRAY) {
		assert(t->depth < JSON_DEPTH_MOST);
		t->open[t->depth++] = value;
	}
}

static int
read_tree(struct tree *t, struct span text, struct err *err)
{
	struct json_value v;
	struct json_in in;

	json_begin(&in, t->arena, text);
	for (;;) {
		if (json_next(&in, &v, err) < 0)
			return -1;
		if (v.kind == JSON_IN_END)
			return 0;
		enter(t, &v);
	}
}

/* A reader that skips reads the same text to the same end. */
static void
check_skip(struct span text, bool is_good)
{
	struct json_value v;
	struct json_in in;
	struct err err;
	int status;

	json_begin(&in, NULL, text);
	status = json_next(&in, &v, &err);
	if (status == 0)
		status = json_skip(&in, &v, &err);
	if (status == 0)
		status = json_next(&in, &v, &err);
	assert((status == 0 && v.kind == JSON_IN_END) == is_good);
	assert((json_check(text, &err) == 0) == is_good);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct tree t = { .arena = a };
	struct span text = span_n(data, size);
	struct err err;
	json_t *theirs;
	bool is_good;

	theirs = json_loadb((const char *)data, size,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	is_good = read_tree(&t, text, &err) == 0;
	check_skip(text, is_good);
	if (!is_good) {
		assert(err.kind == ERR_SYNTAX);
		/* For jansson a NUL outside of strings is the end. */
		assert(theirs == NULL || strstr(err.text, "too many") != NULL ||
		    memchr(data, 0, size) != NULL);
	} else if (theirs == NULL)
		assert(t.is_ours || memmem(data, size, "\\ud", 3) != NULL ||
		    memmem(data, size, "\\uD", 3) != NULL);
	else
		assert(json_equal(theirs, t.whole));
	json_decref(theirs);
	json_decref(t.whole);
	arena_destroy(&a);
	return 0;
}
