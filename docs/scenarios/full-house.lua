-- Full house: there is no room for another registration
-- profiles: spc4 dlt-s4
-- target: registrations=4
-- needs: own
--
-- Stale registrations of hosts that were reinstalled fill a table that nobody looks at, until the
-- day on which a node cannot join. The target says so: INSUFFICIENT REGISTRATION RESOURCES, and
-- nothing has changed. Whoever is registered can still change its key, and PREEMPT makes room.

local nodes = {}
for i = 1, 5 do nodes[i] = initiator("node-" .. i) end
up(table.unpack(nodes))
for i = 1, 4 do expect(nodes[i]:register(0x10 + i), "good") end
local before = nodes[1]:read_keys().generation

expect(nodes[5]:register(0x15), "check 5/55/04")
expect(nodes[5]:register_and_ignore(0x15), "check 5/55/04")
local after = expect_keys(nodes[1], {0x11, 0x12, 0x13, 0x14})
expect_that(after.generation == before, "PRGENERATION stands")

expect(nodes[4]:register(0x24), "good")

note "somebody is removed: there is room"
expect(nodes[1]:preempt(0x12), "good")
expect(nodes[5]:register(0x15), "good")
expect_keys(nodes[5], {0x11, 0x13, 0x24, 0x15})
