-- What scenarios are written with, made of the primitives that the player hands in.
-- holdfast-lab(1) and docs/lab.md tell about every function here.

local lab = ...

target, note, parallel, step = lab.target, lab.note, lab.parallel, lab.step

-- ---- names ----

local types = {WE = 1, EA = 3, ["WE-RO"] = 5, ["EA-RO"] = 6, ["WE-AR"] = 7, ["EA-AR"] = 8}
local type_names = {}
for name, number in pairs(types) do type_names[number] = name end

-- SPC-4 calls a lost registration REGISTRATIONS PREEMPTED; the DLT-S4, which is older, says
-- RESERVATIONS PREEMPTED. A target that is not known may say either.
local attentions = {
	["reservations preempted"] = "2a/03",
	["reservations released"] = "2a/04",
	["registrations preempted"] = "2a/05",
	["commands cleared"] = "2f/00",
	["preempted"] = target.profile == "dlt-s4" and "2a/03" or "2a/05",
}

local function as_type(name)
	if name == nil then return 0 end
	if type(name) == "number" then return name end
	return types[name] or error("there is no type `" .. tostring(name) .. "`", 0)
end

local function hex(number) return string.format("0x%x", number) end

local function from_hex(text)
	if text:find "[^%x%s]" or #text:gsub("%s", "") % 2 == 1 then
		error("`" .. text .. "` is not a row of bytes in hexadecimal digits", 0)
	end
	return (text:gsub("%s", ""):gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

-- The first argument of most methods may be given by itself: a:register(0xa).
local function options_of(given, name)
	if type(given) == "table" and getmetatable(given) == nil then return given end
	return {[name] = given}
end

-- ---- initiators ----

local Initiator = {}
Initiator.__index = Initiator
Initiator.__tostring = function(self) return self.label end

local made = 0

function initiator(given)
	local o = options_of(given, "label")
	made = made + 1
	local self = setmetatable({keys = {}, sequence = {0}}, Initiator)
	self.label = o.label or "initiator-" .. made
	self.name = o.name or "iqn.2026-11.io.holdfast:" .. self.label
	self.isid = o.isid or string.format("80000000%04x", made)
	self.portal = o.portal or 1
	self.raw = lab.new_initiator(self.label, self.name, self.isid, self.portal)
	-- Two objects for one I_T nexus would count the writes of one another.
	return self
end

function Initiator:try_login() return self.raw:login() end
function Initiator:login()
	local up, why = self.raw:login()
	if not up then error(self.label .. " cannot log in: " .. why, 0) end
	return self
end
function Initiator:logout() self.raw:logout() end
function Initiator:cut() self.raw:cut() end
function Initiator:is_up() return self.raw:is_up() end

-- The key it believes to be registered with; 0: none.
function Initiator:key(lun) return self.keys[lun or 0] or 0 end

function Initiator:send(command) return self.raw:command(command) end

local function raw_list(others)
	local list = {}
	for i, other in ipairs(others or {}) do list[i] = other.raw end
	return list
end

local function register(self, op, given)
	local o = options_of(given, "new")
	if not o.new then error(op .. " takes a new key: a:" .. op .. "(0xa)", 0) end
	local lun = o.lun or 0
	local result = self:send {
		op = op, lun = lun, key = o.key or (op == "register" and self:key(lun) or 0),
		action_key = o.new, aptpl = o.aptpl, all_tg_pt = o.all_tg_pt,
		others = raw_list(o.others), type = o.type, scope = o.scope,
	}
	if result.outcome == "good" then self.keys[lun] = o.new end
	return result
end

function Initiator:register(given) return register(self, "register", given) end
function Initiator:register_and_ignore(given) return register(self, "register_and_ignore", given) end
function Initiator:unregister(given)
	local o = options_of(given, "key")
	o.new = 0
	return register(self, "register", o)
end

local function pr_out(self, op, o)
	return self:send {
		op = op, lun = o.lun, key = o.key or self:key(o.lun), action_key = o.victim or 0,
		type = as_type(o.type), scope = o.scope, aptpl = o.aptpl,
	}
end

function Initiator:reserve(given) return pr_out(self, "reserve", options_of(given, "type")) end
function Initiator:release(given) return pr_out(self, "release", options_of(given, "type")) end

function Initiator:clear(given)
	local o = options_of(given, "key")
	local result = pr_out(self, "clear", o)
	if result.outcome == "good" then self.keys[o.lun or 0] = 0 end
	return result
end

local function preempt(self, op, given, of_type)
	local o = options_of(given, "victim")
	o.type = o.type or of_type
	return pr_out(self, op, o)
end

function Initiator:preempt(given, of_type) return preempt(self, "preempt", given, of_type) end
function Initiator:preempt_and_abort(given, of_type)
	return preempt(self, "preempt_and_abort", given, of_type)
end

function Initiator:register_and_move(o)
	local lun = o.lun or 0
	local result = self:send {
		op = "register_and_move", lun = lun, key = o.key or self:key(lun), action_key = o.new,
		move_to = o.to.raw, unregister_source = o.unregister, aptpl = o.aptpl,
	}
	if result.outcome == "good" then
		o.to.keys[lun] = o.new
		if o.unregister then self.keys[lun] = 0 end
	end
	return result
end

for _, op in ipairs {
	"read_keys", "read_reservation", "report_capabilities", "read_full_status", "spc2_reserve",
	"spc2_release", "test_unit_ready", "lun_reset", "target_reset",
} do
	Initiator[op] = function(self, given)
		local o = options_of(given, "lun")
		return self:send {op = op, lun = o.lun}
	end
end

local function block_options(given, blocks)
	local o = options_of(given, "lba")
	return {lba = o.lba or 0, blocks = o.blocks or blocks or 1, lun = o.lun, fua = o.fua}
end

function Initiator:read(given, blocks)
	local o = block_options(given, blocks)
	o.op = "read"
	return self:send(o)
end

-- Every block carries a tag that says who wrote it, and with which of its writes. `fua`: it is on
-- the medium before it is GOOD.
function Initiator:write(given, blocks)
	local o = block_options(given, blocks)
	o.op = "write"
	self.sequence[1] = self.sequence[1] + 1
	o.sequence = self.sequence[1]
	local result = self:send(o)
	result.sequence = o.sequence
	return result
end

-- Any CDB, as hexadecimal digits; `out` too.
function Initiator:cdb(given)
	local o = options_of(given, "cdb")
	return self:send {
		op = "cdb", lun = o.lun, cdb = from_hex(o.cdb), out = o.out and from_hex(o.out),
		in_len = o.in_len, access = o.access,
	}
end

-- Commands of disks by their names, as raw CDBs. What a reservation admits of each is the lab's
-- knowledge, see `access` above.
local function blocks_of(given)
	local o = options_of(given, "lba")
	return o, o.lba or 0, o.blocks or 1
end

-- `count` blocks of this byte.
local function filled(count, byte) return string.char(byte or 0):rep(target.block_size * count) end

local function send_cdb(self, o, cdb, out, in_len)
	return self:send {op = "cdb", lun = o.lun, cdb = cdb, out = out, in_len = in_len}
end

function Initiator:inquiry(given)
	local o = options_of(given, "page")
	local page = o.page or 0
	return send_cdb(self, o, string.pack(">BBBI2B", 0x12, o.page and 1 or 0, page, 255, 0), nil, 255)
end

function Initiator:report_luns()
	return send_cdb(self, {}, string.pack(">BBBBBBI4BB", 0xa0, 0, 0, 0, 0, 0, 1024, 0, 0), nil, 1024)
end

function Initiator:read_capacity(given)
	local o = options_of(given, "lun")
	return send_cdb(self, o, string.pack(">BBI8I4BB", 0x9e, 0x10, 0, 32, 0, 0), nil, 32)
end

function Initiator:verify(given)
	local o, lba, blocks = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI8I4BB", 0x8f, 0, lba, blocks, 0, 0))
end

function Initiator:synchronize_cache(given)
	local o, lba = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI8I4BB", 0x91, 0, lba, o.blocks or 0, 0, 0))
end

function Initiator:unmap(given)
	local o, lba, blocks = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI4BI2B", 0x42, 0, 0, 0, 24, 0),
		string.pack(">I2I2I4I8I4I4", 22, 16, 0, lba, blocks, 0))
end

function Initiator:write_same(given)
	local o, lba, blocks = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI8I4BB", 0x93, 0, lba, blocks, 0, 0), filled(1, o.byte))
end

-- Writes `byte` everywhere, if what is there is `was` everywhere.
function Initiator:compare_and_write(given)
	local o, lba, blocks = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI8I3BBB", 0x89, 0, lba, 0, blocks, 0, 0),
		filled(blocks, o.was) .. filled(blocks, o.byte))
end

function Initiator:write_and_verify(given)
	local o, lba, blocks = blocks_of(given)
	return send_cdb(self, o, string.pack(">BBI8I4BB", 0x8e, 0, lba, blocks, 0, 0),
		filled(blocks, o.byte))
end
