-- create.lua writes a record where there is none.
-- KEYS: record, mark. ARGV: value, life of the mark.
-- Answer: 'ok' or 'exists'. The same mark again has the same answer.

local answer = done(KEYS[2])
if answer then return answer end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX') then return 'exists' end
return remember(KEYS[2], ARGV[2], 'ok')
