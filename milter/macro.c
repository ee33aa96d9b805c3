#include <assert.h>
#include <stdbool.h>

#include "milter/macro.h"
#include "milter/packet.h"

#define NAME_MAX_LEN	24	/* of ours, with its braces and NUL */

_Static_assert(MACRO_COUNT <= 64, "macro_set has a bit for each");
_Static_assert(1 + MACRO_COUNT * (MACRO_VALUE_MAX + 1 + NAME_MAX_LEN) <=
    MILTER_MAX_DATA_SIZE, "all macros fit one packet");

static const char names[MACRO_COUNT][NAME_MAX_LEN] = {
	[MACRO_TRACE] = "_",
	[MACRO_B] = "b",
	[MACRO_I] = "i",
	[MACRO_J] = "j",
	[MACRO_R] = "r",
	[MACRO_S] = "s",
	[MACRO_V] = "v",
	[MACRO_AUTH_AUTHEN] = "{auth_authen}",
	[MACRO_AUTH_AUTHOR] = "{auth_author}",
	[MACRO_AUTH_SSF] = "{auth_ssf}",
	[MACRO_AUTH_TYPE] = "{auth_type}",
	[MACRO_CERT_ISSUER] = "{cert_issuer}",
	[MACRO_CERT_SUBJECT] = "{cert_subject}",
	[MACRO_CIPHER] = "{cipher}",
	[MACRO_CIPHER_BITS] = "{cipher_bits}",
	[MACRO_CLIENT_ADDR] = "{client_addr}",
	[MACRO_CLIENT_CONNECTIONS] = "{client_connections}",
	[MACRO_CLIENT_NAME] = "{client_name}",
	[MACRO_CLIENT_PORT] = "{client_port}",
	[MACRO_CLIENT_PTR] = "{client_ptr}",
	[MACRO_CLIENT_RESOLVE] = "{client_resolve}",
	[MACRO_DAEMON_ADDR] = "{daemon_addr}",
	[MACRO_DAEMON_NAME] = "{daemon_name}",
	[MACRO_DAEMON_PORT] = "{daemon_port}",
	[MACRO_IF_ADDR] = "{if_addr}",
	[MACRO_IF_NAME] = "{if_name}",
	[MACRO_MAIL_ADDR] = "{mail_addr}",
	[MACRO_MAIL_HOST] = "{mail_host}",
	[MACRO_MAIL_MAILER] = "{mail_mailer}",
	[MACRO_MSG_ID] = "{msg_id}",
	[MACRO_NBADRCPTS] = "{nbadrcpts}",
	[MACRO_NRCPTS] = "{nrcpts}",
	[MACRO_RCPT_ADDR] = "{rcpt_addr}",
	[MACRO_RCPT_HOST] = "{rcpt_host}",
	[MACRO_RCPT_MAILER] = "{rcpt_mailer}",
	[MACRO_TLS_VERSION] = "{tls_version}",
	[MACRO_VERIFY] = "{verify}",
};

/* What is sent unless the filter gives a list. */
static const struct {
	char		command;
	macro_set	macros;
} stages[MACRO_STAGES] = {
	[SMFIM_CONNECT] = { SMFIC_CONNECT, MACRO_BIT(MACRO_I) |
	    MACRO_BIT(MACRO_J) | MACRO_BIT(MACRO_V) | MACRO_BIT(MACRO_TRACE) |
	    MACRO_BIT(MACRO_DAEMON_NAME) | MACRO_BIT(MACRO_DAEMON_ADDR) |
	    MACRO_BIT(MACRO_IF_NAME) | MACRO_BIT(MACRO_IF_ADDR) |
	    MACRO_BIT(MACRO_CLIENT_ADDR) | MACRO_BIT(MACRO_CLIENT_NAME) |
	    MACRO_BIT(MACRO_CLIENT_PORT) | MACRO_BIT(MACRO_CLIENT_PTR) },
	[SMFIM_HELO] = { SMFIC_HELO, MACRO_BIT(MACRO_I) |
	    MACRO_BIT(MACRO_TLS_VERSION) | MACRO_BIT(MACRO_CIPHER) |
	    MACRO_BIT(MACRO_CIPHER_BITS) | MACRO_BIT(MACRO_CERT_SUBJECT) |
	    MACRO_BIT(MACRO_CERT_ISSUER) },
	[SMFIM_ENVFROM] = { SMFIC_MAIL, MACRO_BIT(MACRO_I) |
	    MACRO_BIT(MACRO_B) | MACRO_BIT(MACRO_R) | MACRO_BIT(MACRO_S) |
	    MACRO_BIT(MACRO_AUTH_TYPE) | MACRO_BIT(MACRO_AUTH_AUTHEN) |
	    MACRO_BIT(MACRO_AUTH_SSF) | MACRO_BIT(MACRO_AUTH_AUTHOR) |
	    MACRO_BIT(MACRO_MAIL_MAILER) | MACRO_BIT(MACRO_MAIL_HOST) |
	    MACRO_BIT(MACRO_MAIL_ADDR) },
	[SMFIM_ENVRCPT] = { SMFIC_RCPT, MACRO_BIT(MACRO_I) |
	    MACRO_BIT(MACRO_RCPT_MAILER) | MACRO_BIT(MACRO_RCPT_HOST) |
	    MACRO_BIT(MACRO_RCPT_ADDR) },
	[SMFIM_DATA] = { SMFIC_DATA, MACRO_BIT(MACRO_I) },
	[SMFIM_EOM] = { SMFIC_BODYEOB, MACRO_BIT(MACRO_I) |
	    MACRO_BIT(MACRO_MSG_ID) },
	[SMFIM_EOH] = { SMFIC_EOH, MACRO_BIT(MACRO_I) },
	/* neither sendmail nor Postfix sends any */
	[MACRO_AT_UNKNOWN] = { SMFIC_UNKNOWN, 0 },
};

int
macro_stage(char command)
{
	for (int i = 0; i < MACRO_STAGES; i++)
		if (stages[i].command == command)
			return i;
	return -1;
}

macro_set
macro_default(int stage)
{
	assert(stage >= 0 && stage < MACRO_STAGES);
	return stages[stage].macros;
}

const char *
macro_name(enum macro m)
{
	assert(m < MACRO_COUNT);
	return names[m];
}

/* sendmail takes a name of several letters without its braces too. */
static bool
is_name(struct span word, const char *name)
{
	struct span n = span_z(name);

	return span_eq(word, n) || (n.len > 2 &&
	    span_eq(word, span_n(n.p + 1, n.len - 2)));
}

macro_set
macro_list(struct span list)
{
	macro_set set = 0;
	struct span words, word;

	while (list.len > 0)
		for (words = span_until(&list, ','), words = span_trim(words);
		    words.len > 0;) {
			word = span_word(&words);
			for (int m = 0; m < MACRO_COUNT; m++)
				if (is_name(word, names[m]))
					set |= MACRO_BIT(m);
		}
	return set;
}

void
macro_put(struct buf *b, char command, macro_set set,
    const struct span *values)
{
	struct span value;
	size_t at;

	assert(macro_stage(command) >= 0);
	if (set == 0)
		return;
	at = packet_begin(b, SMFIC_MACRO);
	buf_put(b, &command, 1);
	for (int m = 0; m < MACRO_COUNT; m++) {
		value = values[m];
		if ((set & MACRO_BIT(m)) == 0 || value.p == NULL)
			continue;
		if (value.len > MACRO_VALUE_MAX)
			value.len = MACRO_VALUE_MAX;
		packet_put_string(b, span_z(names[m]));
		packet_put_string(b, value);
	}
	packet_end(b, at);
}
