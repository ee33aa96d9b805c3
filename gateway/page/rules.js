/*
 * rules -- which of them act, which would, which cannot be told
 */
const RULES_SHOWN = 15;

class Rules {
	constructor() {
		this.all = false;
		this.known = new Map();		/* rule: {action, at} */
		this.grid = new Grid($('rules-table'),
		    'Rules that acted or would have, those that act most first',
		    [{name: 'Rule'}, {name: 'What it did last'}, {name: 'At'},
		    {name: 'Acted', n: true},
		    {name: 'Rate', n: true},
		    {name: 'Would have', n: true,
			title: 'It observes: counted, not done'},
		    {name: 'Untold', n: true, title: 'Nobody could tell ' +
			'whether it applies: a lookup failed'},
		    {name: 'Acted since start', n: true},
		    {name: 'Would have since start', n: true}],
		    'No rule has acted yet.');
		this.more = el('button', {type: 'button'});
		this.more.addEventListener('click', () => {
			this.all = !this.all;
			this.update();
		});
		$('rules-table').append(this.more);
	}

	/* What a rule does is not counted, but told by transactions. */
	learn(list) {
		for (const t of [...list].reverse())
			for (const p of [...t.phases || [], ...t.rcpts || []])
				for (const h of p.hits || [])
					this.known.set(h.rule, h);
	}

	does(rule) {
		const h = this.known.get(rule);
		return !h ? '' : h.observed ? 'would ' + h.action : h.action;
	}

	at(rule) {
		const h = this.known.get(rule);
		return h && h.at && !isPlace(rule, h.at) ? h.at : '';
	}

	update() {
		const hits = past.by('rule_hits', 'rule');
		const would = past.by('rule_would', 'rule');
		const untold = past.by('rule_untold', 'rule');
		const hitsAll = past.by('rule_hits', 'rule', 0);
		const wouldAll = past.by('rule_would', 'rule', 0);
		const untoldAll = past.by('rule_untold', 'rule', 0);
		const of = (sums, rule) => sums[rule] || 0;
		const names = [...new Set([hitsAll, wouldAll, untoldAll].flatMap(
		    (s) => Object.keys(s).filter((k) => s[k] > 0)))];
		const weight = (r) => of(hits, r) + of(would, r);
		names.sort((a, b) => weight(b) - weight(a) ||
		    of(hitsAll, b) + of(wouldAll, b) - of(hitsAll, a) -
		    of(wouldAll, a) || (a < b ? -1 : 1));
		const some = this.all ? names : names.slice(0, RULES_SHOWN);
		this.grid.update(some.map((rule) => ({key: rule, cells: [
			[rule, () => el('a', {href: '#rule=' +
			    encodeURIComponent(rule)}, shown(rule, CELL_MAX))],
			this.does(rule), this.at(rule), whole(of(hits, rule)),
			rate(of(hits, rule) / past.seconds()),
			whole(of(would, rule)), whole(of(untold, rule)),
			whole(of(hitsAll, rule)), whole(of(wouldAll, rule)),
		]})));
		this.more.hidden = names.length <= RULES_SHOWN;
		say(this.more, this.all ? 'Show the first ' + RULES_SHOWN :
		    'Show all ' + names.length);
	}
}
