-- Unit attention storm: every change is told to everybody, once
-- profiles: spc4 dlt-s4
--
-- A unit attention belongs to one I_T nexus and is told to it once, by its next command (SAM-5
-- 5.14). A target that shows it to the wrong nexus, twice, or not at all makes initiators act on a
-- world that is not there. Twelve registrants, and each way to lose something.

local nodes = {}
for i = 1, 12 do nodes[i] = initiator("node-" .. i) end
up(table.unpack(nodes))
local first = nodes[1]

local function register_all()
	for i, node in ipairs(nodes) do
		node.keys[0] = 0
		expect(node:register_and_ignore(0x100 + i), "good")
	end
end

local function told(name, from)
	for i = from, #nodes do expect_attention(nodes[i], name) end
	for _, node in ipairs(nodes) do expect_no_attention(node) end
end

register_all()
note "a Registrants Only reservation is released"
expect(first:reserve "WE-RO", "good")
expect(first:release "WE-RO", "good")
told("reservations released", 2)

note "a plain one: nobody is told"
expect(first:reserve "WE", "good")
expect(first:release "WE", "good")
told("reservations released", 13)

note "a PREEMPT changes the type: the victim lost its registration, the others their old world"
expect(first:reserve "WE-RO", "good")
expect(nodes[12]:preempt(0x101, "EA-RO"), "good")
expect_attention(first, "preempted")
for i = 2, 11 do expect_attention(nodes[i], "reservations released") end
told("reservations released", 13)

note "CLEAR: all but the one who did it"
expect(nodes[12]:clear(), "good")
for i = 2, 11 do expect_attention(nodes[i], "reservations preempted") end
told("reservations released", 13)

note "INQUIRY does not take it away, and the second command is free of it"
register_all()
expect(first:reserve "EA-RO", "good")
expect(first:release "EA-RO", "good")
expect(nodes[2]:cdb {cdb = "12 00 00 00 60 00", in_len = 96}, "good")
told("reservations released", 2)
