-- Rolling upgrade: all nodes get new keys, one after another, and the work goes on
-- profiles: spc4 dlt-s4
--
-- While a cluster is upgraded its nodes write on under Write Exclusive - Registrants Only. A key
-- that is replaced leaves no gap: there is no moment at which the node is not registered, so no
-- write may fail with RESERVATION CONFLICT, however the commands fall.

local nodes = {}
for i = 1, 4 do nodes[i] = initiator("node-" .. i) end
up(table.unpack(nodes))
for i, node in ipairs(nodes) do expect(node:register(0x10 + i), "good") end
expect(nodes[1]:reserve "WE-RO", "good")

local upgraded = false
local blocks = {
	function()
		for i, node in ipairs(nodes) do
			expect(node:register(0x20 + i), "good")
		end
		upgraded = true
	end,
}
for i, node in ipairs(nodes) do
	blocks[#blocks + 1] = function()
		local writes = 0
		repeat
			expect(node:write(8 * i, 2), "good")
			writes = writes + 1
		until upgraded and writes >= 5
	end
end
parallel(blocks)
expect_keys(nodes[2], {0x21, 0x22, 0x23, 0x24})
expect_holder(nodes[2], "WE-RO", 0x21)
