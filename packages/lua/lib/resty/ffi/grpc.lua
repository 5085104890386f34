-- resty.ffi.grpc: a client of gRPC, tonic of Rust in libffi_grpc.so. Messages are Lua tables.
--
--     local grpc = require "resty.ffi.grpc"
--     grpc.loadfile("helloworld.proto")                           -- or leave it to the server's reflection
--     local conn = grpc.new{ addresses = "127.0.0.1:50051" }      -- nothing is connected yet
--     local ok, res, err = conn:unary("/helloworld.Greeter/SayHello", { name = "you" }, { timeout = 1 })
--     -- true, { message = "Hello you" } | false, code, message: the gRPC status, or a code of resty.ffi below 0
--
--     local stream = conn:stream("/routeguide.RouteGuide/RouteChat")
--     stream:send({ location = { latitude = 1, longitude = 2 }, message = "here" })
--     local ok, note = stream:recv()       -- true, table | true, nil at the end | false, code, message
--     stream:close_send()
--     stream:close()
--
-- Everything else is in docs/grpc.md.

local check = require "resty.ffi.check"
local client = require "resty.ffi.client"
local file = require "resty.ffi.file"
local files = require "resty.ffi.grpc.files"
local msgpack = require "resty.ffi.msgpack"
local options = require "resty.ffi.grpc.options"
local status = require "resty.ffi.status"

local error, setmetatable, type = error, setmetatable, type

local BAD_ARGUMENT = status.BAD_ARGUMENT
local MAX_HANDLES = 1000

---Calls the methods of gRPC servers. docs/grpc.md describes messages, metadata and codes.
---@class resty.ffi.grpc
local _M = {}

local library = client.library("ffi_grpc")

local function refused(err)
    return false, BAD_ARGUMENT, err
end

---Sets the options of `ngx.load_ffi` for libffi_grpc.so, such as `isolate`, before its first use.
---@param opts resty.ffi.LoadOptions
---@return true|nil
---@return string|nil message if the library is loaded already
function _M.setup(opts)
    return library:setup(opts)
end

---Loads the services of a .proto file or a descriptor set, for all connections of this Lua VM. The file is only read:
---the first call that looks for its services reports the mistakes in it.
---@param path string
---@param opts? resty.ffi.grpc.FileOptions
---@return true|nil
---@return string|nil message
function _M.loadfile(path, opts)
    return files.loadfile(path, opts)
end

---Loads the services of a text.
---@param text string
---@param name? string the name by which other files import it
---@param opts? resty.ffi.grpc.FileOptions
---@return true|nil
---@return string|nil message
function _M.load(text, name, opts)
    return files.load(text, name, opts)
end

---Reads a file. Throws if it cannot be read.
---@param path string
---@return string
function _M.readfile(path)
    local content, err = file.read(path)
    if not content then
        error("cannot read " .. err, 2)
    end
    return content
end

---A connection to one or several servers. It belongs to the worker, and all objects with the same options share it.
---@class resty.ffi.grpc.Connection
local Connection = {}
Connection.__index = Connection

local function open(settings, timeout)
    if not settings then
        return nil, BAD_ARGUMENT, timeout
    end
    local text, err = msgpack.encode(settings, true)
    if not text then
        return nil, BAD_ARGUMENT, err
    end
    return setmetatable({ text = text, timeout = timeout and { timeout = timeout } }, Connection)
end

---Makes a connection, in any phase: nothing is connected yet.
---@param opts resty.ffi.grpc.Options
---@return resty.ffi.grpc.Connection|nil
---@return integer|nil code
---@return string|nil message
function _M.new(opts)
    return open(options.of_new(opts))
end

---Makes a connection, with the arguments and results of lua-resty-ffi-grpc. New programs use `new`.
---@param addresses string|string[]
---@param opts? resty.ffi.grpc.Options without `addresses`
---@return boolean ok
---@return resty.ffi.grpc.Connection|integer connection the code if it failed
---@return string|nil message
function _M.connect(addresses, opts)
    local conn, code, err = open(options.of_connect(addresses, opts))
    if not conn then
        return false, code, err
    end
    return true, conn
end

-- Clients by the text of their connection's options, for one version of the loaded files.
local handles, count, handles_version = {}, 0, 0

local function handle_of(self)
    if self.closed then
        return nil, "this connection is closed"
    end
    local version = files.version()
    if self.version == version then
        return self.handle
    elseif handles_version ~= version or count >= MAX_HANDLES then
        handles, count, handles_version = {}, 0, version
    end
    local handle = handles[self.text]
    if not handle then
        local err
        handle, err = library:client({ connection = self.text, schema = files.encoded() })
        if not handle then
            return nil, err
        end
        handles[self.text], count = handle, count + 1
    end
    self.handle, self.version = handle, version
    return handle
