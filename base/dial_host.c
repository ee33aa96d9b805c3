#include "base/clock.h"
#include "base/dial.h"
#include "base/dns.h"

MAY_YIELD int
dial_host(struct arena *a, const char *host, int port, int64_t deadline,
    int *fd, struct err *err)
{
	struct dns_answer answer;
	struct addr *addrs;
	size_t n, i;

	if (dns_addresses(a, host, port, deadline, &addrs, &n, &answer,
	    err) < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_UNAVAIL, "no address of %s: %s", host,
		    answer.outcome == DNS_FAIL ? answer.why :
		    dns_outcome_name(answer.outcome));
	for (i = 0; i < n; i++) {
		if (dial(&addrs[i], clock_now() + (deadline - clock_now()) /
		    (int64_t)(n - i), fd, err) == 0)
			return 0;
		if (err->kind == ERR_CLOSED)
			return -1;
	}
	return -1;
}
