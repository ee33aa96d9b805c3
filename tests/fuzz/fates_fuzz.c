#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/fates.h"
#include "tests/fake/fake.h"

/*
 * Whatever stands in the store under the key of a delivery is one, or an error
 * that is no failure of the store; what is kept reads as it was said.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIFE	(3600 * CLOCK_S)

struct record {
	struct span	 value;
};

static bool
replace(void *arg, struct span key, struct span value, int64_t left)
{
	const struct record *r = arg;
	char copy[STORE_KEY_MAX];

	(void)value;
	(void)left;
	memcpy(copy, key.p, key.len);
	fake_store_set(span_n(copy, key.len), r->value, LIFE);
	return false;
}

static void
check_answer(struct store *s, struct arena *a, const struct fate_id *id,
    struct span said)
{
	struct reply r = reply(250, "2.0.0", "%.*s", SPAN_ARG(said)), *back;
	enum fate_state state;
	struct err err;

	assert(fate_keep(s, id, &r, LIFE, &err) == 0);
	assert(fate_look(s, a, id, &state, &back, &err) == 0);
	assert(state == FATE_DELIVERED && back->code == r.code &&
	    strcmp(back->enhanced, r.enhanced) == 0 &&
	    strncmp(back->text, r.text, strlen(back->text)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t print[DIGEST_SIZE];
	struct record record = { span_n((const char *)data,
	    size < STORE_VALUE_MAX ? size : STORE_VALUE_MAX) };
	struct fate_id id = { print, SPAN_LIT("a@x"), SPAN_LIT("b@y"), false,
	    "net:192.0.2.0/24" };
	struct mark_id mark_id = { SPAN_LIT("a@x"), SPAN_LIT("b@y"), 1,
	    "net:192.0.2.0/24" };
	struct fate_mark mark;
	struct store_options options = { .kind = STORE_LMDB, .path = "x" };
	struct arena *a = arena_create("fuzz");
	struct reply r = reply(550, "5.0.0", "no"), *answer;
	enum fate_state state;
	struct store *s;
	struct err err;

	s = store_open(a, &options, &err);
	fake_store_clear();
	check_answer(s, a, &id, record.value);
	store_walk(s, SPAN_LIT("fate/m/"), replace, &record, &err);
	if (fate_claim(s, a, &id, "s.1", LIFE, &state, &answer, &err) < 0)
		assert(err.kind == ERR_CONFIG);
	else if (state == FATE_DELIVERED || state == FATE_REFUSED)
		assert(answer->code / 100 == (state == FATE_REFUSED ? 5 : 2));
	assert(fate_mark(s, &mark_id, &r, LIFE, &err) == 0);
	store_walk(s, SPAN_LIT("fate/r/"), replace, &record, &err);
	if (fate_marked(s, a, &mark_id, &mark, &err) < 0)
		assert(err.kind == ERR_CONFIG);
	else if (mark.answer != NULL)
		assert(mark.answer->code / 100 == 5 ||
		    mark.answer->code / 100 == 2);
	fake_store_clear();
	arena_destroy(&a);
	return 0;
}
