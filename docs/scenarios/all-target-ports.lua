-- ALL_TG_PT: one REGISTER for all target ports
-- profiles: spc4
-- target: ports=2
-- needs: own
--
-- With ALL_TG_PT one REGISTER registers the initiator port on every target port (SPC-4 5.13.7), so
-- no path is forgotten, not even one that nobody has logged in to so far. READ KEYS shows the key
-- once for each.

local path1 = initiator {label = "path-1", name = "iqn.2026-11.io.holdfast:host",
	isid = "800000000001", portal = 1}
local path2 = initiator {label = "path-2", name = "iqn.2026-11.io.holdfast:host",
	isid = "800000000001", portal = 2}
local other = initiator "other"
up(path1, other)

expect(path1:register {new = 0xaa, all_tg_pt = true}, "good")
expect_keys(other, {0xaa, 0xaa})
expect(path1:reserve "EA-RO", "good")

note "the second path was registered before it was there"
up(path2)
expect(path2:write(0), "good")
expect(other:read(0), "conflict")

note "one PREEMPT removes both"
expect(other:register(0xbb), "good")
expect(other:preempt_and_abort(0xaa, "EA-RO"), "good")
expect_attention(path1, "preempted")
expect_attention(path2, "preempted")
expect_keys(other, {0xbb})
expect(path1:read(0), "conflict")
expect(path2:read(0), "conflict")
