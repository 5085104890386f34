-- What resty.ffi.grpc, resty.ffi.etcd and resty.ffi.kafka have in common: libraries and the clients in them.
--
--     local library = client.library("ffi_etcd")
--     local handle, err = library:client({ endpoints = { "127.0.0.1:2379" } })
--     local ok, answer, err = handle:call("get", { key = "a" }, { timeout = 1 })
--     local stream, code, err = handle:stream("watch", { key = "a" })
--
-- A library is a runtime. Each worker has one, and loads it at the first use. A client lives in the runtime, which
-- makes one when it first sees the options of a client, uses the same one for all requests with the same options, and
-- closes it after a while without requests. So a handle is a plain table that owns nothing: it can be made in any
-- phase, also in init_by_lua, it can be dropped, and it outlives a reload of the runtime.
--
-- A request is the MessagePack of { id, body, options }. The id is the digest of the options. The options are sent with
-- the first message of a stream, and with a call that is repeated because its answer was UNKNOWN_CLIENT.

local msgpack = require "resty.ffi.msgpack"
local resty_ffi = require "resty.ffi"
local status = require "resty.ffi.status"
local streams = require "resty.ffi.client.stream"

local encode, encode_list = msgpack.encode, msgpack.encode_list
local load_ffi, open_stream, send = resty_ffi.load, resty_ffi.stream, resty_ffi.send
local md5_bin = ngx.md5_bin
local next, setmetatable, type = next, setmetatable, type

local BAD_ARGUMENT, UNLOADED = status.BAD_ARGUMENT, status.UNLOADED
local UNKNOWN_CLIENT = 10001 -- the answer of a runtime that does not know the options of an id

local _M = {}

local Library = {}
Library.__index = Library

local Client = {}
Client.__index = Client

-- The library of this name, which is searched as ngx.load_ffi does.
function _M.library(lib)
    return setmetatable({ lib = lib }, Library)
end

-- Sets the options of ngx.load_ffi for the runtime. true; nil and an error message if it is loaded already.
function Library:setup(opts)
    if self.rt then
        return nil, "\"" .. self.lib .. "\" is loaded: set it up before its first use, as in init_worker_by_lua"
    end
    self.opts = opts
    return true
end

-- The runtime; nil and an error message. The first use loads it, which blocks the worker while the runtime starts.
function Library:runtime()
    local rt, err = self.rt, nil
    if not rt then
        rt, err = load_ffi(self.lib, nil, self.opts)
        self.rt = rt
    end
    return rt, err
end

-- A client with these options; nil and an error message if they hold a value that MessagePack does not have. `timeout`
-- are the seconds of calls without a timeout of their own, by default those of the library.
function Library:client(options, timeout)
    local text, err = encode(options, true)
    if not text then
        return nil, "the options: " .. err
    end
    return setmetatable({
        library = self,
        id = md5_bin(text),
        options = text,
        timeout = timeout,
        usual = timeout and { timeout = timeout },
    }, Client)
end

local function request_of(self, body, options)
    if self.closed then
        return nil, "this client is closed"
    end
    return encode_list(options and 3 or 2, self.id, body, options)
end

-- The options of a call, by default those of the client. resty.ffi checks the options that are given.
local function options_of(self, opts)
    if self.usual and (opts == nil or type(opts) == "table" and next(opts) == nil) then
        return self.usual
    end
    return opts
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
    opts = options_of(self, opts)
    local ok, res, message = rt[method](rt, request, opts)
    if res == UNKNOWN_CLIENT then
        ok, res, message = rt[method](rt, request_of(self, body, self.options), opts)
    end
    if not ok then
        if res == UNLOADED then
            library.rt = nil -- the program has unloaded it: the next use loads it again
        end
        return false, res, message
    elseif res == nil then
        return true, nil
    end
    return streams.decoded(res)
end

-- A one-way call, in any phase: true | false, code, message. The options of the client are sent along, since the
-- runtime has no way to ask for them.
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
    local ok, code, message = send(rt, method, request, options_of(self, opts))
    if code == UNLOADED then
        self.library.rt = nil -- as above
    end
    return ok, code, message
end

-- A stream of tables, with the methods of resty.ffi.stream; nil, code, message.
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
    return streams.new(stream)
end

-- Makes this handle refuse further calls. The runtime closes the client after a while without requests.
function Client:close()
    self.closed = true
    return true
end

return _M
