#include <inttypes.h>

#include "gateway/message_check.h"

enum newline_mode
message_newlines(const struct smtp_conf *conf, const struct addr *client)
{
	if (conf->bare_newline_normalize &&
	    (conf->bare_newline_networks.n == 0 ||
	    network_any_has(conf->bare_newline_networks.list,
	    conf->bare_newline_networks.n, client)))
		return NEWLINE_NORMALIZE;
	return NEWLINE_STRICT;
}

struct reply
message_check(const struct smtp_conf *conf, uint64_t max_size,
    const struct dotstream *in, const struct header_scan *header)
{
	if (in->faults != 0 && in->mode != NEWLINE_NORMALIZE)
		return reply_close(550, "5.6.0", "The message holds a %s: "
		    "lines must end in CRLF", dotstream_fault_name(in->faults));
	if (in->size > max_size)
		return reply(552, "5.3.4", "The message is larger than %" PRIu64
		    " octets", max_size);
	if (header->size > conf->max_header_size)
		return reply(552, "5.3.4", "The header is larger than %" PRIu64
		    " octets", conf->max_header_size);
	if (header->fields > conf->max_header_fields)
		return reply(554, "5.6.0", "The header has more than %" PRIu64
		    " fields", conf->max_header_fields);
	if (header->received > conf->max_received)
		return reply(554, "5.4.6", "Mail loop: more than %" PRIu64
		    " Received fields", conf->max_received);
	return reply_none();
}
