#include <unistd.h>

#include "conf/conf.h"
#include "gateway/configuration.h"
#include "gateway/secret.h"

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

/* What is in these files; that they can be opened was looked at before. */
static bool
has_secrets(struct arena *a, const struct settings *s, const char **report)
{
	const char *const files[][2] = {
		{ "password_file", s->store_password_file },
		{ "key_file", s->journal_key_file },
	};
	bool is_good = true;
	struct err err;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i][1] != NULL && secret_read(a, files[i][0],
		    files[i][1], &err) == NULL) {
			*report = arena_printf(a, "%s%s\n", *report, err.text);
			is_good = false;
		}
	}
	if (s->stats_token_file != NULL && s->stats_address.text != NULL &&
	    secret_token(a, s->stats_token_file, &err) == NULL) {
		*report = arena_printf(a, "%s%s\n", *report, err.text);
		is_good = false;
	}
	return is_good;
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
	if (good && is_check)
		good = has_secrets(a, c->settings, &c->report);
	if (good && c->rules != NULL)
		return 0;
	c->rules = NULL;
	conf_free(&c->settings);
	return -1;
}
