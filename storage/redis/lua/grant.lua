-- grant.lua takes a grant's record apart and puts it together again.

local GRANT = '>Bc14I4I4I6c8I6I6I6I6c16c16I4I4I4BB'
local GRANT_SIZE, REVOKED_SIZE, MAX_REVOKED = 107, 10, 64

-- unpack_grant reads a record that is kept under the id.
local function unpack_grant(v, id)
  if #v < GRANT_SIZE or v:byte(1) ~= 1 or v:sub(2, 15) ~= id then damaged('grant record') end
  local g, n, at, _ = {}
  _, g.id, g.generation, g.seq, g.refreshed, g.nonce, g.access, g.refresh, g.max, g.keep, g.refresh_digest,
    g.access_digest, g.realm_epoch, g.client_epoch, g.upto, g.has_refresh, n, at = struct.unpack(GRANT, v)
  if #v < GRANT_SIZE + n * REVOKED_SIZE then damaged('grant record cut short') end
  g.revoked = {}
  for i = 1, n do
    local r = {}
    r.seq, r.expires, at = struct.unpack('>I4I6', v, at)
    g.revoked[i] = r
  end
  g.body = v:sub(at)
  local ok
  ok, g.realm, g.username, g.client, g.scopes = pcall(struct.unpack, '>I2c0I2c0I2c0I2c0', g.body)
  if not ok then damaged('grant record cut short') end
  return g
end

-- read_grant is the grant under a key, or nil when there is none or nothing of it can be valid any more.
local function read_grant(key, id, now)
  local v = redis.call('GET', key)
  if not v then return nil end
  local g = unpack_grant(v, id)
  if over(g.keep, now) or over(g.max, now) then return nil end
  return g, v
end

local function pack_grant(g)
  local list = {}
  for i, r in ipairs(g.revoked) do list[i] = struct.pack('>I4I6', r.seq, r.expires) end
  return struct.pack(GRANT, 1, g.id, g.generation, g.seq, g.refreshed, g.nonce, g.access, g.refresh, g.max, g.keep,
    g.refresh_digest, g.access_digest, g.realm_epoch, g.client_epoch, g.upto, g.has_refresh, #list)
    .. table.concat(list) .. g.body
end

-- prune forgets revoked tokens that are over, and turns those beyond the limit into "all up to", the oldest first.
local function prune(g, now)
  local kept = {}
  for _, r in ipairs(g.revoked) do
    if not over(r.expires, now) and r.seq > g.upto then kept[#kept + 1] = r end
  end
  table.sort(kept, function(a, b) return a.seq < b.seq end)
  while #kept > MAX_REVOKED do g.upto = table.remove(kept, 1).seq end
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
  prune(g, now)
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

-- drop_all ends every grant of an index.
local function drop_all(base, index)
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    redis.call('UNLINK', grant_key(base, member))
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
