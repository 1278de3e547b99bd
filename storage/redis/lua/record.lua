-- record.lua takes a grant's record apart and puts it together again, in the version that it has: what is read as version
-- 1 is written as version 1. Their layouts are written down in storage/grantrecord.go and grantrecord1.go. A grant here is
-- a table of what the scripts need, and rest, which is carried over byte by byte.

local HEAD_1, HEAD_SIZE_1 = '>Bc14I4I4I6c8I6I6I6I6c16c16I4I4I4BB', 107
local REVOKED_1 = '>I4I6'

local HEAD_2 = '>BI2c12c12c8'
local NARROW, SHORT, WIDE = '>BB', '>I2I2', '>I4I4' -- generation and seq
local IS_WIDE, HAS_REFRESH, HAS_KEEP, HAS_REVOKED, IS_SHORT, FLAGS_END = 1, 2, 64, 1024, 2048, 4096
local DIGEST_SIZE = 12 -- of which version 1 has four more
local TIME, NUMBER = '>I6', '>I4'
local TIMES = {{4, 'access'}, {8, 'refresh'}, {16, 'max'}, {32, 'refreshed'}}
local NUMBERS = {{128, 'realm_epoch'}, {256, 'client_epoch'}, {512, 'upto'}}
local AS_LONG, AS_UUID = 254, 255 -- in place of the length of a text
local AUTH_TIME_SIZE, SEAL_SIZE = 6, 6

local function unpack_1(v, id)
  assert(v:sub(2, 15) == id)
  local g, n, at, _ = {version = 1, id = id, revoked = {}}
  _, _, g.generation, g.seq, g.refreshed, g.nonce, g.access, g.refresh, g.max, g.keep, g.refresh_whole, g.access_whole,
    g.realm_epoch, g.client_epoch, g.upto, g.has_refresh, n, at = struct.unpack(HEAD_1, v)
  g.refresh_digest, g.access_digest = g.refresh_whole:sub(1, DIGEST_SIZE), g.access_whole:sub(1, DIGEST_SIZE)
  for i = 1, n do g.revoked[i], _, at = struct.unpack(REVOKED_1, v, at) end
  g.rest = v:sub(at)
  g.realm, g.username, g.client, g.scopes = struct.unpack('>I2c0I2c0I2c0I2c0', g.rest)
  return g
end

local function pack_1(g)
  local list = {}
  for i, seq in ipairs(g.revoked) do list[i] = struct.pack(REVOKED_1, seq, 0) end
  return struct.pack(HEAD_1, 1, g.id, g.generation, g.seq, g.refreshed, g.nonce, g.access, g.refresh, g.max, g.keep,
    g.refresh_whole, g.access_whole, g.realm_epoch, g.client_epoch, g.upto, g.has_refresh, #list)
    .. table.concat(list) .. g.rest
end

-- text reads one, and gives the place behind it.
local function text(v, at)
  local n
  n, at = struct.unpack('B', v, at)
  if n == AS_UUID then
    local h = ('%02x'):rep(16):format(struct.unpack(('B'):rep(16), v, at))
    return table.concat({h:sub(1, 8), h:sub(9, 12), h:sub(13, 16), h:sub(17, 20), h:sub(21)}, '-'), at + 16
  end
  if n == AS_LONG then n, at = struct.unpack('>I2', v, at) end
  assert(at + n - 1 <= #v)
  return v:sub(at, at + n - 1), at + n
end

-- seal binds a record to its key and to all that is in it.
local function seal(v, id)
  return struct.pack('>I6', tonumber(redis.sha1hex(id .. v):sub(1, 2 * SEAL_SIZE), 16))
end

-- usual_keep is until when a record is kept if it does not say so.
local function usual_keep(g)
  if g.has_refresh == 0 then return g.access end
  return later(g.access, g.refresh)
end

local function unpack_2(v, id)
  assert(seal(v:sub(1, -SEAL_SIZE - 1), id) == v:sub(-SEAL_SIZE))
  v = v:sub(1, -SEAL_SIZE - 1)
  local g, flags, at, n, _ = {version = 2, id = id, revoked = {}}
  local function has(flag) return bit.band(flags, flag) ~= 0 end
  local function read(as) n, at = struct.unpack(as, v, at) return n end
  _, flags, g.refresh_digest, g.access_digest, g.nonce, at = struct.unpack(HEAD_2, v)
  assert(flags < FLAGS_END)
  g.generation, g.seq, at = struct.unpack(has(IS_WIDE) and WIDE or has(IS_SHORT) and SHORT or NARROW, v, at)
  g.has_refresh = has(HAS_REFRESH) and 1 or 0
  for _, f in ipairs(TIMES) do g[f[2]] = has(f[1]) and read(TIME) or 0 end
  g.keep = has(HAS_KEEP) and read(TIME) or usual_keep(g)
  for _, f in ipairs(NUMBERS) do g[f[2]] = has(f[1]) and read(NUMBER) or 0 end
  for i = 1, has(HAS_REVOKED) and read('B') or 0 do g.revoked[i] = read(NUMBER) end
  g.rest = v:sub(at)
  g.realm, at = text(v, at + AUTH_TIME_SIZE)
  g.username, at = text(v, at)
  g.client, at = text(v, at)
  g.scopes = text(v, at)
  return g
end

local function pack_2(g)
  local most, width, flags, out = math.max(g.generation, g.seq), NARROW, g.has_refresh == 1 and HAS_REFRESH or 0, {}
  if most > 65535 then width, flags = WIDE, flags + IS_WIDE elseif most > 255 then width, flags = SHORT, flags + IS_SHORT end
  local function write(flag, as, v) flags, out[#out + 1] = flags + flag, struct.pack(as, v) end
  for _, f in ipairs(TIMES) do
    if g[f[2]] ~= 0 then write(f[1], TIME, g[f[2]]) end
  end
  if g.keep ~= usual_keep(g) then write(HAS_KEEP, TIME, g.keep) end
  for _, f in ipairs(NUMBERS) do
    if g[f[2]] ~= 0 then write(f[1], NUMBER, g[f[2]]) end
  end
  if #g.revoked > 0 then
    write(HAS_REVOKED, 'B', #g.revoked)
    for _, seq in ipairs(g.revoked) do write(0, NUMBER, seq) end
  end
  local v = struct.pack(HEAD_2, 2, flags, g.refresh_digest, g.access_digest, g.nonce)
    .. struct.pack(width, g.generation, g.seq) .. table.concat(out) .. g.rest
  return v .. seal(v, g.id)
end

-- unpack_grant reads a record that is kept under the id.
local function unpack_grant(v, id)
  local read = ({unpack_1, unpack_2})[v:byte(1)]
  if not read then damaged('grant record of an unknown version') end
  local ok, g = pcall(read, v, id)
  if not ok then damaged('grant record') end
  return g
end

-- auth_time is when the owner logged in. In version 1 it stands behind eight strings and the level.
local function auth_time(g)
  if g.version == 2 then return (struct.unpack(TIME, g.rest)) end
  local at = 1
  for _ = 1, 8 do
    if #g.rest < at + 1 then damaged('grant record cut short') end
    at = at + 2 + struct.unpack('>I2', g.rest, at)
  end
  if #g.rest < at + 7 then damaged('grant record cut short') end
  return (struct.unpack(TIME, g.rest, at + 2))
end

local function pack_grant(g) return (g.version == 1 and pack_1 or pack_2)(g) end
