-- Expectations, and what is made of commands. One chunk with prelude.lua, which comes before it.

-- ---- expectations ----

-- The player adds the line of the scenario.
local function fail(text) error(text, 0) end

local function described(result)
	return result.who .. ": " .. result.what
end

local function wanted_sense(what)
	local attention = what:match("^attention (.*)$")
	if attention then return "6/" .. (attentions[attention] or attention) end
	return what:match("^check (%x+/%x+/%x+)$")
end

local function check(result, what)
	local sense = wanted_sense(what)
	local met
	if sense then
		met = result.sense == sense
	else
		met = result.outcome == what
	end
	if not met then
		fail(string.format("%s: expected %s, got %s", described(result), what, result.text))
	end
	lab.met()
	return result
end

-- expect(result, "good"), "conflict", "check 5/24/00", "attention preempted", "busy", "unknown" ...
-- A list of words: one of them.
function expect(result, what)
	if type(what) == "string" then return check(result, what) end
	for _, word in ipairs(what) do
		local sense = wanted_sense(word)
		if sense and result.sense == sense or result.outcome == word then
			lab.met()
			return result
		end
	end
	fail(string.format("%s: expected %s, got %s", described(result), table.concat(what, " or "),
		result.text))
end

function expect_that(condition, text)
	if not condition then fail("expected: " .. text) end
	lab.met()
end

local function keys_text(keys)
	local texts = {}
	for i, key in ipairs(keys) do texts[i] = hex(key) end
	return "{" .. table.concat(texts, ", ") .. "}"
end

-- What READ KEYS shows, in whatever order.
function expect_keys(who, wanted, lun)
	local result = check(who:read_keys(lun), "good")
	local got, sorted = {}, {}
	for i, registration in ipairs(result.registrations) do got[i] = registration.key end
	for i, key in ipairs(wanted) do sorted[i] = key end
	table.sort(got)
	table.sort(sorted)
	if keys_text(got) ~= keys_text(sorted) then
		fail(string.format("%s: expected keys %s, got %s", described(result), keys_text(sorted),
			keys_text(got)))
	end
	return result
end

-- The type and the holder's key, as READ RESERVATION shows them. Of all registrants: key 0.
function expect_holder(who, of_type, key, lun)
	local result = check(who:read_reservation(lun), "good")
	if result.holder_type ~= as_type(of_type) or result.holder_key ~= key then
		fail(string.format("%s: expected %s held with %s, got %s", described(result), of_type,
			hex(key), result.text))
	end
	return result
end

function expect_no_holder(who, lun)
	local result = check(who:read_reservation(lun), "good")
	if result.holder_type then
		fail(string.format("%s: expected no reservation, got %s", described(result), result.text))
	end
	return result
end

-- The next command is told this unit attention.
function expect_attention(who, name, lun)
	return check(who:test_unit_ready(lun), "attention " .. name)
end

function expect_no_attention(who, lun)
	return check(who:test_unit_ready(lun), "good")
end

-- The block holds what this write wrote; nil: nobody's tag.
function expect_data(who, lba, write, lun)
	local result = check(who:read {lba = lba, lun = lun}, "good")
	local tag = result.tags[1] or {}
	local wanted = write and write.who .. "#" .. write.sequence or "no tag"
	local got = tag.torn and "pieces of two writes"
		or tag.sequence and (tag.who or "?") .. "#" .. tag.sequence or "no tag"
	if wanted ~= got then
		fail(string.format("%s: expected %s in block %d, got %s", described(result), wanted, lba,
			got))
	end
	return result
end

-- ---- helpers ----

-- Takes all unit attentions that wait; returns them in their order.
function drain(who, lun)
	local seen = {}
	for _ = 1, 64 do
		local result = who:test_unit_ready(lun)
		if result.outcome ~= "check" or result.sense:sub(1, 2) ~= "6/" then break end
		seen[#seen + 1] = result.sense:sub(3)
	end
	return seen
end

-- Logs all of them in, and takes what a new session is told.
function up(...)
	local blocks = {}
	for i, who in ipairs {...} do
		blocks[i] = function()
			local logged_in, why = who.raw:login()
			if not logged_in then error(who.label .. " cannot log in: " .. why, 0) end
			drain(who)
		end
	end
	parallel(blocks)
	return ...
end

-- kill -9, and up again on the same state; the sessions are gone.
function restart()
	target.kill()
	target.start()
end

-- The same of a power cut: what was not synced may be lost.
function power_cut()
	target.power_cut()
	target.start()
end

-- ---- what our own target can be asked to do ----

-- A fault rule, see holdfast-faults(7); returns its id.
function target.fault_add(rule) return target.control {command = "fault-add", rule = rule}.id end
-- Of each rule: id, rule, matches, firings, held.
function target.fault_list() return target.control {command = "fault-list"}.rules end
-- One, or all of them; return how many.
function target.fault_clear(id)
	return target.control {command = "fault-clear", id = id}.cleared
end
function target.fault_release(id)
	return target.control {command = "fault-release", id = id}.released
end

-- The clock of its timers: held, moved on by milliseconds, let go. Each returns frozen, ms, ahead_ms.
function target.clock() return target.control {command = "clock"} end
function target.clock_freeze() return target.control {command = "clock-freeze"} end
function target.clock_step(ms) return target.control {command = "clock-step", ms = ms} end
function target.clock_resume() return target.control {command = "clock-resume"} end

function type_name(number) return type_names[number] end
