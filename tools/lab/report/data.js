/* What the page knows: the history's data with indexes to look things up by. The files of this folder
   are one script, in the order that the Makefile gives them. */
'use strict';

window.addEventListener('error', (event) => fail(event.message));
window.addEventListener('unhandledrejection', (event) => fail(String(event.reason)));

function fail(message) {
	const root = document.documentElement;
	const box = document.getElementById('failure');
	root.dataset.errors = String(Number(root.dataset.errors) + 1);
	box.hidden = false;
	box.textContent = 'This page has an error: ' + message;
}

const data = JSON.parse(document.getElementById('data').textContent);

/* Columns of a row of data.commands and of data.bands. */
const NEXUS = 0, FROM = 1, TO = 2, OP = 3, OUTCOME = 4, LUN = 5, TEXT = 6, RESULT = 7, INVOKE = 8,
	RETURN = 9;
const BAND = {KIND: 0, NEXUS: 1, LUN: 2, TYPE: 3, KEY: 4, FROM: 5, TO: 6};
const EVENT = {LINE: 0, AT: 1, KIND: 2, NEXUS: 3, TEXT: 4};

function isCrash(event) {
	return event[EVENT.KIND] === 'crash' || event[EVENT.KIND] === 'power_cut';
}

const outcomes = {
	good: {text: 'GOOD', path: 'M4.4,0A4.4,4.4 0 1,1 -4.4,0A4.4,4.4 0 1,1 4.4,0Z'},
	conflict: {text: 'Conflict',
		path: 'M-5,-3L-3,-5L0,-2L3,-5L5,-3L2,0L5,3L3,5L0,2L-3,5L-5,3L-2,0Z'},
	unit_attention: {text: 'Unit attention', path: 'M0,-5.6L5.8,4.6L-5.8,4.6Z'},
	check: {text: 'Check condition', path: 'M-4.4,-4.4H4.4V4.4H-4.4Z'},
	busy: {text: 'Busy', path: 'M-4.6,-5H4.6L-4.6,5H4.6Z'},
	task_aborted: {text: 'Task aborted', path: 'M-6,-2.2H6V2.2H-6Z'},
	unknown: {text: 'No answer',
		path: 'M5,0A5,5 0 1,1 -5,0A5,5 0 1,1 5,0ZM2.6,0A2.6,2.6 0 1,0 -2.6,0A2.6,2.6 0 1,0 2.6,0Z'},
};

const groups = {
	registrations: {text: 'Register', ops: ['register', 'register_and_ignore', 'register_and_move']},
	reservations: {text: 'Reserve, release, clear',
		ops: ['reserve', 'release', 'clear', 'spc2_reserve', 'spc2_release']},
	preempts: {text: 'Preempt', ops: ['preempt', 'preempt_and_abort']},
	queries: {text: 'Reserve in',
		ops: ['read_keys', 'read_reservation', 'report_capabilities', 'read_full_status']},
	writes: {text: 'Write', ops: ['write']},
	reads: {text: 'Read', ops: ['read']},
	others: {text: 'Other', ops: ['test_unit_ready', 'cdb']},
	resets: {text: 'Reset', ops: ['lun_reset', 'target_reset']},
};

/* Reservation types: hue says who may pass, hatching that only writes are kept out. */
const types = {
	1: {short: 'WE', text: 'Write Exclusive', colour: 'plain', hatched: true},
	3: {short: 'EA', text: 'Exclusive Access', colour: 'plain', hatched: false},
	5: {short: 'WE-RO', text: 'Write Exclusive, Registrants Only', colour: 'registrants', hatched: true},
	6: {short: 'EA-RO', text: 'Exclusive Access, Registrants Only', colour: 'registrants',
		hatched: false},
	7: {short: 'WE-AR', text: 'Write Exclusive, All Registrants', colour: 'all', hatched: true},
	8: {short: 'EA-AR', text: 'Exclusive Access, All Registrants', colour: 'all', hatched: false},
	spc2: {short: 'RESERVE', text: 'RESERVE of SPC-2', colour: 'spc2', hatched: false},
};
const otherType = {short: 'type ?', text: 'a type that is none', colour: 'unknown', hatched: true};

const senses = {
	'2/04/0a': 'asymmetric access state transition',
	'5/1a/00': 'parameter list length error', '5/20/00': 'invalid command operation code',
	'5/21/00': 'logical block address out of range', '5/24/00': 'invalid field in CDB',
	'5/25/00': 'logical unit not supported', '5/26/00': 'invalid field in parameter list',
	'5/26/04': 'invalid release of persistent reservation',
	'5/55/04': 'insufficient registration resources', '6/28/00': 'not ready to ready change',
	'6/29/00': 'power on, reset, or bus device reset occurred', '6/29/01': 'power on occurred',
	'6/29/02': 'SCSI bus reset occurred', '6/29/03': 'bus device reset function occurred',
	'6/29/04': 'device internal reset', '6/29/07': 'I_T nexus loss occurred',
	'6/2a/01': 'mode parameters changed', '6/2a/03': 'reservations preempted',
	'6/2a/04': 'reservations released', '6/2a/05': 'registrations preempted',
	'6/2a/06': 'asymmetric access state changed', '6/2a/09': 'capacity data has changed',
	'6/2f/00': 'commands cleared by another initiator', '6/3f/0e': 'reported LUNs data has changed',
};

