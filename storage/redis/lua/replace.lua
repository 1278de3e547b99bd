-- replace.lua writes a record, or removes it when the new value is empty, if it is still the one that was read.
-- KEYS: record, mark. ARGV: value as read, new value or '', life of the mark.
-- Answer: 'ok', 'none' or 'changed'. The same mark again has the same answer.

local answer = done(KEYS[2])
if answer then return answer end
local v = redis.call('GET', KEYS[1])
if not v then return 'none' end
if v ~= ARGV[1] then return 'changed' end
if ARGV[2] == '' then
  redis.call('UNLINK', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return remember(KEYS[2], ARGV[3], 'ok')
