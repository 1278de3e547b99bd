-- sources.lua is the accounts of attempts of an owner's known sources: for each the source (16 bytes) and its account, one
-- behind the other, as storage.EncodeSources has them.

local SOURCE_SIZE, MAX_SOURCES = 16, 8
local KNOWN_SIZE = SOURCE_SIZE + LOGIN_SIZE

-- read_sources takes the record apart; the accounts themselves are read when they are asked for.
local function read_sources(key)
  local v, list = redis.call('GET', key) or '', {}
  if #v % KNOWN_SIZE ~= 0 or #v > MAX_SOURCES * KNOWN_SIZE then damaged('known sources') end
  for i = 1, #v, KNOWN_SIZE do
    list[#list + 1] = {source = v:sub(i, i + SOURCE_SIZE - 1), record = v:sub(i + SOURCE_SIZE, i + KNOWN_SIZE - 1)}
  end
  return list
end

local function login_of(k)
  k.login = k.login or read_login(k.record)
  return k.login
end

-- known_login is the account of a source, or nil if it is not known.
local function known_login(list, source)
  for _, k in ipairs(list) do
    if k.source == source then return login_of(k) end
  end
  return nil
end

-- know clears the account of a source from which somebody has just logged in, or makes the source known, in place of the
-- one whose last success is the oldest.
local function know(list, source, code, now)
  local l = known_login(list, source)
  if l then return succeed(l, code, now) end
  local at = #list + 1
  if at > MAX_SOURCES then
    at = 1
    for i, k in ipairs(list) do
      if login_of(k).login < login_of(list[at]).login then at = i end
    end
  end
  list[at] = {source = source, login = new_login()}
  succeed(list[at].login, code, now)
end

-- save_sources writes them if one was changed, or all were forgotten.
local function save_sources(key, list)
  local out, changed = {}, list.changed
  for i, k in ipairs(list) do
    changed = changed or (k.login and k.login.changed)
    out[i] = k.source .. (k.login and pack_login(k.login) or k.record)
  end
  if not changed then return end
  if #out == 0 then
    redis.call('UNLINK', key)
  else
    redis.call('SET', key, table.concat(out))
  end
end
