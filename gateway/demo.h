#ifndef GATEWAY_DEMO_H
#define GATEWAY_DEMO_H
#include "conf/settings.h"
/*
 * demo -- what a newcomer needs to know after `serve --demo DIR`
 */
void	demo_tell(const struct settings *s);	/* on stderr */
#endif
