#include <stdlib.h>

#include "base/mem.h"
#include "filters/signed_header.h"
#include "filters/tags.h"

/* The lowest one of that name that was not taken yet; NULL: there is none. */
static const struct field *
take_field(const struct fields *header, bool *taken, struct span name)
{
	for (size_t i = header->n; i-- > 0;)
		if (!taken[i] && span_eq_nocase(header->list[i].name, name)) {
			taken[i] = true;
			return &header->list[i];
		}
	return NULL;
}

void
signed_header_digest(const struct fields *header,
    const struct signed_header *what, uint8_t digest[DIGEST_SIZE])
{
	bool *taken = mem_zalloc(header->n, "signed header");
	struct digest *d = digest_begin();
	struct span names = what->names, name;
	const struct field *field;
	struct buf text = { 0 };

	taken[what->self - header->list] = true;
	while (tags_item(&names, &name)) {
		/* A line that is no field has an empty name too. */
		if (name.len == 0 ||
		    (field = take_field(header, taken, name)) == NULL)
			continue;
		buf_clear(&text);
		canon_field(&text, field->whole, what->form);
		digest_add(d, buf_text(&text));
	}
	buf_clear(&text);
	canon_signature(&text, what->self->whole, what->cut, what->form);
	digest_add(d, buf_text(&text));
	digest_end(&d, digest);
	buf_free(&text);
	free(taken);
}
