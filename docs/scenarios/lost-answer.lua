-- The answer of a fence is lost, and the retry ends with a conflict
-- profiles: spc4 dlt-s4
-- target: tas
-- needs: own
--
-- A switch reboots just when the disk has carried out a PREEMPT AND ABORT: it has happened, and the
-- GOOD is lost with the connection. Whoever sent it does not know and sends it again, as every
-- initiator does. Now nobody is registered with the victim's key any more, and a PREEMPT of a key
-- that is not there ends with RESERVATION CONFLICT (SPC-4 5.13.11.2.6). A node that takes this for
-- "I have been fenced" panics on the survivor, and then there is none. So: after a lost answer look
-- first (READ KEYS) and then decide. A fault rule of our target loses the answer.

local survivor, victim = initiator "survivor", initiator "victim"
up(survivor, victim)
expect(survivor:register(0xa), "good")
expect(victim:register(0xb), "good")
expect(victim:reserve "WE-RO", "good")
expect(victim:write(100), "good")

note "the fence is done, and its answer is lost with the connection"
local rule = target.fault_add("on scsi-response op=persistent-reserve-out sa=5 times=1 do drop do rst")
expect(survivor:preempt_and_abort(0xb, "WE-RO"), "unknown")
expect_that(not survivor:is_up(), "the connection is gone")
expect_that(target.fault_list()[1].firings == 1, "the rule has fired")
expect_that(target.fault_clear(rule) == 1, "the rule is gone")

note "the same once more, as a storage stack would: a conflict, and no sign of having lost"
up(survivor)
expect(survivor:preempt_and_abort(0xb, "WE-RO"), "conflict")

note "whoever looks knows better"
expect_keys(survivor, {0xa})
expect_holder(survivor, "WE-RO", 0xa)
local mine = expect(survivor:write(100), "good")
expect_attention(victim, "preempted")
expect(victim:write(100), "conflict")
expect_data(victim, 100, mine)

note "the other way round: the answer is late, and the victim is out all the same"
expect(victim:register {key = 0, new = 0xb}, "good")
target.fault_add("on scsi-response op=persistent-reserve-out sa=5 times=1 do delay 200")
parallel {
	function() expect(survivor:preempt_and_abort(0xb, "WE-RO"), "good") end,
	function()
		local result
		repeat result = victim:write(101) until result.outcome ~= "good"
		expect(result, {"attention preempted", "task_aborted"})
		drain(victim)
		expect(victim:write(101), "conflict")
	end,
}
target.fault_clear()
