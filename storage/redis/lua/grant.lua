-- grant.lua is what a step does to a grant, its key and its owner's index.

local MAX_REVOKED = 64

-- read_grant is the grant under a key, or nil when there is none or nothing of it can be valid any more.
local function read_grant(key, id, now)
  local v = redis.call('GET', key)
  if not v then return nil end
  local g = unpack_grant(v, id)
  if over(g.keep, now) or over(g.max, now) then return nil end
  return g, v
end

-- tidy forgets no revoked token: the clock may be set back, and one that seemed over would be good again. Numbers that "all
-- up to" can say go there, which costs nothing, and beyond the limit the lowest do.
local function tidy(g)
  table.sort(g.revoked)
  local kept = {}
  for i, seq in ipairs(g.revoked) do
    if seq <= g.upto + 1 or #g.revoked - i >= MAX_REVOKED then
      g.upto = math.max(g.upto, seq)
    else
      kept[#kept + 1] = seq
    end
  end
  g.revoked = kept
end

-- list puts a grant into its owner's index, drops what is over, and lets the index live as long as its last grant.
local function list(index, id, keep, now)
  redis.call('ZADD', index, keep == 0 and '+inf' or keep, id:sub(3))
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  if last == 'inf' then
    redis.call('PERSIST', index)
  elseif last then
    redis.call('PEXPIREAT', index, last)
  end
end

-- write_grant keeps a record until all of it is over. Redis still shows a key in the millisecond in which it expires.
local function write_grant(key, v, keep)
  if keep == 0 then
    redis.call('SET', key, v)
  else
    redis.call('SET', key, v, 'PXAT', keep - 1)
  end
end

-- put writes a grant that a step has changed.
local function put(base, key, g, now)
  tidy(g)
  local v, keep = pack_grant(g), earlier(g.keep, g.max)
  write_grant(key, v, keep)
  list(index_key(base, g), g.id, keep, now)
  return v
end

-- drop ends one grant.
local function drop(base, key, g)
  redis.call('UNLINK', key)
  redis.call('ZREM', index_key(base, g), g.id:sub(3))
end

-- drop_all ends every grant of an index. What can't name one goes with the index: ending must not fail for it.
local function drop_all(base, index)
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    if is_member(member) then redis.call('UNLINK', grant_key(base, member)) end
  end
  redis.call('UNLINK', index)
end

-- outliving reads the grants of an index that would outlive an account, and lets them end with it. put_all writes them.
local function outliving(base, index, bucket, expires, now)
  local out = {}
  if expires == 0 then return out end
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = grant_key(base, member)
    local g = read_grant(key, bucket .. member, now)
    if g and earlier(g.max, expires) ~= g.max then
      g.max, g.keep = expires, earlier(g.keep, expires)
      out[key] = g
    end
  end
  return out
end

local function put_all(base, grants, now)
  for key, g in pairs(grants) do put(base, key, g, now) end
end

-- epochs compares a grant with the epochs that the caller has seen: 'dead', 'stale' when the caller must look again, or
-- nil. Nothing is stale when it has just looked.
local function epochs(g, realm_epoch, client_epoch, fresh)
  if g.realm_epoch < realm_epoch or g.client_epoch < client_epoch then return 'dead' end
  if not fresh and (g.realm_epoch > realm_epoch or g.client_epoch > client_epoch) then return 'stale' end
  return nil
end
