#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/span.h"
#include "gateway/channel.h"
#include "tests/kit/t.h"

int
main(void)
{
	struct channel_message m;
	struct err err;
	char *text = malloc(2 * CHANNEL_TEXT);
	int fd[2], sent = 0, heard = 0;

	T_INT("pair", channel_pair(fd, &err), 0);
	T_INT("nothing there", channel_hear(fd[0]).kind, CHANNEL_NONE);

	channel_say(fd[1], CHANNEL_READY, span_z(""));
	channel_say(fd[1], CHANNEL_FAILED, span_z("no such folder"));
	m = channel_hear(fd[0]);
	T_INT("letter", m.kind, CHANNEL_READY);
	T_INT("no text", m.text.len, 0);
	m = channel_hear(fd[0]);
	T_INT("next letter", m.kind, CHANNEL_FAILED);
	T_OK("and its text", span_is(m.text, "no such folder"));

	memset(text, 'x', 2 * CHANNEL_TEXT);
	channel_say(fd[1], CHANNEL_FAILED, span_n(text, 2 * CHANNEL_TEXT));
	T_INT("too long is cut", channel_hear(fd[0]).text.len, CHANNEL_TEXT);

	for (; sent < 1000; sent++)
		channel_say(fd[1], CHANNEL_FAILED, span_n(text, CHANNEL_TEXT));
	while (channel_hear(fd[0]).kind == CHANNEL_FAILED)
		heard++;
	T_OK("what does not fit is lost, without waiting",
	    heard > 0 && heard < sent);

	channel_say(fd[1], CHANNEL_READY, span_z(""));
	close(fd[1]);
	T_INT("what was said before the end is heard",
	    channel_hear(fd[0]).kind, CHANNEL_READY);
	T_INT("then the end", channel_hear(fd[0]).kind, CHANNEL_CLOSED);
	channel_say(fd[0], CHANNEL_STOP, span_z(""));
	T_INT("speaking to nobody does no harm",
	    channel_hear(fd[0]).kind, CHANNEL_CLOSED);
	close(fd[0]);
	free(text);
	return t_done();
}
