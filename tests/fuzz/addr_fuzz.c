#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

/*
 * Any text, read as address, IP address and network: what is read can be
 * written, and reads as the same again; what is not leaves one line of error.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_error(const struct err *err)
{
	assert(err->kind == ERR_SYNTAX);
	assert(err->text[0] != '\0' && strpbrk(err->text, "\r\n") == NULL);
}

static void
check_addr(const struct addr *a)
{
	char out[ADDR_TEXT];
	struct addr b, c;
	struct network n;
	struct err err;

	assert(addr_parse(span_z(addr_text(a, out)), &b, &err) == 0);
	assert(a->len == b.len && memcmp(&a->u, &b.u, a->len) == 0);
	addr_from(&a->u.sa, a->len, &c);
	assert(a->len == c.len && memcmp(&a->u, &c.u, a->len) == 0);
	network_of(a, &n);
	assert(network_has(&n, a) == !addr_is_unix(a));
	if (addr_is_unix(a))
		return;
	assert(addr_same_ip(a, &b));
	assert(addr_literal(a, out)[0] == '[');
	assert(addr_parse_ip(span_z(addr_ip(a, out)), addr_port(a), &b,
	    &err) == 0);
	assert(memcmp(&a->u, &b.u, a->len) == 0);
}

static void
check_network(const struct network *n)
{
	char out[ADDR_TEXT];
	struct network again;
	struct err err;

	assert(network_parse(span_z(network_text(n, out)), &again, &err) == 0);
	assert(memcmp(n, &again, sizeof(again)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_n(data, size);
	struct network n;
	struct addr a;
	struct err err;

	if (addr_parse(text, &a, &err) < 0)
		check_error(&err);
	else
		check_addr(&a);
	if (addr_parse_ip(text, 25, &a, &err) < 0)
		check_error(&err);
	else
		check_addr(&a);
	if (network_parse(text, &n, &err) < 0)
		check_error(&err);
	else
		check_network(&n);
	return 0;
}
