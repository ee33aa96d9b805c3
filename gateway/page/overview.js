/*
 * overview -- the state in one look: who it is, what is wrong, how much comes
 */
const NOW = 10;		/* seconds that "now" is the mean of */

/* What needs somebody, the worst first: [{kind, text, part}] */
function alarms() {
	const json = past.last.json, list = [];
	const add = (kind, text, part) => list.push({kind, text, part});
	const workers = json.workers || [];

	if (json.state && json.state !== 'running')
		add('warn', 'The gateway is ' + json.state +
		    ': it takes no new sessions.', 'workers');
	if (!workers.some((w) => w.state === 'running'))
		add('bad', 'No worker takes mail.', 'workers');
	for (const w of workers) {
		if (KIND_OF[w.state] === 'bad')
			add('bad', 'Worker #' + w.index + ' is ' + w.state +
			    '.', 'workers');
		if (w.status && w.status.stress)
			add('warn', 'Worker #' + w.index +
			    ' has nearly as many sessions as it may: ' +
			    'time limits are short.', 'workers');
	}
	alarmsOfBackends(add);
	for (const m of gather('milters', (x) => x.name))
		if (m.states.down > 0)
			add('warn', 'Filter ' + m.item.name + ' is down' +
			    because(m), 'filters');
	for (const l of gather('lists', (x) => x.name))
		if (l.states.suspended > 0)
			add('warn', 'DNS list ' + l.item.name +
			    ' is suspended' + because(l), 'lists');
	alarmsOfServices(add);
	for (const r of past.base(300) ? past.rows('rule_untold', 300) : [])
		if (r.value > 0)
			add('warn', 'Nobody could tell whether rule ' +
			    r.labels.rule + ' applies, ' +
			    plural(r.value, 'time') + ' in 5 minutes.',
			    'rules');
	if (past.base(300) && past.counter('worker_crashes', 300) > 0)
		add('bad', plural(past.counter('worker_crashes', 300),
		    'worker') + ' crashed in the last 5 minutes.', 'workers');
	const order = {bad: 0, warn: 1};
	return list.sort((a, b) => order[a.kind] - order[b.kind]);
}

function because(one) {
	return (one.states[worst(one)] < one.workers ? ' in ' +
	    one.states[worst(one)] + ' of ' + one.workers + ' workers' : '') +
	    (one.why ? ': ' + one.why : '') + '.';
}

function alarmsOfBackends(add) {
	const known = gather('backends', (b) => b.name + ' ' + b.address);
	for (const name of new Set(known.map((b) => b.item.name))) {
		const its = known.filter((b) => b.item.name === name);
		const down = its.filter((b) => b.states.down > 0);
		const dead = down.length === its.length &&
		    down.every((b) => b.states.down === b.workers);
		if (dead)
			add('bad', 'Backend ' + name + ' is down' +
			    because(down[0]) + ' Its mail is deferred.',
			    'backends');
		else
			for (const b of down)
				add('warn', 'Backend ' + name + ', address ' +
				    b.item.address + ', is down' + because(b),
				    'backends');
	}
}

function alarmsOfServices(add) {
	const seen = new Set();
	const once = (kind, text, part) => {
		if (!seen.has(text))
			add(kind, text, part);
		seen.add(text);
	};
	for (const w of past.last.json.workers || []) {
		const s = w.status || {};
		if (s.store && s.store.state !== 'up')
			once(s.store.state === 'down' ? 'bad' : 'warn',
			    'The store is ' + s.store.state + (s.store.why ?
			    ': ' + s.store.why : '') + '.', 'services');
		if (s.resolver && s.resolver.state === 'down')
			once('bad', 'The resolver does not answer.',
			    'services');
		if (s.log && s.log.stuck)
			once('bad', 'The log takes no lines: they are dropped.',
			    'services');
		if (s.journal && s.journal.state === 'full')
			once('bad', 'The journal cannot be written' +
			    (s.journal.why ? ': ' + s.journal.why : '') + '.',
			    'services');
	}
	if (past.base(300))
		for (const [name, what] of [['log_dropped', 'log line'],
		    ['journal_dropped', 'journal record']]) {
			const n = past.counter(name, 300);
			if (n > 0)
				add('warn', plural(n, what) + (n === 1 ?
				    ' was' : ' were') +
				    ' dropped in the last 5 minutes.',
				    'services');
		}
}

