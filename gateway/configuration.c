#include <unistd.h>

#include "conf/conf.h"
#include "gateway/configuration.h"

/* That a file cannot be opened was said of the configuration. */
static bool
has_rules(const struct settings *s)
{
	return s->rules.choice != RULES_FILE ||
	    access(s->rules.path, R_OK) == 0;
}

/* NULL: there are errors. */
static const struct ruleset *
read_rules(struct arena *a, const struct settings *s, bool is_check,
    const char **report)
{
	struct diagnostics *d = diagnostics_create(a);
	const struct ruleset *rules = ruleset_read(s->arena, s, d);

	/* Who did not write them is not told what they are like. */
	if (rules != NULL && is_check && s->rules.choice == RULES_FILE)
		ruleset_check(rules->rules, s, d);
	*report = diagnostics_text(d, a);
	return rules;
}

int
configuration_read(struct arena *a, const char *path, const char *demo,
    bool is_check, struct configuration *c)
{
	const char *of_rules = "";
	bool good;

	*c = (struct configuration){ .report = "" };
	if (demo != NULL) {
		c->settings = conf_demo(a, demo, &c->report);
		good = c->settings != NULL;
	} else
		c->settings = conf_read(a, path, &good, &c->report);
	if (c->settings == NULL)
		return -1;
	if (good || has_rules(c->settings))
		c->rules = read_rules(a, c->settings,
		    good && is_check, &of_rules);
	c->report = arena_printf(a, "%s%s", c->report, of_rules);
	if (good && c->rules != NULL)
		return 0;
	c->rules = NULL;
	conf_free(&c->settings);
	return -1;
}
