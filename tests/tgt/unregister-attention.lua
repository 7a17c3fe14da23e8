-- Its holder unregisters: the other registrants are told
-- profiles: spc4 dlt-s4
-- rule: unit_attention_lost
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
b:register(0xb)
a:reserve "WE-RO"
a:unregister()
expect_that(b:test_unit_ready() ~= nil, "there is an answer")
