#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

#include "base/idn.h"
#include "filters/greylist_identity.h"

#define NAME_MAX_OCTETS	253		/* RFC 1035 2.3.4, as text */

struct span
greylist_identity_domain(struct arena *a, struct span name)
{
	const char *text, *found;
	struct err err;

	if (name.len == 0 || name.len > NAME_MAX_OCTETS ||
	    idn_to_ascii(a, name, &text, &err) < 0 ||
	    strlen(text) > NAME_MAX_OCTETS)
		return span_n(name.p, name.len > NAME_MAX_OCTETS ?
		    NAME_MAX_OCTETS : name.len);
	found = text[0] == '[' ? NULL :
	    psl_registrable_domain(psl_builtin(), text);
	return span_z(found == NULL ? text : found);
}

/* --- names that spell the address --- */

/* Is the number among the runs of digits in the name, other than at *used? */
static bool
has_number(const char *name, unsigned number, const char **used)
{
	const char *p = name;
	char *end;

	while (*p != '\0') {
		if (!isdigit((unsigned char)*p)) {
			p++;
			continue;
		}
		if (strtoul(p, &end, 10) == number && p != *used) {
			*used = p;
			return true;
		}
		p = end;
	}
	return false;
}

/*
 * The last two octets, which differ from line to line, as numbers in any
 * order; or all four in hexadecimal, or as twelve digits.
 */
static bool
spells_ipv4(const unsigned char *ip, const char *name)
{
	const char *used = NULL;
	char text[16];

	if (has_number(name, ip[3], &used) && has_number(name, ip[2], &used))
		return true;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x", ip[0], ip[1], ip[2],
	    ip[3]);
	if (strstr(name, text) != NULL)
		return true;
	snprintf(text, sizeof(text), "%03u%03u%03u%03u", ip[0], ip[1], ip[2],
	    ip[3]);
	return strstr(name, text) != NULL;
}

/* The last 32 bits, or the 64 before them of which a provider makes
 * customers' networks, as hexadecimal digits with whatever between them. */
static bool
spells_ipv6(const unsigned char *ip, const char *name)
{
	char digits[NAME_MAX_OCTETS + 1], text[20];
	size_t n = 0;

	for (; *name != '\0' && n < NAME_MAX_OCTETS; name++)
		if (isxdigit((unsigned char)*name))
			digits[n++] = *name;
	digits[n] = '\0';
	snprintf(text, sizeof(text), "%02x%02x%02x%02x", ip[12], ip[13],
	    ip[14], ip[15]);
	/* (Of ::1:25 and the like the digits could be anything.) */
	if (ip[12] + ip[13] != 0 && strstr(digits, text) != NULL)
		return true;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x%02x%02x%02x%02x",
	    ip[0], ip[1], ip[2], ip[3], ip[4], ip[5], ip[6], ip[7]);
	return strstr(digits, text) != NULL;
}

bool
greylist_identity_is_generic(const struct addr *client, const char *name)
{
	char low[NAME_MAX_OCTETS + 1];
	size_t n;

	for (n = 0; name[n] != '\0' && n < NAME_MAX_OCTETS; n++)
		low[n] = (char)tolower((unsigned char)name[n]);
	low[n] = '\0';
	switch (client->u.sa.sa_family) {
	case AF_INET:
		return spells_ipv4(
		    (const unsigned char *)&client->u.in.sin_addr, low);
	case AF_INET6:
		return spells_ipv6(client->u.in6.sin6_addr.s6_addr, low);
	default:
		return false;
	}
}

struct span
greylist_identity_network(struct arena *a, const struct addr *client)
{
	char text[ADDR_TEXT];
	struct network net;

	network_of(client, &net);
	return net.family == 0 ? SPAN_LIT("local") :
	    span_z(arena_strdup(a, network_text(&net, text)));
}

struct span
greylist_identity(struct arena *a, const struct addr *client, const char *spf,
    const char *name)
{
	struct span domain, network = greylist_identity_network(a, client);

	if (spf != NULL && spf[0] != '\0') {
		domain = greylist_identity_domain(a, span_z(spf));
		return span_z(arena_printf(a, "spf:%.*s", SPAN_ARG(domain)));
	}
	if (!span_is(network, "local") && name != NULL && name[0] != '\0' &&
	    !greylist_identity_is_generic(client, name)) {
		domain = greylist_identity_domain(a, span_z(name));
		return span_z(arena_printf(a, "name:%.*s", SPAN_ARG(domain)));
	}
	return span_z(arena_printf(a, "net:%.*s", SPAN_ARG(network)));
}