const opName = (command) => data.ops[command[OP]];
const outcomeName = (command) => data.outcomes[command[OUTCOME]];
const groupOfOp = data.ops.map((op) =>
	Object.keys(groups).find((name) => groups[name].ops.includes(op)) || 'others');
const groupOf = (command) => groupOfOp[command[OP]];
const isData = (command) => ['writes', 'reads', 'others'].includes(groupOf(command));

function nexusName(n) {
	const nexus = data.nexuses[n];
	if (!nexus)
		return 'nobody';
	return nexus.label || nexus.name.split(':').pop() || nexus.name;
}

function nexusText(n) {
	const nexus = data.nexuses[n];
	return nexus ? nexus.name + ', ISID ' + nexus.isid +
		(nexus.port ? ', port ' + nexus.port : '') : '';
}

function resultText(command) {
	const text = data.texts[command[RESULT]];
	const sense = /^check (\S+)/.exec(text);
	return sense && senses[sense[1]] ? text + ', ' + senses[sense[1]] : text;
}

function bandType(band) {
	return data.kinds[band[BAND.KIND]] === 'spc2' ? types.spc2 : types[band[BAND.TYPE]] || otherType;
}

/* ---- time ---- */

const units = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

function durationText(ns) {
	const [size, unit] = units.find(([least]) => Math.abs(ns) >= least) || units[3];
	const value = ns / size;
	return value.toFixed(value >= 100 || unit === 'ns' ? 0 : value >= 10 ? 1 : 2) + ' ' + unit;
}

/* A moment, as exact as a span of this length asks for. */
function momentText(ns, span) {
	const digits = span > 60e9 ? 1 : span > 1e9 ? 3 : span > 1e6 ? 6 : 9;
	return (ns / 1e9).toFixed(digits) + ' s';
}

/* ---- indexes ---- */

/* Of each nexus: its commands by time, how long the longest took, and rows for those that overlap. */
const lanes = data.nexuses.map(() => ({commands: [], longest: 0, rows: 1, bands: [], events: []}));
const rowOf = new Uint8Array(data.commands.length);
const ROWS_MAX = 6;
const commandOfLine = new Map();
const eventOfLine = new Map();

function indexCommands() {
	const busyUntil = lanes.map(() => new Array(ROWS_MAX).fill(-1));
	data.commands.forEach((command, index) => {
		const lane = lanes[command[NEXUS]];
		const busy = busyUntil[command[NEXUS]];
		let row = busy.findIndex((until) => until < command[FROM]);
		if (row < 0)
			row = index % ROWS_MAX;
		busy[row] = Math.max(busy[row], command[TO]);
		rowOf[index] = row;
		lane.rows = Math.max(lane.rows, row + 1);
		lane.longest = Math.max(lane.longest, command[TO] - command[FROM]);
		lane.commands.push(index);
		commandOfLine.set(command[INVOKE], index);
		if (command[RETURN])
			commandOfLine.set(command[RETURN], index);
	});
}

indexCommands();
for (const band of data.bands)
	lanes[band[BAND.NEXUS]].bands.push(band);
for (const event of data.events) {
	eventOfLine.set(event[EVENT.LINE], event);
	if (event[EVENT.NEXUS] >= 0)
		lanes[event[EVENT.NEXUS]].events.push(event);
}

/* The first place in a sorted list where `at(item)` is at least `least`. */
function lowerBound(list, least, at) {
	let low = 0, high = list.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (at(list[middle]) < least)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What a line of the history is: when, who, and what in words. */
function evidence(line) {
	const index = commandOfLine.get(line);
	if (index !== undefined) {
		const command = data.commands[index];
		const invoked = command[INVOKE] === line;
		return {line, index, nexus: command[NEXUS], at: invoked ? command[FROM] : command[TO],
			text: invoked ? data.texts[command[TEXT]]
				: data.texts[command[TEXT]] + ' → ' + resultText(command)};
	}
	const event = eventOfLine.get(line);
	if (!event)
		return null;
	return {line, nexus: event[EVENT.NEXUS], at: event[EVENT.AT],
		text: event[EVENT.KIND] + ' ' + data.texts[event[EVENT.TEXT]]};
}
