#include "policy/phase.h"

const char *
phase_name(enum phase phase)
{
	static const char *const names[PHASES] = {
		[PHASE_CONNECT] = "connect", [PHASE_HELO] = "helo",
		[PHASE_MAIL] = "mail", [PHASE_RCPT] = "rcpt",
		[PHASE_MESSAGE] = "message",
	};

	return names[phase];
}
