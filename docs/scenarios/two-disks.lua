-- Two disks: what happens to one is nothing to the other
-- profiles: spc4 dlt-s4
-- target: luns=2
-- needs: own
--
-- Registrations, reservation, PRGENERATION, APTPL and unit attentions belong to one logical unit.
-- Clusters with a quorum disk and data disks depend on it.

local a, b = initiator "a", initiator "b"
up(a, b)
drain(a, 1)
drain(b, 1)

expect(a:register {new = 0xa, aptpl = true, lun = 0}, "good")
expect(a:register {new = 0xa1, lun = 1}, "good")
expect(b:register {new = 0xb1, lun = 1}, "good")
expect(a:reserve {type = "EA", lun = 0}, "good")
expect(b:reserve {type = "WE", lun = 1}, "good")

expect_keys(a, {0xa}, 0)
expect_keys(a, {0xa1, 0xb1}, 1)
expect_holder(a, "EA", 0xa, 0)
expect_holder(a, "WE", 0xb1, 1)
expect(b:read {lba = 0, lun = 0}, "conflict")
expect(b:write {lba = 0, lun = 1}, "good")
expect(a:write {lba = 0, lun = 1}, "conflict")

note "a key of the other disk is none"
expect(a:preempt {victim = 0xb1, type = "EA", lun = 0}, "conflict")
expect(b:preempt {victim = 0xa1, type = "WE", lun = 1}, "good")
expect_no_attention(a, 0)
expect_attention(a, "preempted", 1)

note "only the first keeps its state over a crash"
restart()
up(b)
drain(b, 1)
expect_keys(b, {0xa}, 0)
expect_holder(b, "EA", 0xa, 0)
expect_keys(b, {}, 1)
expect(b:write {lba = 1, lun = 1}, "good")
