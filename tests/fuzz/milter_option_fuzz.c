#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "milter/command.h"

/*
 * What a filter answers to our offer, packet and all: whatever is agreed on
 * was offered, every command has its answer to "may it be sent", and what is
 * then written is a packet that fits. What is behind the packet is a header
 * field's value and its macros.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_packet(struct span wire, char command, const struct terms *t)
{
	uint32_t len;

	assert(packet_uint(&wire, &len));
	assert(len == wire.len && len - 1 <= t->chunk);
	assert(wire.p[0] == command);
}

static void
check_terms(const struct terms *t)
{
	assert(t->version >= OPTION_VERSION_OLDEST &&
	    t->version <= OPTION_VERSION);
	assert((t->actions & ~OPTION_ACTIONS) == 0);
	assert((t->steps & ~OPTION_STEPS) == 0);
	assert(t->chunk == OPTION_CHUNK || t->chunk == OPTION_CHUNK_256K ||
	    t->chunk == OPTION_CHUNK_1M);
	assert(t->version > 2 || !option_sends(t, SMFIC_UNKNOWN));
	assert(t->version > 3 || !option_sends(t, SMFIC_DATA));
	assert(t->version > 5 || !option_sends(t, SMFIC_QUIT_NC));
	assert(option_sends(t, SMFIC_BODYEOB) &&
	    option_awaits(t, SMFIC_BODYEOB));
	assert(!option_awaits(t, SMFIC_ABORT) &&
	    !option_awaits(t, SMFIC_QUIT));
}

static void
write_all(const struct terms *t, struct span text)
{
	struct span values[MACRO_COUNT] = { { NULL, 0 } };
	struct buf b = { 0 };
	struct err err;

	for (int m = 0; m < MACRO_COUNT; m++)
		if ((size_t)m < text.len && text.p[m] % 2)
			values[m] = text;
	for (const char *c = "CHMRTNEU"; *c != '\0'; c++) {
		buf_clear(&b);
		macro_put(&b, *c, option_macros(t, *c), values);
		if (b.len > 0)
			check_packet(buf_text(&b), SMFIC_MACRO, t);
	}
	buf_clear(&b);
	if (command_header(&b, t, SPAN_LIT("A"), text, &err) == 0)
		check_packet(buf_text(&b), SMFIC_HEADER, t);
	else
		assert(b.len == 0);
	buf_clear(&b);
	command_mail(&b, text, &text, 1);
	assert(memchr(b.p + PACKET_HEAD, '\0', b.len - PACKET_HEAD) ==
	    b.p + PACKET_HEAD + text.len + 2);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	struct terms t;
	struct err err;
	size_t len;
	char *copy;

	if (size < 2)
		return 0;
	len = (size_t)data[1] < size - 2 ? data[1] : size - 2;
	copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data + 2, len);
	p = (struct packet){ (char)data[0], span_n(copy, len) };
	if (option_read(&p, &t, &err) == 0) {
		check_terms(&t);
		write_all(&t, span_n(data + 2 + len, size - 2 - len));
	} else
		assert((err.kind == ERR_SYNTAX || err.kind == ERR_CONFIG) &&
		    err.text[0] != '\0');
	free(copy);
	return 0;
}
