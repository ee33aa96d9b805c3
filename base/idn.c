#include <string.h>

#include <idn2.h>

#include "base/idn.h"
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
	r = idn2_lookup_u8((const uint8_t *)arena_copy(a, name), &found,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return err_set(err, ERR_SYNTAX, "no A-labels for \"%.*s\": %s",
		    SPAN_ARG(name), idn2_strerror(r));
	*out = lower(a, span_z((const char *)found));
	idn2_free(found);
	return 0;
}
