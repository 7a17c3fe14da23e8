-- Who may read and who may write: the whole table
-- profiles: spc4 dlt-s4
--
-- SPC-4 tables 65 and 66 in one picture. Write Exclusive lets everybody read; Exclusive Access lets
-- nobody. Being registered helps under the Registrants Only types, and not at all under the plain
-- ones: there the holder is alone, whoever else is registered.

local holder, registrant, stranger = initiator "holder", initiator "registrant", initiator "stranger"
up(holder, registrant, stranger)
expect(holder:register(0xa), "good")
expect(registrant:register(0xb), "good")

--                 registrant          stranger
--                 read     write      read     write
local matrix = {
	["WE"] =    {"good", "conflict", "good", "conflict"},
	["EA"] =    {"conflict", "conflict", "conflict", "conflict"},
	["WE-RO"] = {"good", "good", "good", "conflict"},
	["EA-RO"] = {"good", "good", "conflict", "conflict"},
}
if target.profile ~= "dlt-s4" then
	matrix["WE-AR"] = {"good", "good", "good", "conflict"}
	matrix["EA-AR"] = {"good", "good", "conflict", "conflict"}
end

for kind, row in pairs(matrix) do
	note(kind)
	expect(holder:reserve(kind), "good")
	expect(holder:read(0), "good")
	expect(holder:write(0), "good")
	expect(registrant:read(0), row[1])
	expect(registrant:write(1), row[2])
	expect(stranger:read(0), row[3])
	expect(stranger:write(2), row[4])
	expect(stranger:test_unit_ready(), "good")
	expect(stranger:read_keys(), "good")
	expect(holder:release(kind), "good")
	drain(registrant)
end
