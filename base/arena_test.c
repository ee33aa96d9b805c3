#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/poison.h"
#include "tests/kit/t.h"

static void
test_memory(void)
{
	static const size_t sizes[] = {
		0, 1, 7, 8, 15, 16, 17, 100, 900, 1000, 2000, 4000, 4095,
		4096, 4097, 16384, 100000
	};
	struct arena *a = arena_create("test");
	unsigned char *p[sizeof(sizes) / sizeof(sizes[0])];
	size_t i, j, round;
	bool zeroed = true, aligned = true, kept = true;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			p[i] = arena_alloc(a, sizes[i]);
			aligned &= (uintptr_t)p[i] % alignof(max_align_t) == 0;
			for (j = 0; j < sizes[i]; j++)
				zeroed &= p[i][j] == 0;
			memset(p[i], (int)i + 1, sizes[i]);
		}
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (j = 0; j < sizes[i]; j++)
				kept &= p[i][j] == i + 1;
	}
	T_OK("memory is zeroed", zeroed);
	T_OK("memory is aligned for anything", aligned);
	T_OK("objects do not overlap", kept);
	T_OK("objects of no size have places of their own",
	    arena_alloc(a, 0) != arena_alloc(a, 0));
	arena_destroy(&a);
	T_OK("destroying nulls the pointer", a == NULL);
	arena_destroy(&a);
	T_OK("destroying none is nothing", a == NULL);
}

static void
test_size(void)
{
	struct arena *a = arena_create("test");
	size_t before;

	T_OK("an empty arena takes less than 1 KiB",
	    arena_size(a) + 2 * sizeof(size_t) < 1024);
	before = arena_size(a);
	arena_alloc(a, 200);
	T_INT("small objects fit in the first chunk", arena_size(a), before);
	arena_alloc(a, 100000);
	T_OK("a large object gets its own, no larger",
	    arena_size(a) < before + 100000 + 64);
	before = arena_size(a);
	arena_alloc(a, 200);
	T_INT("and the chunk in use stays in use", arena_size(a), before);
	arena_destroy(&a);
}

/* 1 MiB of small objects: chunks stop growing at 16 KiB, so little is lost. */
static void
test_growth(void)
{
	struct arena *a = arena_create("test");
	size_t last = arena_size(a), step, most = 0, i;

	for (i = 0; i < 16384; i++) {
		arena_alloc(a, 64);
		step = arena_size(a) - last;
		if (step > most)
			most = step;
		last += step;
	}
	T_INT("chunks grow up to 16 KiB", most, 16 * 1024);
	arena_destroy(&a);
}

static void
test_text(void)
{
	struct arena *a = arena_create("test");
	char longest[700];
	char *p;

	T_STR("strdup", arena_strdup(a, "text"), "text");
	T_STR("strdup of nothing", arena_strdup(a, ""), "");
	T_STR("copy adds the NUL", arena_copy(a, span_n("abcdef", 3)), "abc");
	T_STR("copy of an empty span", arena_copy(a, (struct span){0}), "");
	T_OK("span is a copy", span_is(arena_span(a, SPAN_LIT("xy")), "xy"));
	T_STR("printf", arena_printf(a, "%s-%d", "a", 7), "a-7");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	T_STR("a long printf", arena_printf(a, "%s", longest), longest);
	p = arena_printf(a, "%.*s", 255, longest);
	T_INT("printf of 255", strlen(p), 255);
	p = arena_printf(a, "%.*s", 256, longest);
	T_INT("printf of 256", strlen(p), 256);
	arena_destroy(&a);
}

struct end {
	struct arena	*a;
	struct buf	*order;
	const char	*text;
};

static void
note_end(void *arg)
{
	struct end *e = arg;	/* lives in the arena: it is still there */

	buf_puts(e->order, e->text);
}

static void
note_and_defer(void *arg)
{
	struct end *e = arg, *more = arena_new(e->a, struct end);

	buf_puts(e->order, e->text);
	*more = (struct end){ e->a, e->order, "(late)" };
	arena_defer(e->a, note_end, more);
}

static void
defer(struct arena *a, struct buf *order, const char *text,
    void (*end)(void *))
{
	struct end *e = arena_new(a, struct end);

	*e = (struct end){ a, order, text };
	arena_defer(a, end, e);
}

static void
test_defer(void)
{
	struct arena *a = arena_create("test");
	struct buf order = {0};

	defer(a, &order, "first ", note_end);
	arena_alloc(a, 50000);
	defer(a, &order, "second ", note_end);
	defer(a, &order, "third ", note_and_defer);
	T_INT("nothing ends before its time", order.len, 0);
	arena_destroy(&a);
	buf_put(&order, "", 1);
	T_STR("newest first, and one that an end registers is run", order.p,
	    "third (late)second first ");
	buf_free(&order);
}

static void
test_poison(void)
{
#ifdef POISON_ASAN
	struct arena *a = arena_create("test");
	char *p = arena_alloc(a, 20), *q = arena_alloc(a, 20);

	T_OK("an object can be used", !__asan_address_is_poisoned(p + 19));
	T_OK("the byte behind it cannot", __asan_address_is_poisoned(p + 20));
	T_OK("nor the one in front of the next",
	    __asan_address_is_poisoned(q - 1));
	T_OK("nor what was not given out yet",
	    __asan_address_is_poisoned(q + 100));
	arena_destroy(&a);
#endif
}

int
main(void)
{
	test_memory();
	test_size();
	test_growth();
	test_text();
	test_defer();
	test_poison();
	return t_done();
}
