#ifndef GATEWAY_DEMO_H
#define GATEWAY_DEMO_H
#include "conf/settings.h"
/*
 * demo -- what a newcomer needs to know after `serve --demo DIR`
 */
/* On stderr. `web` is where the page is shown; NULL: nowhere. */
void	demo_tell(const struct settings *s, const char *web);
#endif
