#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/dial.h"
#include "tests/fake/fake.h"

int	(*fake_dial)(int server_fd);
const struct addr *fake_dial_to;

MAY_YIELD int
dial(const struct addr *to, int64_t deadline, int *fd, struct err *err)
{
	int pair[2], what;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) < 0)
		abort();
	fake_dial_to = to;
	what = fake_dial(pair[1]);
	fake_dial_to = NULL;
	if (what >= 0) {
		*fd = pair[0];
		return 0;
	}
	close(pair[0]);
	close(pair[1]);
	if (what == FAKE_DIAL_REFUSED)
		return err_set(err, ERR_UNAVAIL,
		    "connect: Connection refused");
	while (fiber_wait(deadline, err) == 0)
		;
	return err_prefix(err, "connect");
}
