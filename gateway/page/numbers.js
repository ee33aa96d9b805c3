/*
 * numbers -- as one reads them
 */
const grouped = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

const FIRST_BUCKET = 0.000128;	/* seconds; each further one is twice that */

const whole = (n) => grouped.format(n);

function digits(n) {
	return n >= 100 || n === 0 ? whole(n) : n >= 10 ? n.toFixed(1) :
	    n.toFixed(2).replace(/0$/, '');
}

/* By the second, or what is rare by the minute or hour. */
function rate(perSecond) {
	if (perSecond === 0)
		return '0 /s';
	if (perSecond >= 0.5)
		return digits(perSecond) + ' /s';
	if (perSecond * 60 >= 0.5)
		return digits(perSecond * 60) + ' /min';
	return digits(perSecond * 3600) + ' /h';
}

function share(part, all) {
	if (all === 0)
		return '\u2013';
	const p = 100 * part / all;
	return (p > 0 && p < 0.1 ? '<0.1' : p < 100 && p > 99.9 ? '>99.9' :
	    p < 10 ? p.toFixed(1) : p.toFixed(p > 99 && p < 100 ? 1 : 0)) +
	    ' %';
}

/* Seconds. */
function duration(s) {
	if (s === null || s === undefined || Number.isNaN(s))
		return '\u2013';
	if (s === Infinity)
		return '> 4 min';
	if (s < 0.001)
		return Math.round(s * 1e6) + ' \u00b5s';
	if (s < 0.9995)
		return digits(s * 1000) + ' ms';
	if (s < 120)
		return digits(s) + ' s';
	return age(s);
}

/* A percentile: what is in the first bucket is not told apart. */
function about(s) {
	return s !== null && s <= FIRST_BUCKET ?
	    '< ' + duration(FIRST_BUCKET) : duration(s);
}

/* Of long times the two greatest parts. */
function age(s) {
	const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
	let i = parts.findIndex(([size]) => s >= size);
	if (i < 0)
		return '0 s';
	const first = Math.floor(s / parts[i][0]) + ' ' + parts[i][1];
	const rest = i + 1 < parts.length ?
	    Math.floor(s % parts[i][0] / parts[i + 1][0]) : 0;
	return rest > 0 ? first + ' ' + rest + ' ' + parts[i + 1][1] : first;
}

function octets(n) {
	const units = ['B', 'KB', 'MB', 'GB', 'TB'];
	let i = 0;
	while (n >= 1000 && i + 1 < units.length) {
		n /= 1000;
		i++;
	}
	return (i === 0 ? whole(n) : digits(n)) + ' ' + units[i];
}

const two = (n) => String(n).padStart(2, '0');

function clock(date, seconds = true) {
	return two(date.getHours()) + ':' + two(date.getMinutes()) +
	    (seconds ? ':' + two(date.getSeconds()) : '');
}

function day(date) {
	return date.getFullYear() + '-' + two(date.getMonth() + 1) + '-' +
	    two(date.getDate());
}

function plural(n, one, many) {
	return whole(n) + ' ' + (n === 1 ? one : many || one + 's');
}
