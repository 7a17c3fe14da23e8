-- A reservation stands against every command that writes, not only against WRITE
-- profiles: spc4 dlt-s4
--
-- UNMAP, WRITE SAME and COMPARE AND WRITE change the medium as a WRITE does, and so does whatever
-- is built on them: a VMFS heartbeat is a COMPARE AND WRITE, a discard is an UNMAP. A target that
-- knows only the WRITE opcodes lets a fenced node destroy data (SBC-4 table 13 has them all).

local holder, outsider = initiator "holder", initiator "outsider"
up(holder, outsider)
expect(holder:register(0xa), "good")

local one_block = ("00"):rep(target.block_size)
local writes = {
	unmap = {cdb = "42 00 00 00 00 00 00 00 18 00",
		out = "0016 0010 00000000 00000000000003e8 00000001 00000000"},
	write_same_10 = {cdb = "41 00 00 00 03 e8 00 00 01 00", out = one_block},
	write_same_16 = {cdb = "93 00 00 00 00 00 00 00 03 e8 00 00 00 01 00 00", out = one_block},
	compare_and_write = {cdb = "89 00 00 00 00 00 00 00 03 e8 00 00 00 01 00 00",
		out = one_block .. one_block},
	write_and_verify = {cdb = "2e 00 00 00 03 e8 00 00 01 00", out = one_block},
	synchronize_cache = {cdb = "35 00 00 00 00 00 00 00 00 00"},
}
local reads = {
	read_10 = {cdb = "28 00 00 00 03 e8 00 00 01 00", in_len = target.block_size},
	verify_10 = {cdb = "2f 00 00 00 03 e8 00 00 01 00"},
	mode_sense = {cdb = "1a 00 3f 00 ff 00", in_len = 255},
}
local always = {
	inquiry = {cdb = "12 00 00 00 60 00", in_len = 96},
	report_luns = {cdb = "a0 00 00 00 00 00 00 00 01 00 00 00", in_len = 256},
	read_capacity = {cdb = "25 00 00 00 00 00 00 00 00 00", in_len = 8},
	test_unit_ready = {cdb = "00 00 00 00 00 00"},
}

local function try(who, commands, what)
	for name, command in pairs(commands) do
		note(who.label .. " " .. name)
		expect(who:cdb(command), what)
	end
end

for _, kind in ipairs {"WE", "EA", "WE-RO", "EA-RO"} do
	note(kind)
	expect(holder:reserve(kind), "good")
	try(holder, writes, "good")
	try(outsider, writes, "conflict")
	try(outsider, reads, kind:sub(1, 2) == "WE" and "good" or "conflict")
	try(outsider, always, "good")
	expect(holder:release(kind), "good")
end
