-- Two worlds: RESERVE(6) of SPC-2 against persistent reservations
-- profiles: spc4 dlt-s4
--
-- Old cluster software reserves with RESERVE(6), which needs no key, belongs to a session and is
-- gone with it. The two ways shut each other out: while somebody holds the one, nobody, not even
-- the same nexus, gets the other (SPC-2 5.5.1). With CRH = 1 the holder of a persistent reservation
-- may send RESERVE and RELEASE, and nothing happens (SPC-4 5.13.4).

local a, b, c = initiator "a", initiator "b", initiator "c"
up(a, b, c)

note "RESERVE(6) keeps everybody else out, from TEST UNIT READY on"
expect(a:spc2_reserve(), "good")
expect(b:spc2_reserve(), "conflict")
expect(b:test_unit_ready(), "conflict")
expect(b:read(0), "conflict")
expect(b:spc2_release(), "good") -- of somebody else's: GOOD, and nothing happens
expect(a:write(0), "good")

note "nobody gets at persistent reservations now, its owner neither"
expect(a:register(0xa), "conflict")
expect(b:register(0xb), "conflict")
expect(a:read_keys(), "conflict")
expect(b:read_reservation(), "conflict")
expect(a:spc2_release(), "good")

note "the other way round: registrations alone keep RESERVE(6) out"
expect(a:register(0xa), "good")
expect(a:spc2_reserve(), "conflict")
expect(b:spc2_reserve(), "conflict")

note "the holder's RESERVE is GOOD and does nothing"
expect(a:reserve "WE-RO", "good")
expect(a:spc2_reserve(), "good")
expect(b:spc2_reserve(), "conflict")
expect(b:register(0xb), "good")
expect(b:spc2_reserve(), "good")
expect(b:spc2_release(), "good")
expect(c:write(0), "conflict")
expect_holder(c, "WE-RO", 0xa)
