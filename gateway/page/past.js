/*
 * past -- what the gateway has said, and what came between two times
 *
 * All that /stats.json gives only ever grows, until the gateway is started
 * again. So the numbers of any span are a difference of two readings. Each is
 * kept for a minute, then one in ten seconds, for a quarter of an hour.
 */
const FINE = 60, COARSE = 10, KEPT = 15 * 60 + 20;
const SEEN_ENOUGH = 20;
const BUCKETS = 23;

/* forepost_mails_total and mails are the same family. */
function familyName(name) {
	return name.replace(/^forepost_/, '').replace(/_total$/, '');
}

function bucketOf(le) {
	return typeof le === 'number' && le < 300 ?
	    Math.round(Math.log2(le / FIRST_BUCKET)) : BUCKETS - 1;
}

function histogram(value) {
	const h = {n: 0, sum: value.sum || 0,
	    buckets: new Array(BUCKETS).fill(0)};
	for (const [le, n] of value.buckets || []) {
		h.buckets[Math.max(0, Math.min(BUCKETS - 1, bucketOf(le)))] += n;
		h.n += n;
	}
	return h;
}

function addHistogram(a, b, times) {
	a.n += times * b.n;
	a.sum += times * b.sum;
	b.buckets.forEach((n, i) => { a.buckets[i] += times * n; });
	return a;
}

/* null: there is nothing to go by. */
function percentile(h, p) {
	if (!h || h.n <= 0)
		return null;
	let rank = p * h.n;
	for (let i = 0; i < BUCKETS; i++) {
		const n = h.buckets[i];
		if (n > 0 && rank <= n) {
			if (i === BUCKETS - 1)
				return Infinity;
			const top = FIRST_BUCKET * 2 ** i;
			const low = i === 0 ? 0 : top / 2;
			return low + (top - low) * rank / n;
		}
		rank -= n;
	}
	return Infinity;
}

class Reading {
	constructor(json) {
		this.json = json;
		this.at = Date.parse(json.time) / 1000;
		this.up = json.up || 0;
		this.families = new Map();
		for (const s of json.series || [])
			this.families.set(familyName(s.name), {
				kind: s.kind, labels: s.labels || [],
				rows: new Map((s.values || []).map((v) => [
				    JSON.stringify(v.labels || []),
				    {labels: v.labels || [],
				     value: s.kind === 'histogram' ?
				     histogram(v) : v.value}]))});
	}

	counter(name) {
		return (this.json.counters || {})[name] || 0;
	}
}

class Past {
	constructor() {
		this.readings = [];
		this.span = 300;
		this.listener = '';
	}

	get last() {
		return this.readings[this.readings.length - 1] || null;
	}

	/* False: the gateway was started again, and counts from nothing. */
	add(json) {
		const r = new Reading(json);
		const before = this.last;
		const goesOn = !before || Math.abs((r.at - r.up) -
		    (before.at - before.up)) < 1.6;	/* up is whole */

		if (!goesOn)
			this.readings = [];
		if (this.last && r.at <= this.last.at)
			this.readings.pop();
		this.readings.push(r);
		this.thin(r.at);
		return goesOn;
	}

	thin(now) {
		let next = -Infinity;
		this.readings = this.readings.filter((r) => {
			if (r.at < now - KEPT)
				return false;
			if (r.at < now - FINE && r.at < next)
				return false;
			next = r.at + COARSE - 0.5;
			return true;
		});
	}

	/* For how long the page has watched. */
	get watched() {
		return this.readings.length > 0 ?
		    this.last.at - this.readings[0].at : 0;
	}

	/* The reading that a span begins with; null: the start. So it is too
	 * as long as the page has hardly seen anything. */
	base(span = this.span) {
		if (!span || this.watched < Math.min(span, SEEN_ENOUGH))
			return null;
		const begin = this.last.at - span - 1.5;
		return this.readings.find((r) => r.at >= begin);
	}

	seconds(span = this.span) {
		const base = this.base(span);
		return Math.max(base ? this.last.at - base.at : this.last.up,
		    0.001);
	}

	/* Whether a reading is of the listener that is looked at. */
	fits(labels, where) {
		for (const [name, value] of Object.entries(where))
			if (labels[name] !== undefined && labels[name] !== value)
				return false;
		return true;
	}

	/* [{labels: {name: value}, value: number or histogram}] */
	rows(name, span = this.span, where = {}) {
		const family = this.last && this.last.families.get(name);
		if (!family)
			return [];
		const base = this.base(span);
		const old = base && base.families.get(name);
		const wanted = this.listener ?
		    {listener: this.listener, ...where} : where;
		const list = [];
		for (const [key, row] of family.rows) {
			const labels = {};
			family.labels.forEach((l, i) => {
				labels[l] = row.labels[i];
			});
			if (!this.fits(labels, wanted))
				continue;
			const was = old && old.rows.get(key);
			list.push({labels, value: !was ||
			    family.kind === 'gauge' ? row.value :
			    family.kind === 'histogram' ? addHistogram(
				addHistogram(histogram({}), row.value, 1),
				was.value, -1) : row.value - was.value});
		}
		return list;
	}

	sum(name, span, where) {
		return this.rows(name, span, where).reduce(
		    (n, r) => n + r.value, 0);
	}

	times(name, span, where) {
		return this.rows(name, span, where).reduce(
		    (h, r) => addHistogram(h, r.value, 1), histogram({}));
	}

	/* {word: sum} over the values of one label. */
	by(name, label, span, where) {
		const sums = {};
		for (const r of this.rows(name, span, where))
			sums[r.labels[label]] =
			    (sums[r.labels[label]] || 0) + r.value;
		return sums;
	}

	/* A plain counter in the span. */
	counter(name, span = this.span) {
		const base = this.base(span);
		return this.last.counter(name) - (base ? base.counter(name) : 0);
	}
}

const past = new Past();
