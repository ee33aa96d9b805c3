#ifndef GATEWAY_MESSAGE_CHECK_H
#define GATEWAY_MESSAGE_CHECK_H
#include <stdint.h>
#include "conf/settings.h"
#include "gateway/dotstream.h"
#include "gateway/reply.h"
#include "policy/header.h"
/*
 * message_check -- what can be said of a message without asking anybody
 *
 * Its line ends, its size and its header, before any rule is asked.
 */
/* How line ends of a text message of this client are taken. */
enum newline_mode message_newlines(const struct smtp_conf *conf,
		    const struct addr *client);
/* What is refused of a whole message; code 0: nothing. With faulty line ends
 * the connection closes too: what follows may have been smuggled. */
struct reply	message_check(const struct smtp_conf *conf, uint64_t max_size,
		    const struct dotstream *in,
		    const struct header_scan *header);
#endif
