-- PREEMPT of one who holds nothing: it is removed, and that is all
-- profiles: spc4 dlt-s4
--
-- When the victim is a registrant and not the holder, PREEMPT takes its registration and leaves the
-- reservation as it is; the preemptor does not become the holder, and the type in the CDB is not
-- even looked at (SPC-4 5.13.11.2.6). Old versions of nfsd send type 0 here, and targets that look
-- at it break their fencing.

local holder, fencer, victim = initiator "holder", initiator "fencer", initiator "victim"
up(holder, fencer, victim)
expect(holder:register(0x1), "good")
expect(fencer:register(0x2), "good")
expect(victim:register(0x3), "good")
expect(holder:reserve "WE-RO", "good")

expect(fencer:preempt(0x3, 0), "good")
expect_attention(victim, "preempted")
expect_no_attention(holder)
expect_keys(fencer, {0x1, 0x2})
expect_holder(fencer, "WE-RO", 0x1)
expect(victim:write(0), "conflict")
expect(fencer:write(0), "good")

note "with nothing reserved nothing gets reserved"
expect(holder:release "WE-RO", "good")
drain(fencer)
expect(holder:preempt(0x2, "EA"), "good")
expect_no_holder(holder)
expect_keys(holder, {0x1})
