-- A reservation is no lease: time alone opens nothing
-- profiles: spc4 dlt-s4
-- needs: own
--
-- Distributed locks expire; a reservation does not. The holder may be dead for a day: its
-- registration and its reservation stay until somebody removes them (SPC-4 5.13.1), and no timer of
-- a session has anything to do with it. So somebody has to be there who preempts. The clock of our
-- target's timers is moved on here, so that nobody has to wait for that day.

local holder, waiter = initiator "holder", initiator "waiter"
up(holder)
expect(holder:register(0xa), "good")
expect(holder:reserve "EA-RO", "good")

note "the holder dies, and a day goes by"
holder:cut()
target.clock_freeze()
for _ = 1, 24 do target.clock_step(3600 * 1000) end
expect_that(target.clock().ahead_ms > 23 * 3600 * 1000, "a day has gone by")
up(waiter)
expect(waiter:read(0), "conflict")
expect_holder(waiter, "EA-RO", 0xa)

note "only a command ends it"
expect(waiter:register(0xb), "good")
expect(waiter:preempt(0xa, "EA-RO"), "good")
expect(waiter:write(0), "good")
target.clock_resume()

note "the old holder comes back, after a day, and is out"
up(holder)
expect(holder:read(0), "conflict")
