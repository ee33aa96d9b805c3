#include <stdbool.h>

#include "base/idn.h"
#include "filters/signer.h"

#define NAME_LONGEST	253	/* of a domain name in text: RFC 1035 */
#define LABEL_LONGEST	63

static bool
is_label_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

static bool
is_name(struct span name)
{
	size_t label = 0;

	if (name.len > NAME_LONGEST)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (is_label_octet(name.p[i])) {
			if (++label > LABEL_LONGEST)
				return false;
		} else if (name.p[i] != '.' || label == 0)
			return false;
		else
			label = 0;
	}
	return label > 0;
}

const char *
signer_name(struct arena *a, struct span value)
{
	const char *name;
	struct err err;

	/* idn_to_ascii() would cut that off. */
	if (value.len > 0 && value.p[value.len - 1] == '.')
		return NULL;
	if (idn_to_ascii(a, value, &name, &err) < 0 ||
	    !is_name(span_z(name)))
		return NULL;
	return name;
}

const char *
signer_key(struct arena *a, const char *selector, const char *domain)
{
	const char *name = arena_printf(a, "%s._domainkey.%s", selector,
	    domain);

	return is_name(span_z(name)) ? name : NULL;
}
