-- A node returns after it was fenced, and does not know it
-- profiles: spc4 dlt-s4
--
-- A node hangs (a long garbage collection, a stopped virtual machine), is fenced, and wakes up in
-- the middle of its work. Nothing has told it. Its next command is told a unit attention, its next
-- write ends with RESERVATION CONFLICT, and the data of the survivor stay as they are: the fence
-- works on the disk, not in the node. Only after it has registered again may it write.

local sleeper, survivor = initiator "sleeper", initiator "survivor"
up(sleeper, survivor)
expect(sleeper:register(0x1), "good")
expect(survivor:register(0x2), "good")
expect(sleeper:reserve "WE-RO", "good")
expect(sleeper:write(10, 4), "good")

note "the sleeper sleeps; the survivor fences it and takes its blocks over"
expect(survivor:preempt(0x1, "WE-RO"), "good")
local after = expect(survivor:write(10, 4), "good")

note "the sleeper wakes up and goes on with what it was about to write"
expect(sleeper:write(10, 4), "attention preempted")
expect(sleeper:write(10, 4), "conflict")
expect_data(survivor, 10, after)
expect_data(survivor, 13, after)

note "its old key is of no use, and it cannot fence back"
expect(sleeper:reserve {type = "WE-RO", key = 0x1}, "conflict")
expect(sleeper:preempt {victim = 0x2, type = "WE-RO", key = 0x1}, "conflict")

note "it joins again as every node joins"
expect(sleeper:register {key = 0, new = 0x3}, "good")
local back = expect(sleeper:write(10), "good")
expect_data(survivor, 10, back)
expect_keys(survivor, {0x2, 0x3})
