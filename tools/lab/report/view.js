/* What is shown: the window of time, lanes' height, what is filtered, pinned and pointed at. */
const GUTTER = 132; /* where labels are, px */
const SPAN_MIN = 1000; /* ns, or the like of places, across the window */
const LANE_MIN = 12, LANE_MAX = 140;

const $ = (id) => document.getElementById(id);
const still = (span) => Math.max(span, SPAN_MIN);
/* A little air at both ends, so that the first and last mark are whole. */
const whole = {from: 0, to: 0};
function measureWhole() {
	const end = still(placeOf(data.end_ns));
	whole.from = -0.012 * end;
	whole.to = end * 1.012;
}
measureWhole();

const view = {
	from: whole.from, to: whole.to, /* places */
	since: whole.from, until: whole.to, /* the same as moments */
	laneHeight: 40, laneWanted: 0,
	lun: data.luns.length > 0 ? data.luns[0] : 0,
	hidden: new Set(), /* names of outcomes, groups and kinds of bands */
	pinned: -1, /* command */
	cursor: -1, /* command that the keyboard is at */
	hover: -1, /* command */
	violation: -1,
	marks: [], /* drawn one by one: {x, y, index} */
	bins: [], /* drawn together: {x, y, width, height, count} */
	width: 0, height: 0,
	colours: {},
};

const violationCommands = data.violations.map((violation) => {
	const found = new Map();
	violation.lines.forEach((line) => {
		const index = commandOfLine.get(line);
		if (index !== undefined && !found.has(index))
			found.set(index, found.size + 1);
	});
	return found;
});
/* Commands in which a violation shows. */
const guilty = new Set(data.violations.map((violation) =>
	commandOfLine.get(violation.lines[violation.lines.length - 1])));

const plotWidth = () => Math.max(view.width - GUTTER, 1);
const xOf = (ns) => GUTTER + (placeOf(ns) - view.from) / (view.to - view.from) * plotWidth();
const placeAt = (x) => view.from + (x - GUTTER) / plotWidth() * (view.to - view.from);
const timeOf = (x) => momentOf(placeAt(x));

function isShown(command) {
	return !view.hidden.has(outcomeName(command)) && !view.hidden.has(groupOf(command)) &&
		(command[LUN] === view.lun || opName(command) === 'target_reset');
}

function setWindow(from, to) {
	const span = Math.min(Math.max(to - from, SPAN_MIN), whole.to - whole.from);
	from = Math.min(Math.max((from + to - span) / 2, whole.from), whole.to - span);
	view.from = from;
	view.to = from + span;
	view.since = momentOf(view.from);
	view.until = momentOf(view.to);
	redraw();
}

/* What happened at this moment in the middle. */
function centre(ns) {
	const half = (view.to - view.from) / 2;
	setWindow(placeOf(ns) - half, placeOf(ns) + half);
}

/* The scale changes; the moments at both ends stay. */
function chooseScale(even) {
	const {since, until} = view;
	const all = view.from <= whole.from && view.to >= whole.to;
	setEven(even);
	measureWhole();
	$('even').setAttribute('aria-pressed', String(even));
	if (all)
		setWindow(whole.from, whole.to);
	else
		setWindow(placeOf(since), placeOf(until));
}

/* Keeps the moment under x where it is. */
function zoom(factor, x) {
	const at = placeAt(x), span = (view.to - view.from) * factor;
	const part = (x - GUTTER) / plotWidth();
	if (span < SPAN_MIN && factor < 1)
		return;
	setWindow(at - span * part, at + span * (1 - part));
}

function move(part) {
	const by = (view.to - view.from) * part;
	setWindow(view.from + by, view.to + by);
}

function layOut() {
	/* Few lanes do not need all the room there is. */
	const high = view.laneWanted || 104;
	$('stage').style.maxHeight = $('lanes').offsetTop + lanes.length * high + 4 + 'px';
	const room = $('lanes').clientHeight;
	const fitting = Math.floor(room / Math.max(lanes.length, 1));
	view.laneHeight = view.laneWanted || Math.min(Math.max(fitting, 18), high);
	view.width = $('lanes').clientWidth;
	view.height = room;
	$('spacer').style.height = Math.max(lanes.length * view.laneHeight, room) + 'px';
	document.documentElement.dataset.laneHeight = view.laneHeight;
}

function showLane(nexus) {
	const lane = $('lanes'), top = nexus * view.laneHeight;
	if (top < lane.scrollTop)
		lane.scrollTop = top;
	else if (top + view.laneHeight > lane.scrollTop + view.height)
		lane.scrollTop = top + view.laneHeight - view.height;
}

function showCommand(index) {
	const command = data.commands[index], span = view.to - view.from, place = placeOf(command[TO]);
	showLane(command[NEXUS]);
	if (place < view.from + span * 0.03 || place > view.to - span * 0.03)
		centre(command[TO]);
	else
		redraw();
}

function showViolation(number) {
	const violation = data.violations[number];
	const proofs = violation.lines.map(evidence).filter(Boolean);
	view.violation = number;
	view.lun = violation.lun;
	if (proofs.length > 0) {
		const from = placeOf(Math.min(...proofs.map((moment) => moment.at)));
		const to = placeOf(Math.max(...proofs.map((moment) => moment.at)));
		const air = Math.max((to - from) * 0.2, SPAN_MIN);
		const last = proofs[proofs.length - 1];
		if (last.nexus >= 0)
			showLane(last.nexus);
		setWindow(from - air, to + air);
	}
	redraw();
}

let drawing = 0;
function redraw() {
	if (!drawing)
		drawing = requestAnimationFrame(() => {
			drawing = 0;
			draw();
		});
}
