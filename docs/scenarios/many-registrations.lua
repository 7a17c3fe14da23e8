-- Sixty-four initiators register at once
-- profiles: spc4 dlt-s4
--
-- After a power failure a whole rack comes up in the same second. Each registration counts once in
-- PRGENERATION, none is lost, and none is there twice.

local COUNT = 64
local nodes, blocks, keys = {}, {}, {}
for i = 1, COUNT do
	nodes[i] = initiator("node-" .. i)
	keys[i] = 0x1000 + i
end
up(table.unpack(nodes))

local watcher = initiator "watcher"
up(watcher)
local before = watcher:read_keys().generation

for i, node in ipairs(nodes) do
	blocks[i] = function() expect(node:register {new = keys[i], aptpl = true}, "good") end
end
parallel(blocks)
local after = expect_keys(watcher, keys)
expect_that(after.generation == before + COUNT, "each REGISTER counted once")

note "one of them gets the reservation, the others are told so"
local winners = 0
for i, node in ipairs(nodes) do
	blocks[i] = function()
		if expect(node:reserve "WE-RO", {"good", "conflict"}).outcome == "good" then
			winners = winners + 1
		end
	end
end
parallel(blocks)
expect_that(winners == 1, "exactly one RESERVE was GOOD")

note "all of them write"
for i, node in ipairs(nodes) do
	blocks[i] = function() expect(node:write(i), "good") end
end
parallel(blocks)
