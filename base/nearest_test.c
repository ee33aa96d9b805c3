#include "base/nearest.h"
#include "tests/kit/t.h"

static const char *const names[] = {
	"hostname", "user", "group", "log", "max_mails", "max_errors",
	"max_idle", "stress_at", "tls", "key", "early_talker", "helo",
};

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "a letter left out", "hostnme", "hostname" },
	{ "a letter added", "hostnname", "hostname" },
	{ "a letter changed", "hostnane", "hostname" },
	{ "two letters exchanged", "hotsname", "hostname" },
	{ "two edits", "hstnme", "hostname" },
	{ "three edits are too many", "hstnm", NULL },
	{ "the other case", "HostName", "hostname" },
	{ "hyphen for underscore", "max-errors", "max_errors" },
	{ "a plural", "max_mail", "max_mails" },
	{ "one edit in a short word", "lgo", "log" },
	{ "two edits are too many in a short word", "lxx", NULL },
	{ "a very short word is near to nothing", "ke", NULL },
	{ "equally near to two", "max_ixx", NULL },
	{ "nothing at all", "", NULL },
	{ "much longer than any name", "max_errorsmax_errorsmax_errors"
	    "max_errorsmax_errorsmax_errors", NULL },
};

static const char *const twins[] = { "data_limit", "date_limit" };

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		T_STR(cases[i].name, nearest(span_z(cases[i].in), names,
		    sizeof(names) / sizeof(*names)), cases[i].want);
	T_STR("a tie gives no hint", nearest(SPAN_LIT("datx_limit"), twins, 2),
	    NULL);
	T_STR("the nearer of two is found", nearest(SPAN_LIT("datalimit"),
	    twins, 2), "data_limit");
	T_STR("no names", nearest(SPAN_LIT("anything"), NULL, 0), NULL);
	return t_done();
}
