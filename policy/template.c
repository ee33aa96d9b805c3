#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "policy/template.h"

#define CUT	"..."	/* where something was left out */

/* At most `room` octets; if that cuts it, the end says so. */
static void
put_cut(struct buf *out, struct span text, size_t room)
{
	size_t begin = out->len, end;

	if (utf8_put_printable(out, text, room, true))
		return;
	if (room < sizeof(CUT) - 1) {
		out->len = begin;
		return;
	}
	end = begin + room - (sizeof(CUT) - 1);
	while (end > begin && end < out->len &&
	    ((unsigned char)out->p[end] & 0xc0) == 0x80)
		end--;
	if (end < out->len)
		out->len = end;
	buf_puts(out, CUT);
}

static void
put_fact(struct buf *out, const struct template_part *part,
    const struct value *value, size_t room)
{
	struct buf text = {0};

	value_put_plain(&text, value, part->ref.fact->words);
	put_cut(out, buf_text(&text), room);
	buf_free(&text);
}

static bool
is_fact(const struct template_part *part)
{
	return part->ref.fact != NULL;
}

/* What the rule's own words leave for facts, and how many of these come. */
static size_t
room_for_facts(const struct template *t, size_t most, size_t *facts)
{
	*facts = 0;
	for (size_t i = 0; i < t->n; i++) {
		size_t len = t->parts[i].text.len;

		if (is_fact(&t->parts[i]))
			(*facts)++;
		else
			most -= len < most ? len : most;
	}
	return most;
}

static void
put_parts(struct buf *out, const struct template *t,
    const struct value *values, size_t most)
{
	size_t facts, begin;
	size_t room = room_for_facts(t, most, &facts);

	for (size_t i = 0; i < t->n; i++) {
		begin = out->len;
		if (!is_fact(&t->parts[i])) {
			buf_span(out, t->parts[i].text);
			continue;
		}
		facts--;
		put_fact(out, &t->parts[i], &values[i],
		    facts == 0 ? room : room / 2);
		room -= out->len - begin;
	}
}

struct span
template_render(struct arena *a, const struct template *t,
    const struct value *values, size_t most)
{
	struct buf parts = {0}, line = {0};
	struct span text;

	put_parts(&parts, t, values, most);
	put_cut(&line, buf_text(&parts), most);
	text = arena_span(a, span_trim(buf_text(&line)));
	buf_free(&parts);
	buf_free(&line);
	return text;
}
