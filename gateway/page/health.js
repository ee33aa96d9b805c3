/*
 * health -- workers, and what the gateway leans on, as the workers see it
 */

/* [{key, states: {word: workers}, why, open, idle, ...}] of all boards. */
function gather(list, keyOf) {
	const found = new Map();
	for (const worker of past.last.json.workers || [])
		for (const item of (worker.status || {})[list] || []) {
			const key = keyOf(item);
			const one = found.get(key) || {key, item, states: {},
			    workers: 0, open: 0, idle: 0, why: ''};
			const state = item.state || 'unknown';
			one.states[state] = (one.states[state] || 0) + 1;
			one.workers++;
			one.open += item.open || 0;
			one.idle += item.idle || 0;
			one.why = one.why || item.why ||
			    (item.sides || []).map((s) => s.side + ': ' +
			    s.why).join('; ');
			if (item.retry_s > 0)
				one.retry = Math.min(one.retry || Infinity,
				    item.retry_s);
			found.set(key, one);
		}
	return [...found.values()];
}

/* What most need to know: the worst word, and how many see it so. Who has
 * had no reason to ask yet knows nothing. */
const WORST = ['down', 'full', 'stuck', 'readonly', 'suspended', 'up', 'good',
    'off'];

function worst(one) {
	return WORST.find((w) => one.states[w] > 0) ||
	    Object.keys(one.states)[0] || 'unknown';
}

function stateCell(one) {
	const word = worst(one);
	const n = one.states[word];
	const text = n + (one.states.unknown || 0) === one.workers ||
	    KIND_OF[word] === 'good' ? word :
	    word + ' in ' + n + ' of ' + one.workers;
	const kind = KIND_OF[word] === 'bad' && n < one.workers ? 'warn' :
	    KIND_OF[word];
	return ['state ' + text, () => sign(text, kind || 'idle')];
}

function whyCell(one) {
	return (one.why || '') + (one.retry ? (one.why ? '; ' : '') +
	    'tries again in ' + age(Math.ceil(one.retry)) : '');
}

const ofWord = (sums, word) => whole(sums[word] || 0);

function times3(h) {
	return h.n <= 0 ? '\u2013' : about(percentile(h, 0.5)) + ' / ' +
	    about(percentile(h, 0.99));
}

class Health {
	constructor() {
		const state = {name: 'State'}, why = {name: 'Why'};
		const number = (name, title) => ({name, title, n: true});
		this.workers = new Grid($('workers'), 'Workers', [
		    {name: 'Worker'}, {name: 'Process', n: true}, state,
		    {name: 'Up', n: true}, number('Sessions'),
		    {name: 'Store'}, {name: 'Resolver'}, {name: 'Log'},
		    {name: 'Journal'}], 'No worker is there.');
		this.backends = new Grid($('backends'), 'Backends', [
		    {name: 'Backend'}, {name: 'Address'}, state,
		    number('Open'), number('Taken'), number('Deferred'),
		    number('Refused'), number('Failed'),
		    number('Message p50 / p99'), why],
		    'No backend is set.');
		this.filters = new Grid($('filters'), 'Filters (milters)', [
		    {name: 'Filter'}, state, number('Answers'),
		    number('Refused', 'reject, replycode, tempfail, discard'),
		    number('Failed'), number('Edits'), number('p50 / p99'),
		    why], 'No filter is set.');
		this.lists = new Grid($('lists'), 'DNS lists', [
		    {name: 'List'}, state, number('Asked'), number('Listed'),
		    number('Failed'), number('Left out', 'while suspended'),
		    number('p50 / p99'), why], 'The rules ask no DNS list.');
		this.services = new Grid($('services'),
		    'Store, resolver, log, journal', [{name: 'What'}, state,
		    number('Done'), number('Failed'), number('p50 / p99'),
		    {name: 'More'}], 'Nothing is known yet.');
		this.checks = new Grid($('checks'), 'Checks of the sender', [
		    {name: 'Check'}, number('pass'), number('fail'),
		    number('softfail'), number('neutral'), number('none'),
		    number('temperror'), number('permerror')],
		    'Nothing was checked yet.');
	}

	update() {
		this.updateWorkers();
		this.updateBackends();
		this.updateFilters();
		this.updateLists();
		this.updateServices();
		this.updateChecks();
	}

	updateWorkers() {
		const list = past.last.json.workers || [];
		this.workers.update(list.map((w) => {
			const s = w.status || {};
			const word = (x) => x ? x.state || '\u2013' : '\u2013';
			const state = s.stress ? w.state + ', stress' : w.state;
			return {key: w.index + ' ' + w.pid, cells: [
				'#' + w.index, String(w.pid),
				['s' + state, () => sign(state, s.stress ?
				    'warn' : KIND_OF[w.state] || 'warn')],
				age(w.up || 0), whole(w.sessions || 0),
				word(s.store), s.resolver ? word(s.resolver) +
				', ' + whole(s.resolver.waiting || 0) +
				' waiting' : '\u2013',
				s.log ? s.log.stuck ? 'stuck' : 'good' :
				'\u2013', word(s.journal)]};
		}));
	}

