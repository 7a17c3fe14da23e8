-- A reservation stands against every command that writes, not only against WRITE
-- profiles: spc4 dlt-s4
--
-- UNMAP, WRITE SAME and COMPARE AND WRITE change the medium as a WRITE does, and so does whatever
-- is built on them: a VMFS heartbeat is a COMPARE AND WRITE, a discard is an UNMAP. A target that
-- knows only the WRITE opcodes lets a fenced node destroy data (SBC-4 table 13 has them all).

local holder, outsider = initiator "holder", initiator "outsider"
up(holder, outsider)
expect(holder:register(0xa), "good")

local writes = {
	"unmap", "write_same", "compare_and_write", "write_and_verify", "synchronize_cache", "write",
}
local reads = {"read", "verify"}
local always = {"inquiry", "report_luns", "read_capacity", "test_unit_ready"}

-- Forms of them that have no method of their own.
local one_block = ("00"):rep(target.block_size)
local raw_writes = {
	{cdb = "2a 00 00 00 03 e8 00 00 01 00", out = one_block}, -- WRITE(10)
	{cdb = "41 00 00 00 03 e8 00 00 01 00", out = one_block}, -- WRITE SAME(10)
	{cdb = "35 00 00 00 00 00 00 00 00 00"},                  -- SYNCHRONIZE CACHE(10)
}
local raw_reads = {
	{cdb = "28 00 00 00 03 e8 00 00 01 00", in_len = target.block_size}, -- READ(10)
	{cdb = "1a 00 3f 00 ff 00", in_len = 255},                           -- MODE SENSE(6)
}

local function try(who, methods, raw, what)
	for _, method in ipairs(methods) do expect(who[method](who), what) end
	for _, command in ipairs(raw) do expect(who:cdb(command), what) end
end

for _, kind in ipairs {"WE", "EA", "WE-RO", "EA-RO"} do
	note(kind)
	expect(holder:reserve(kind), "good")
	try(holder, writes, raw_writes, "good")
	try(outsider, writes, raw_writes, "conflict")
	try(outsider, reads, raw_reads, kind:sub(1, 2) == "WE" and "good" or "conflict")
	try(outsider, always, {}, "good")
	expect(holder:release(kind), "good")
end
