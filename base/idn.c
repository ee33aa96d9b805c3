#include <string.h>

#include <idn2.h>

#include "base/idn.h"
#include "base/plain.h"
#include "base/utf8.h"

static char *
lower(struct arena *a, struct span name)
{
	char *text, *p;

	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	text = arena_copy(a, name);
	for (p = text; p < text + name.len; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	return text;
}

/* Of eight octets: PLAIN_HIGH has a bit of it if one of them is above ASCII, a
 * capital or NUL. */
static uint64_t
unready(uint64_t word)
{
	return word | ((word + PLAIN_EACH(0x80 - 'A')) &
	    ~(word + PLAIN_EACH(0x80 - 'Z' - 1))) | (word - PLAIN_EACH(1));
}

bool
idn_is_ready(struct span name)
{
	uint64_t word, odd = 0;
	size_t i = 0;

	if (name.len > IDN_LONGEST ||
	    (name.len > 0 && name.p[name.len - 1] == '.'))
		return false;
	for (; name.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, name.p + i, sizeof(word));
		odd |= unready(word);
	}
	word = PLAIN_EACH('x');
	if (i < name.len)
		memcpy(&word, name.p + i, name.len - i);
	return ((odd | unready(word)) & PLAIN_HIGH) == 0;
}

/* Some registries have names with symbols, which IDNA 2008 has no place for;
 * they are found by the rules that came before it. */
static int
look_up(const char *name, uint8_t **out)
{
	int r = idn2_lookup_u8((const uint8_t *)name, out,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (r == IDN2_DISALLOWED)
		r = idn2_lookup_u8((const uint8_t *)name, out,
		    IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
	return r;
}

int
idn_to_ascii(struct arena *a, struct span name, const char **out,
    struct err *err)
{
	uint8_t *found = NULL;
	int r;

	*out = NULL;
	if (name.len > IDN_LONGEST)
		return err_set(err, ERR_SYNTAX,
		    "a name of more than %d octets", IDN_LONGEST);
	if (name.len > 0 && memchr(name.p, '\0', name.len) != NULL)
		return err_set(err, ERR_SYNTAX, "a name with a NUL");
	if (utf8_is_ascii(name)) {
		*out = lower(a, name);
		return 0;
	}
	r = look_up(arena_copy(a, name), &found);
	if (r != IDN2_OK)
		return err_set(err, ERR_SYNTAX, "no A-labels for \"%.*s\": %s",
		    SPAN_ARG(name), idn2_strerror(r));
	*out = lower(a, span_z((const char *)found));
	idn2_free(found);
	return 0;
}