	updateBackends() {
		const known = gather('backends',
		    (b) => b.name + ' ' + b.address);
		this.backends.update(known.map((one) => {
			const where = {backend: one.item.name,
			    address: one.item.address};
			const sums = past.by('backend_transactions', 'result',
			    undefined, where);
			return {key: one.key, cells: [one.item.name,
				one.item.address, stateCell(one),
				whole(one.open) + (one.idle ?
				' (' + whole(one.idle) + ' idle)' : ''),
				ofWord(sums, 'taken'), ofWord(sums, 'deferred'),
				ofWord(sums, 'refused'), ofWord(sums, 'failed'),
				times3(past.times('backend_message_seconds',
				    undefined, where)), whyCell(one)]};
		}));
	}

	updateFilters() {
		this.filters.update(gather('milters', (m) => m.name).map(
		    (one) => {
			const where = {milter: one.item.name};
			const sums = past.by('milter_answers', 'answer',
			    undefined, where);
			const all = Object.values(sums).reduce(
			    (a, b) => a + b, 0);
			return {key: one.key, cells: [one.item.name,
				stateCell(one), whole(all),
				whole(['reject', 'replycode', 'tempfail',
				    'discard', 'shutdown'].reduce((n, w) =>
				    n + (sums[w] || 0), 0)),
				ofWord(sums, 'failed'),
				whole(past.sum('milter_edits', undefined,
				    where)),
				times3(past.times('milter_seconds', undefined,
				    where)), whyCell(one)]};
		}));
	}

	updateLists() {
		this.lists.update(gather('lists', (l) => l.name).map((one) => {
			const where = {list: one.item.name};
			const sums = past.by('list_answers', 'answer',
			    undefined, where);
			const asked = ['listed', 'not-listed', 'failed'].reduce(
			    (n, w) => n + (sums[w] || 0), 0);
			return {key: one.key, cells: [one.item.name,
				stateCell(one), whole(asked),
				ofWord(sums, 'listed'), ofWord(sums, 'failed'),
				ofWord(sums, 'suspended'),
				times3(past.times('list_seconds', undefined,
				    where)), whyCell(one)]};
		}));
	}

	/* One object of each worker's board, as gather() has it. */
	single(name, stateOf) {
		const one = {key: name, states: {}, workers: 0, why: '', n: 0};
		for (const w of past.last.json.workers || []) {
			const s = (w.status || {})[name];
			if (!s)
				continue;
			const state = stateOf(s);
			one.states[state] = (one.states[state] || 0) + 1;
			one.workers++;
			one.n += s.dropped || s.waiting || 0;
			one.kind = s.name;
			one.why = one.why || s.why || '';
		}
		return one;
	}

	updateServices() {
		const rows = [];
		const add = (one, name, done, failed, h, more) => {
			if (one.workers > 0)
				rows.push({key: name, cells: [name,
				    stateCell(one), whole(done), whole(failed),
				    h ? times3(h) : '\u2013',
				    [more, one.why].filter((t) => t)
				    .join('; ')]});
		};
		const stored = past.by('store_operations_by', 'result');
		const found = past.by('resolver_answers', 'result');
		const total = (sums) => Object.values(sums).reduce(
		    (a, b) => a + b, 0);
		const store = this.single('store', (s) => s.state);
		add(store, 'store' + (store.kind ? ' (' + store.kind + ')' : ''),
		    total(stored), total(stored) - (stored.good || 0),
		    past.times('store_seconds'), '');
		const resolver = this.single('resolver', (s) => s.state);
		add(resolver, 'resolver', total(found), (found.failed || 0) +
		    (found.timeout || 0), past.times('resolver_seconds'),
		    whole(resolver.n) + ' waiting');
		add(this.single('log', (s) => s.stuck ? 'stuck' : 'good'),
		    'log', 0, past.counter('log_dropped'), null,
		    whole(past.last.counter('log_dropped')) +
		    ' lines dropped since start');
		const journal = this.single('journal', (s) => s.state);
		add(journal, 'journal', past.counter('journal_records'),
		    past.counter('journal_dropped'), null,
		    whole(past.last.counter('journal_dropped')) +
		    ' records dropped since start');
		this.services.update(rows);
	}

	updateChecks() {
		const checks = new Map();
		for (const r of past.rows('checks')) {
			const sums = checks.get(r.labels.check) || {};
			sums[r.labels.result] = r.value;
			checks.set(r.labels.check, sums);
		}
		const rows = [...checks].filter(([, sums]) =>
		    Object.values(sums).some((n) => n > 0));
		this.checks.update(rows.map(([name, s]) => ({key: name, cells: [
			name, whole((s.pass || 0) + (s.yes || 0)),
			whole((s.fail || 0) + (s.no || 0)),
			ofWord(s, 'softfail'),
			whole((s.neutral || 0) + (s.policy || 0)),
			ofWord(s, 'none'), ofWord(s, 'temperror'),
			ofWord(s, 'permerror')]})));
	}
}