class Overview {
	constructor() {
		this.tiles = new Map();
		this.announced = '';
	}

	update() {
		const json = past.last.json, wrong = alarms();
		const bad = wrong.some((a) => a.kind === 'bad');
		const state = json.state || 'running';
		const kind = bad ? 'bad' : wrong.length > 0 ? 'warn' : 'good';
		const text = (state[0].toUpperCase() + state.slice(1)) +
		    (wrong.length > 0 ? ', ' + plural(wrong.length,
		    'problem') : ', all well');

		say($('host'), json.hostname || 'Forepost');
		say($('badge'), SIGNS[kind] + ' ' + text);
		$('badge').className = 'badge ' + kind;
		const rules = json.rules || {};
		say($('facts'), ['Forepost ' + (json.version || ''),
		    'up ' + age(json.up || 0),
		    'rules ' + (rules.name || 'none').replace(/^.*\//, '') +
		    (rules.hash ?
		    ' (' + String(rules.hash).slice(0, 8) + ')' : ''),
		    'configuration ' + (json.generation ?? 1)].join(' \u00b7 '));
		document.title = (kind === 'good' ? '' : SIGNS[kind] + ' ') +
		    (json.hostname || 'Forepost') + ': ' + text;
		this.alarms(wrong);
		this.numbers();
		this.announce(text, wrong);
	}

	/* To screen readers, only when it is another. */
	announce(text, wrong) {
		const all = text + '. ' + wrong.map((a) => a.text).join(' ');
		const key = all.replace(/[0-9]+/g, '');
		if (key !== this.announced)
			say($('said'), all);
		this.announced = key;
	}

	alarms(wrong) {
		const key = JSON.stringify(wrong);
		if (key === this.shown)
			return;
		this.shown = key;
		fill($('alarms'), wrong.length === 0 ?
		    el('li', {class: 'good'}, sign('Nothing needs you.',
			'good')) :
		    wrong.map((a) => el('li', {class: a.kind},
			el('a', {href: '#' + a.part}, el('span',
			    {'aria-hidden': 'true'}, SIGNS[a.kind] + ' '),
			    shown(a.text, 300)))));
	}

	tile(name, value, more) {
		let t = this.tiles.get(name);
		if (!t) {
			t = {value: el('dd'), more: el('dd', {class: 'quiet'})};
			this.tiles.set(name, t);
			$('tiles').append(el('div', null, el('dt', null, name),
			    t.value, t.more));
		}
		say(t.value, value);
		say(t.more, more);
	}

	numbers() {
		const span = past.watched >= 2 ? Math.min(NOW, past.watched) : 0;
		const near = span === 0 ? null :
		    past.readings.find((r) => r.at >= past.last.at - span - 1);
		const old = (name, words) => near ? this.sumOf(near, name,
		    words) : 0;
		const seconds = near && near !== past.last ?
		    past.last.at - near.at : past.last.up;
		const flow = (title, name, words, note) => {
			const all = this.sumOf(past.last, name, words);
			this.tile(title, rate((all - old(name, words)) /
			    Math.max(seconds, 1)), whole(all) + ' ' + note);
		};
		this.tile('Sessions open', whole(sessionsOpen()),
		    whole(this.sumOf(past.last, 'sessions')) + ' since start');
		flow('Mails delivered', 'mails', ['delivered', 'remembered'],
		    'since start');
		flow('Mails refused', 'mails', ['refused'], 'since start');
		flow('Mails deferred', 'mails', ['deferred', 'mixed'],
		    'since start');
		flow('Recipients refused', 'recipients', ['refused'],
		    'since start');
		const h = past.times('stage_seconds', undefined,
		    {stage: 'total'});
		this.tile('Time of a mail', about(percentile(h, 0.5)),
		    '99 % within ' + about(percentile(h, 0.99)));
	}

	/* In one reading, of the words of the last label, or of all. */
	sumOf(reading, name, words) {
		const family = reading.families.get(name);
		let sum = 0;
		for (const row of family ? family.rows.values() : [])
			if ((!words || words.includes(row.labels[
			    row.labels.length - 1])) && (!past.listener ||
			    row.labels[0] === past.listener))
				sum += row.value;
		return sum;
	}
}
