-- RELEASE: only the holder's counts, and only with the right type
-- profiles: spc4 dlt-s4
--
-- A registrant that holds nothing gets GOOD for a RELEASE, and nothing happens: so every path of a
-- multipath device may send it. The holder has to name the type that it holds; a mismatch ends with
-- INVALID RELEASE OF PERSISTENT RESERVATION, because it says that the holder is mistaken about what
-- it holds (SPC-4 5.13.11.2.2).

local a, b, stranger = initiator "a", initiator "b", initiator "stranger"
up(a, b, stranger)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")

expect(a:release "EA", "good") -- nothing is reserved

for _, kind in ipairs {"WE", "EA", "WE-RO", "EA-RO"} do
	expect(a:reserve(kind), "good")
	expect(a:reserve(kind), "good") -- again: GOOD, and nothing happens
	for _, other in ipairs {"WE", "EA", "WE-RO", "EA-RO"} do
		if other ~= kind then
			expect(a:release(other), "check 5/26/04")
			expect(a:reserve(other), "conflict")
		end
	end
	expect(b:release(kind), "good")
	expect(stranger:release {type = kind, key = 0}, "conflict")
	expect_holder(b, kind, 0xa)
	expect(a:release(kind), "good")
	drain(b)
	expect_no_holder(b)
end
expect_keys(a, {0xa, 0xb})
