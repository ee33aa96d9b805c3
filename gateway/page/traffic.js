/*
 * traffic -- mails, recipients and sessions, over time and in sum
 */
const GROUPS = [
	{name: 'delivered', class: 'c-good', of: ['delivered', 'remembered',
	    'taken']},
	{name: 'deferred', class: 'c-warn', of: ['deferred', 'mixed']},
	{name: 'refused', class: 'c-bad', of: ['refused']},
	{name: 'put aside', class: 'c-else', of: ['discarded', 'quarantined']},
	{name: 'aborted', class: 'c-none', of: ['aborted']},
];
const RECENT = 10;	/* seconds that the percentiles of a point cover */

class Traffic {
	constructor() {
		const into = $('charts');
		const groups = (names) => names.map((name, i) =>
		    ({name, class: GROUPS[i].class}));
		this.mails = new Chart(into, {title: 'Mails',
		    of: 'by the second', stacked: true, least: 0.2, show: digits,
		    parts: groups(GROUPS.map((g) => g.name))});
		this.rcpts = new Chart(into, {title: 'Recipients',
		    of: 'by the second', stacked: true, least: 0.2, show: digits,
		    parts: groups(['taken', 'deferred', 'refused',
			'discarded'])});
		this.open = new Chart(into, {title: 'Sessions', of: 'open',
		    least: 10, show: whole,
		    parts: [{name: 'open', class: 'c-good'}]});
		this.times = new Chart(into, {title: 'Time of a mail',
		    of: 'from MAIL to its last reply', least: 0.1, scale: 'log',
		    floor: 0.0001, show: about, axis: duration,
		    parts: [{name: 'half within', class: 'c-good'},
			{name: '90 % within', class: 'c-warn dashed'},
			{name: '99 % within', class: 'c-bad dotted'}]});
		this.charts = [this.mails, this.rcpts, this.open, this.times];
		this.sums = this.table('mails-sums', 'Mails', 'Outcome');
		this.rcptSums = this.table('rcpts-sums', 'Recipients at RCPT',
		    'Outcome');
		this.ends = this.table('ends-sums', 'Sessions', 'Ended by');
		this.before = [];
	}

	table(id, caption, first) {
		return new Grid($(id), caption, [{name: first},
		    {name: 'Number', n: true}, {name: 'Share', n: true},
		    {name: 'Since start', n: true}], 'None yet.');
	}

	clear() {
		this.before = [];
		this.charts.forEach((c) => c.clear());
	}

	/* One more reading. */
	add() {
		const now = {at: past.last.at,
		    mails: past.by('mails', 'outcome', 0),
		    rcpts: past.by('recipients', 'outcome', 0),
		    total: past.times('stage_seconds', 0, {stage: 'total'})};
		const last = this.before[this.before.length - 1];
		this.before = this.before.filter(
		    (b) => b.at >= now.at - RECENT - 1);
		this.before.push(now);
		if (!last || now.at - last.at < 0.5)
			return;
		const perSecond = (from, to) => GROUPS.map((g) =>
		    g.of.reduce((n, w) => n + (to[w] || 0) - (from[w] || 0),
			0) / (now.at - last.at));
		const recent = addHistogram(addHistogram(histogram({}),
		    now.total, 1), this.before[0].total, -1);
		this.mails.add({t: now.at,
		    values: perSecond(last.mails, now.mails)});
		this.rcpts.add({t: now.at,
		    values: perSecond(last.rcpts, now.rcpts).slice(0, 4)});
		this.open.add({t: now.at, values: [sessionsOpen()]});
		this.times.add({t: now.at, values: [0.5, 0.9, 0.99].map(
		    (p) => percentile(recent, p))});
	}

	update() {
		this.write(this.sums, 'mails', 'outcome');
		this.write(this.rcptSums, 'recipients', 'outcome');
		this.write(this.ends, 'sessions_ended', 'by');
	}

	write(grid, family, label) {
		const spanned = past.by(family, label);
		const all = past.by(family, label, 0);
		const sum = Object.values(spanned).reduce((a, b) => a + b, 0);
		const words = Object.keys(all).filter((w) => all[w] > 0)
		    .sort((a, b) => all[b] - all[a]);
		grid.update(words.map((word) => ({key: word, cells: [
			['w', () => family === 'mails' ? el('a', {href:
			    '#verdict=' + encodeURIComponent(word)},
			    sign(word)) : shown(word)],
			whole(spanned[word]), share(spanned[word], sum),
			whole(all[word]),
		]})));
	}
}

function sessionsOpen() {
	return (past.last.json.workers || []).reduce(
	    (n, w) => n + (w.sessions || 0), 0);
}
