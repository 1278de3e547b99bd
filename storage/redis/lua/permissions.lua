-- permissions.lua writes the key that proves that writes are taken, and tries each command that scripts use on it. Most
-- are for another type or get no number, so that nothing comes of them: only whether they were allowed counts.
-- KEYS: probe. ARGV: life of it.
-- Answer: the commands that an ACL does not allow, and 'keys' when it does not allow the key; or why nothing is written.

local k, life, denied = KEYS[1], ARGV[1], {}
local written = redis.pcall('SET', k, '', 'PX', life)
local tried = {
  {'exists', k}, {'get', k}, {'setrange', k, 0, ''}, {'incr', k}, {'pttl', k}, {'persist', k}, {'pexpireat', k, NEVER},
  {'pexpire', k, life}, {'hget', k, '-'}, {'hgetall', k}, {'hset', k, '-', ''}, {'hdel', k, '-'}, {'zadd', k, 0, '-'},
  {'zrange', k, 0, -1}, {'zrem', k, '-'}, {'zremrangebyscore', k, 0, 0}, {'zcount', k, 0, 0}, {'time'}, {'unlink', k .. '-'},
}
local function look(command, reply)
  local why = type(reply) == 'table' and reply.err
  if not why then return true end
  if why:find("access .*key") then
    denied[#denied + 1] = 'keys'
  elseif why:find('permission') or why:find('user executing the script') then
    denied[#denied + 1] = command
  else
    return false
  end
  return true
end

if not look('set', written) then return written end
for _, command in ipairs(tried) do look(command[1], redis.pcall(unpack(command))) end
return denied