end

-- What both kinds of calls need: a handle, the body and the options of the call; nil and an error message.
local function prepare(self, path, req, opts)
    local handle, err = handle_of(self)
    if not handle then
        return nil, err
    elseif type(path) ~= "string" then
        return nil, "the method must be a string such as \"/package.Service/Method\", not a " .. type(path)
    end
    if req == nil then
        req = {}
    end
    if opts == nil then
        return handle, { path, req }
    end
    err = check.options(opts, options.CALL)
    if err then
        return nil, err
    end
    local body = { path, req, {
        metadata = opts.metadata,
        wait_for_ready = opts.wait_for_ready,
        with_metadata = opts.with_metadata,
    } }
    return handle, body, opts.timeout and { timeout = opts.timeout }
end

local function metadata_of(list)
    return { headers = list[2], trailers = list[3], details = list[6] }
end

---Calls a method with one message each way.
---@param path string `/package.Service/Method`
---@param req? table the message
---@param opts? resty.ffi.grpc.CallOptions
---@return boolean ok
---@return table|integer answer the code if it failed: above 0 a status of gRPC, below 0 one of resty.ffi
---@return string|nil message
---@return resty.ffi.grpc.Metadata|nil metadata with the option `with_metadata`
function Connection:unary(path, req, opts)
    local handle, body, timeout = prepare(self, path, req, opts)
    if not handle then
        return refused(body)
    end
    local ok, res, err = handle:call("unary", body, timeout or self.timeout)
    if not ok or not (opts and opts.with_metadata) then
        return ok, res, err
    elseif res[4] then
        return false, res[4], res[5], metadata_of(res)
    end
    return true, res[1], metadata_of(res)
end

-- What recv returns for a stream that has the option with_metadata: the metadata comes with the end.
local function received(ok, res, err)
    if not ok or res == nil then
        return ok, res, err
    elseif #res == 1 then
        return true, res[1]
    elseif res[4] then
        return false, res[4], res[5], metadata_of(res)
    end
    return true, nil, metadata_of(res)
end

---Calls a method that has a stream of messages in either direction.
---@param path string `/package.Service/Method`
---@param opts? resty.ffi.grpc.CallOptions
---@return resty.ffi.ClientStream|nil
---@return integer|nil code
---@return string|nil message
function Connection:stream(path, opts)
    local handle, body, timeout = prepare(self, path, nil, opts)
    if not handle then
        return nil, BAD_ARGUMENT, body
    end
    local stream, code, err = handle:stream("stream", body, timeout)
    if not stream then
        return nil, code, err
    elseif opts and opts.with_metadata then
        local recv = stream.recv
        stream.recv = function(this, seconds)
            return received(recv(this, seconds))
        end
    end
    return stream
end

---Calls a method that has a stream, with the results of lua-resty-ffi-grpc. New programs use `stream`.
---@param path string `/package.Service/Method`
---@param opts? resty.ffi.grpc.CallOptions
---@return boolean ok
---@return resty.ffi.ClientStream|integer stream the code if it failed
---@return string|nil message
function Connection:new_stream(path, opts)
    local stream, code, err = self:stream(path, opts)
    if not stream then
        return false, code, err
    end
    return true, stream
end

---Asks for the health of a service, by `grpc.health.v1`. A service that the server does not know is code 5.
---@param service? string by default the whole server
---@param opts? resty.ffi.grpc.CallOptions
---@return boolean ok
---@return string|integer status `SERVING`, `NOT_SERVING` and so on; the code if it failed
---@return string|nil message
function Connection:health(service, opts)
    local ok, res, err = self:unary("/grpc.health.v1.Health/Check", { service = service }, opts)
    return ok, ok and res.status or res, err
end

---Lists the services of the server, by reflection.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return string[]|integer names the code if it failed
---@return string|nil message
function Connection:services(opts)
    local handle, err = handle_of(self)
    err = err or opts ~= nil and check.options(opts, options.TIMEOUT) or nil
    if err then
        return refused(err)
    end
    return handle:call("services", {}, opts or self.timeout)
end

---Makes this object refuse further calls. The connection itself is closed `idle_timeout` seconds after the last use by
---any object with the same options.
---@return true
function Connection:close()
    self.closed = true
    return true
end

return _M
