#include <stdio.h>
#include <string.h>

#include "base/dns_name.h"

#define LABEL_MAX	63

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Appends one label, leaving room for the root behind it. */
static int
put_label(struct dns_name *name, const uint8_t *label, size_t len)
{
	size_t i;

	if (len == 0 || len > LABEL_MAX ||
	    name->len + 1 + len + 1 > DNS_NAME_WIRE)
		return -1;
	name->octets[name->len++] = (uint8_t)len;
	for (i = 0; i < len; i++)
		name->octets[name->len++] = lower(label[i]);
	return 0;
}

int
dns_name_from_text(const char *text, struct dns_name *name)
{
	const char *dot;

	name->len = 0;
	do {
		size_t len = strcspn(text, ".");

		dot = text[len] == '.' ? text + len : NULL;
		if (put_label(name, (const uint8_t *)text, len) < 0)
			return -1;
		text += len + 1;
	} while (dot != NULL && dot[1] != '\0');
	name->octets[name->len++] = 0;
	return 0;
}

int
dns_name_from_packet(const uint8_t *packet, size_t len, size_t *at,
    struct dns_name *name)
{
	size_t pos = *at, limit = len;
	bool jumped = false;

	name->len = 0;
	for (;;) {
		uint8_t c;

		if (pos >= limit)
			return -1;
		c = packet[pos];
		if (c == 0)
			break;
		if ((c & 0xc0) == 0xc0) {
			size_t to;

			if (pos + 2 > len)
				return -1;
			to = (size_t)(c & 0x3f) << 8 | packet[pos + 1];
			if (!jumped)
				*at = pos + 2;
			jumped = true;
			/* Only backwards, to before where this part began:
			 * so it ends. */
			if (to >= pos || to >= limit)
				return -1;
			limit = pos;
			pos = to;
			continue;
		}
		if (c > LABEL_MAX || pos + 1 + c > len ||
		    put_label(name, packet + pos + 1, c) < 0)
			return -1;
		pos += 1 + (size_t)c;
	}
	if (!jumped)
		*at = pos + 1;
	name->octets[name->len++] = 0;
	return 0;
}

bool
dns_name_same(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

static char *
print_octet(char *p, uint8_t c)
{
	if (c <= ' ' || c >= 0x7f)
		return p + sprintf(p, "\\%03u", c);
	if (strchr(".\\\"();@$", c) != NULL)
		*p++ = '\\';
	*p++ = (char)c;
	return p;
}

void
dns_name_print(const struct dns_name *name, char out[DNS_NAME_TEXT])
{
	const uint8_t *at = name->octets;
	char *p = out;

	while (*at != 0) {
		uint8_t len = *at++;

		if (p != out)
			*p++ = '.';
		while (len-- > 0)
			p = print_octet(p, *at++);
	}
	*p = '\0';
}

char *
dns_name_text(struct arena *a, const struct dns_name *name)
{
	char text[DNS_NAME_TEXT];

	dns_name_print(name, text);
	return arena_strdup(a, text);
}
