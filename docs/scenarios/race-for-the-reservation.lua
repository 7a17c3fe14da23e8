-- A race for the reservation, many times
-- profiles: spc4 dlt-s4
--
-- Sixteen registered nodes send RESERVE at the same moment. Exactly one gets it, each time: this is
-- how a cluster elects who mounts the disk, and it needs no network to do it. step() makes all of
-- them start together.

local COUNT, ROUNDS = 16, 5
local nodes, blocks, winners = {}, {}, {}
for i = 1, COUNT do nodes[i] = initiator("node-" .. i) end
up(table.unpack(nodes))

for i, node in ipairs(nodes) do
	blocks[i] = function()
		expect(node:register(0x100 + i), "good")
		for round = 1, ROUNDS do
			step()
			local result = expect(node:reserve "EA", {"good", "conflict"})
			if result.outcome == "good" then
				winners[round] = (winners[round] or 0) + 1
				expect(node:write(round), "good")
			end
			step()
			expect(node:write(100 + i), result.outcome)
			step()
			if result.outcome == "good" then expect(node:release "EA", "good") end
		end
	end
end
parallel(blocks)
for round = 1, ROUNDS do
	expect_that(winners[round] == 1, "one winner in round " .. round)
end
