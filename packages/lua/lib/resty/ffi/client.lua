-- What the client libraries (resty.ffi.grpc, resty.ffi.etcd, resty.ffi.kafka) share.
--
--     local library = client.library("ffi_etcd")
--     local handle, err = library:client({ endpoints = { "127.0.0.1:2379" } })
--     local ok, answer, err = handle:call("get", { key = "a" }, { timeout = 1 })
--     local stream, code, err = handle:stream("watch", { key = "a" })
--
-- A library is a runtime, one in each worker, loaded when it is first needed. A client lives in the runtime: it makes
-- one when it first gets the client's options, gives the same one to all who have the same options, and closes it when
-- nobody has used it for a while. So a handle is a plain table that owns nothing: it can be made anywhere, also in
-- init_by_lua, be dropped, and outlives a reload of the runtime.
--
-- A request is the MessagePack of { id, body, options }. The id is the digest of the options; they come with the first
-- message of a stream, and again with a call that was answered UNKNOWN_CLIENT.

local msgpack = require "resty.ffi.msgpack"
local resty_ffi = require "resty.ffi"
local status = require "resty.ffi.status"

local decode, encode, encode_list = msgpack.decode, msgpack.encode, msgpack.encode_list
local load_ffi, open_stream, send = resty_ffi.load, resty_ffi.stream, resty_ffi.send
local md5_bin = ngx.md5_bin
local setmetatable = setmetatable

local BAD_ARGUMENT, UNLOADED = status.BAD_ARGUMENT, status.UNLOADED
local UNKNOWN_CLIENT = 10001 -- what a runtime answers to an id that it has no options for

local _M = {}

local Library = {}
Library.__index = Library

local Client = {}
Client.__index = Client

local Stream = {}
Stream.__index = Stream

-- The library of this name; `ngx.load_ffi` says where it is searched.
function _M.library(lib)
    return setmetatable({ lib = lib }, Library)
end

-- The options of ngx.load_ffi that the runtime is loaded with. true, or nil and a sentence: it is loaded already.
function Library:setup(opts)
    if self.rt then
        return nil, "\"" .. self.lib .. "\" is loaded: set it up before its first use, as in init_worker_by_lua"
    end
    self.opts = opts
    return true
end

-- The runtime, or nil and a sentence. It is loaded if need be, which keeps the worker waiting while it starts.
function Library:runtime()
    local rt, err = self.rt, nil
    if not rt then
        rt, err = load_ffi(self.lib, nil, self.opts)
        self.rt = rt
    end
    return rt, err
end

-- A client with these options, a table of what MessagePack has; nil and a sentence if it holds something else.
function Library:client(options)
    local text, err = encode(options, true)
    if not text then
        return nil, "the options: " .. err
    end
    return setmetatable({ library = self, id = md5_bin(text), options = text }, Client)
end

local function request_of(self, body, options)
    if self.closed then
        return nil, "this client is closed"
    end
    return encode_list(options and 3 or 2, self.id, body, options)
end

local function decoded(text)
    local res, err = decode(text)
    if err then
        return false, status.THREW, "the answer is " .. err
    end
    return true, res
end

-- true, answer | false, code, message.
function Client:call(method, body, opts)
    local library = self.library
    local rt, err = library:runtime()
    if not rt then
        return false, UNLOADED, err
    end
    local request
    request, err = request_of(self, body)
    if not request then
        return false, BAD_ARGUMENT, err
    end
    local ok, res, message = rt[method](rt, request, opts)
    if res == UNKNOWN_CLIENT then
        ok, res, message = rt[method](rt, request_of(self, body, self.options), opts)
    end
    if not ok then
        if res == UNLOADED then
            library.rt = nil -- somebody unloaded it: the next use loads it again
        end
        return false, res, message
    elseif res == nil then
        return true, nil
    end
    return decoded(res)
end

-- A one-way call, in any phase: true | false, code, message. Nobody could ask for the client's options later: they come
-- along.
function Client:send(method, body, opts)
    local rt, err = self.library:runtime()
    if not rt then
        return false, UNLOADED, err
    end
    local request
    request, err = request_of(self, body, self.options)
    if not request then
        return false, BAD_ARGUMENT, err
    end
    local ok, code, message = send(rt, method, request, opts)
    if code == UNLOADED then
        self.library.rt = nil -- as above
    end
    return ok, code, message
end

-- A stream of tables, with the methods of resty.ffi.stream; nil, code, message if it cannot be opened.
function Client:stream(method, body, opts)
    local rt, err = self.library:runtime()
    if not rt then
        return nil, UNLOADED, err
    end
    local first
    first, err = request_of(self, body, self.options)
    if not first then
        return nil, BAD_ARGUMENT, err
    end
    local stream, code, message = open_stream(rt, method, first, opts)
    if not stream then
        if code == UNLOADED then
            self.library.rt = nil -- as above
        end
        return nil, code, message
    end
    return setmetatable({ stream = stream }, Stream)
end

-- No more calls by this handle. The connection is closed when nobody with the same options has used it for a while.
function Client:close()
    self.closed = true
    return true
end

-- true, table | true, nil at the end | false, code, message.
function Stream:recv(seconds)
    local ok, res, err = self.stream:recv(seconds)
    if not ok or res == nil then
        return ok, res, err
    end
    return decoded(res)
end

-- true | false, code, message.
function Stream:send(message, seconds)
    local text, err = encode(message)
    if not text then
        return false, BAD_ARGUMENT, err
    end
    return self.stream:send(text, seconds)
end

function Stream:close_send()
    return self.stream:close_send()
end

function Stream:close()
    return self.stream:close()
end

return _M
