-- UNMAP under somebody else's Exclusive Access
-- profiles: spc4 dlt-s4
-- rule: write_by_stranger
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
a:reserve "EA"
expect_that(b:cdb{cdb = "42000000000000001800", out = "0016001000000000000000000000006400000001" .. "00000000", access = "write"} ~= nil, "there is an answer")
