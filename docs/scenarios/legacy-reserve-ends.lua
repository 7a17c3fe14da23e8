-- What ends an SPC-2 reservation
-- profiles: spc4 dlt-s4
--
-- RESERVE(6) lasts as long as its session: a logout, a cut connection and a LOGICAL UNIT RESET all
-- end it. That is its weakness: a node whose cable was pulled has lost its fence at that very moment.

local a, b = initiator "a", initiator "b"
up(a, b)

note "a logout"
expect(a:spc2_reserve(), "good")
expect(b:read(0), "conflict")
a:logout()
expect(b:read(0), "good")

note "a session that comes again in the place of one that was cut"
up(a)
expect(a:spc2_reserve(), "good")
a:cut()
up(a)
expect(b:spc2_reserve(), "good")
expect(a:read(0), "conflict")
expect(b:spc2_release(), "good")

note "a reset by anybody"
expect(a:spc2_reserve(), "good")
expect(b:lun_reset(), "good")
drain(a)
drain(b)
expect(b:spc2_reserve(), "good")
expect(b:spc2_release(), "good")
