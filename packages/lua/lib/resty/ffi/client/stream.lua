-- The streams of the client libraries: those of resty.ffi, with tables as messages.

local msgpack = require "resty.ffi.msgpack"
local status = require "resty.ffi.status"

local decode, encode = msgpack.decode, msgpack.encode
local setmetatable = setmetatable

---A stream of tables.
---@class resty.ffi.ClientStream
local Stream = {}
Stream.__index = Stream

local function decoded(text)
    local res, err = decode(text)
    if err then
        return false, status.THREW, "the answer is " .. err
    end
    return true, res
end

---Receives the next message. After `TIMEOUT` the stream is still open.
---@param seconds? number 5 by default; `math.huge` waits until the stream ends
---@return boolean ok
---@return table|integer|nil message the code if it failed, nil at the end of the stream
---@return string|nil err
function Stream:recv(seconds)
    local ok, res, err = self.stream:recv(seconds)
    if not ok or res == nil then
        return ok, res, err
    end
    return decoded(res)
end

---Sends a message. Waits while the other side is behind.
---@param message table
---@param seconds? number 5 by default
---@return boolean ok
---@return integer|nil code
---@return string|nil err
function Stream:send(message, seconds)
    local text, err = encode(message)
    if not text then
        return false, status.BAD_ARGUMENT, err
    end
    return self.stream:send(text, seconds)
end

---Ends the direction to the other side. Messages can still be received.
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Stream:close_send()
    return self.stream:close_send()
end

---Ends the stream. A second call does nothing.
---@return true
function Stream:close()
    return self.stream:close()
end

-- A stream of resty.ffi with tables as messages.
local function new(stream)
    return setmetatable({ stream = stream }, Stream)
end

return { new = new, decoded = decoded }
