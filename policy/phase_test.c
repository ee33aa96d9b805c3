#include "policy/phase.h"
#include "tests/kit/t.h"

int
main(void)
{
	T_STR("first", phase_name(PHASE_CONNECT), "connect");
	T_STR("second", phase_name(PHASE_HELO), "helo");
	T_STR("third", phase_name(PHASE_MAIL), "mail");
	T_STR("fourth", phase_name(PHASE_RCPT), "rcpt");
	T_STR("last", phase_name(PHASE_MESSAGE), "message");
	T_INT("no other", PHASE_MESSAGE + 1, PHASES);
	return t_done();
}
