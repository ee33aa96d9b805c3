#include <string.h>

#include "base/buf.h"
#include "tests/kit/t.h"

/* The content as a C string, for comparing. */
static const char *
z(struct buf *b)
{
	buf_put(b, "", 1);
	b->len--;
	return b->p;
}

static void
test_put(void)
{
	struct buf b = {0};

	T_INT("a zeroed buffer is empty", buf_text(&b).len, 0);
	buf_put(&b, NULL, 0);
	buf_span(&b, (struct span){0});
	buf_drop(&b, 0);
	T_OK("nothing put, nothing allocated", b.p == NULL);
	buf_puts(&b, "250");
	buf_put(&b, "-x", 1);
	buf_span(&b, SPAN_LIT("SIZE"));
	buf_printf(&b, " %d\r\n", 1000);
	T_STR("what was put, in order", z(&b), "250-SIZE 1000\r\n");
	buf_drop(&b, 4);
	T_STR("the front dropped", z(&b), "SIZE 1000\r\n");
	buf_drop(&b, b.len);
	T_INT("all dropped", b.len, 0);
	buf_puts(&b, "again");
	buf_clear(&b);
	T_INT("cleared", b.len, 0);
	T_OK("the memory is kept", b.cap > 0);
	buf_free(&b);
	T_OK("freed: as zeroed", b.p == NULL && b.len == 0 && b.cap == 0);
	buf_free(&b);
	buf_puts(&b, "new");
	T_STR("usable after free", z(&b), "new");
	buf_free(&b);
}

static void
test_growth(void)
{
	char line[300], want[16];
	struct buf b = {0};
	size_t i;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	buf_printf(&b, "<%s>", line);
	T_INT("a print longer than the buffer", b.len, 301);
	T_OK("is whole", b.p[0] == '<' && b.p[300] == '>');
	buf_clear(&b);
	for (i = 0; i < 5000; i++)
		buf_printf(&b, "%04zu", i);
	T_INT("many small ones", b.len, 20000);
	memcpy(want, b.p + 4 * 4321, 4);
	want[4] = '\0';
	T_STR("each in its place", want, "4321");
	buf_reserve(&b, 100000);
	T_OK("reserved room is there", b.cap - b.len >= 100000);
	T_INT("reserving adds nothing", b.len, 20000);
	buf_free(&b);

	/* A print that fills the buffer but for its NUL. */
	for (i = 120; i < 135; i++) {
		buf_printf(&b, "%.*s", (int)i, line);
		T_INT("print around the first size", b.len, i);
		buf_free(&b);
	}
}

int
main(void)
{
	test_put();
	test_growth();
	return t_done();
}
