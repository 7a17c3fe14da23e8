-- REGISTER AND MOVE: a reservation migrates with a virtual machine
-- profiles: spc4 dlt-s4
--
-- When a virtual machine moves to another host, its reservation has to come along without a gap in
-- which the disk is open. REGISTER AND MOVE (SPC-4 5.13.8) registers another nexus, which need not
-- even be logged in, and makes it the holder, in one command. With UNREG the old host is out at the
-- same time.

local old, new, other = initiator "old-host", initiator "new-host", initiator "other"
up(old, other)
expect(old:register(0x1), "good")
expect(other:register(0x9), "good")
expect(old:reserve "EA", "good")

note "only the holder can move it, to somebody else, and only with a key"
expect(other:register_and_move {to = new, new = 0x2}, "conflict")
expect(old:register_and_move {to = new, new = 0}, "check 5/26/00")
expect(old:register_and_move {to = old, new = 0x2}, "check 5/26/00")

note "the new host is not there yet"
expect(old:register_and_move {to = new, new = 0x2, unregister = true}, "good")
expect_keys(other, {0x2, 0x9})
expect_holder(other, "EA", 0x2)
expect(old:write(0), "conflict")

note "the new host arrives, and holds"
up(new)
expect(new:write(0), "good")
expect(other:read(0), "conflict")

note "without UNREG the old holder stays registered"
expect(new:register_and_move {to = other, new = 0x8}, "good")
expect_keys(other, {0x2, 0x8})
expect_holder(new, "EA", 0x8)
expect(new:write(0), "conflict")
expect(other:write(0), "good")

note "with nothing reserved there is nothing to move"
expect(other:release "EA", "good")
expect(other:register_and_move {to = new, new = 0x3}, "check 5/24/00")
