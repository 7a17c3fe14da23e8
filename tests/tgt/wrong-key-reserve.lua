-- RESERVE with a key that is not the caller's
-- profiles: spc4 dlt-s4
-- rule: pr_out_admitted
local a = initiator "a"
up(a)
a:register(0xa)
expect_that(a:reserve{type = "WE", key = 0xbad} ~= nil, "there is an answer")
