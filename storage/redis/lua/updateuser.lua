-- updateuser.lua replaces the administrative part of an owner's record, and ends or shortens the owner's grants.
-- KEYS: owner, index, known sources, mark.
-- ARGV: base, administrative part as read, the new one, 1 to end the grants, end of the account, bucket (2 bytes), life of
--       the mark, 1 to forget the sources.
-- Answer: 'ok', 'none' or 'changed'. The same mark again has the same answer.

local base, read, new, expires = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])

local answer = done(KEYS[4])
if answer then return answer end
local v = redis.call('GET', KEYS[1])
if not v then return 'none' end
read_login(v)
if v:sub(LOGIN_SIZE + 1) ~= read then return 'changed' end

if ARGV[4] == '1' then
  drop_all(base, KEYS[2])
else
  local now = clock()
  put_all(base, outliving(base, KEYS[2], ARGV[6], expires, now), now)
end
if ARGV[8] == '1' then redis.call('UNLINK', KEYS[3]) end
redis.call('SET', KEYS[1], v:sub(1, LOGIN_SIZE) .. new)
return remember(KEYS[4], ARGV[7], 'ok')
