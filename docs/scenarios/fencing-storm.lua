-- Fencing storm: eight nodes lose each other at once, and everybody fences everybody
-- profiles: spc4 dlt-s4
-- target: tas
--
-- When a switch dies, not two nodes race but all of them: each preempts each of the others, 56
-- PREEMPT AND ABORT at the same time. The disk takes them one by one. Whoever has been removed
-- cannot remove anybody any more, so at least one node stays, and the one that holds the
-- reservation in the end is one that is registered. No more is promised, and no more is needed.

local nodes = {}
for i = 1, 8 do nodes[i] = initiator("node-" .. i) end
up(table.unpack(nodes))
for i, node in ipairs(nodes) do expect(node:register(0x100 + i), "good") end
expect(nodes[1]:reserve "WE-RO", "good")

local blocks = {}
for i, node in ipairs(nodes) do
	blocks[i] = function()
		for k = 1, #nodes - 1 do
			local victim = nodes[(i + k - 1) % #nodes + 1]
			local result = node:preempt_and_abort(0x100 + (i + k - 1) % #nodes + 1, "WE-RO")
			-- GOOD: it is gone. Conflict: it was gone, or this node is. A unit attention: this
			-- node is. TASK ABORTED, or no answer at all from a target whose TAS is 0: somebody
			-- fenced this node while its own command ran.
			expect(result, {"good", "conflict", "attention preempted", "task_aborted", "unknown",
				"attention commands cleared"})
			expect_that(victim ~= node, "nobody fences itself")
		end
	end
end
parallel(blocks)

-- Who is left is what the disk says, not what the nodes believe.
local watcher = initiator "watcher"
up(watcher)
local left = watcher:read_keys().registrations
expect_that(#left >= 1, "somebody is left")
local holder = expect(watcher:read_reservation(), "good")
local held_by
for i, node in ipairs(nodes) do
	drain(node)
	if holder.holder_key == 0x100 + i then held_by = node end
end
expect_that(held_by, "a node holds the reservation")
expect(held_by:write(0), "good")

note "everybody else is out"
local registered = {}
for _, registration in ipairs(left) do registered[registration.key] = true end
for i, node in ipairs(nodes) do
	expect(node:write(i), registered[0x100 + i] and "good" or "conflict")
end
