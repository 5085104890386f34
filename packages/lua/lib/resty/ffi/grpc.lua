-- resty.ffi.grpc: a gRPC client, tonic of Rust in libffi_grpc.so. Messages are Lua tables.
--
--     local grpc = require "resty.ffi.grpc"
--     grpc.loadfile("helloworld.proto")                           -- or leave it to the server's reflection
--     local ok, conn = grpc.connect("127.0.0.1:50051")            -- nothing is connected yet
--     local ok, res, err = conn:unary("/helloworld.Greeter/SayHello", { name = "you" }, { timeout = 1 })
--     -- true, { message = "Hello you" } | false, code, message: the gRPC status, or a code of resty.ffi below 0
--
--     local ok, stream = conn:new_stream("/routeguide.RouteGuide/RouteChat")
--     stream:send({ location = { latitude = 1, longitude = 2 }, message = "here" })
--     local ok, note = stream:recv()       -- true, table | true, nil at the end | false, code, message
--     stream:close_send()
--     stream:close()
--
-- Everything else is in docs/grpc.md.

local check = require "resty.ffi.check"
local client = require "resty.ffi.client"
local files = require "resty.ffi.grpc.files"
local msgpack = require "resty.ffi.msgpack"
local status = require "resty.ffi.status"

local find, match = string.find, string.match
local error, ipairs, open, pairs, setmetatable, tonumber, tostring, type =
    error, ipairs, io.open, pairs, setmetatable, tonumber, tostring, type

local BAD_ARGUMENT = status.BAD_ARGUMENT
local MAX_HANDLES = 1000

local _M = {}

local library = client.library("ffi_grpc")

local function is_metadata(value)
    local kind = type(value)
    return kind == "string" or kind == "number"
end

-- Which names may be sent, and which text, is told by the library.
local function metadata(value)
    local wanted = "a table of strings, numbers, or lists of them, by their names"
    if type(value) ~= "table" then
        return false, wanted
    end
    for name, item in pairs(value) do
        if type(name) ~= "string" then
            return false, wanted, "one with a " .. type(name) .. " for a name"
        elseif type(item) ~= "table" then
            if not is_metadata(item) then
                return false, wanted, "one in which \"" .. name .. "\" is a " .. type(item)
            end
        else
            local items = 0
            for key, part in pairs(item) do
                items = items + 1
                if type(key) ~= "number" or not is_metadata(part) then
                    return false, wanted, "one in which \"" .. name .. "\" has a " .. type(part)
                                          .. " with the key " .. tostring(key)
                end
            end
            if items ~= #item then
                return false, wanted, "one in which the list \"" .. name .. "\" has holes"
            end
        end
    end
    return true
end

local TLS = { verify = check.boolean }

local function tls(value)
    return type(value) == "boolean" or type(value) == "table" and not check.options(value, TLS),
           "a boolean or { verify = false }"
end

local CONNECT = {
    host = check.name,
    tls = tls,
    ca = check.name,
    cert = check.name,
    priv_key = check.name,
    policy = check.one_of("round_robin", "pick_first"),
    connections = check.count,
    connect_timeout = check.seconds,
    keepalive = check.seconds,
    keepalive_timeout = check.seconds,
    idle_timeout = check.seconds,
    max_message_size = check.count,
    max_metadata_size = check.count,
    compression = check.one_of("gzip"),
    metadata = metadata,
    reflection = check.boolean,
    wait_for_ready = check.boolean,
    timeout = check.seconds,
}

local CALL = {
    timeout = check.seconds,
    metadata = metadata,
    wait_for_ready = check.boolean,
    with_metadata = check.boolean,
}
local TIMEOUT = { timeout = check.seconds }

local function refused(err)
    return false, BAD_ARGUMENT, err
end

-- The options of ngx.load_ffi for libffi_grpc.so, such as isolate, before its first use.
function _M.setup(opts)
    return library:setup(opts)
end

-- Makes the services of a .proto file or a descriptor set known, to connections that were made before, too. true, or
-- nil and a sentence. Only reads: mistakes in the file are told by the first call that looks for its services.
_M.loadfile = files.loadfile

-- The same for a text. `name` is for imports and messages.
_M.load = files.load

-- The content of a file, for the options ca, cert and priv_key. Throws if it cannot be read: nil would mean no TLS.
function _M.readfile(path)
    local file, err = open(path, "rb")
    if not file then
        error("cannot read " .. err, 2)
    end
    local content = file:read("*a")
    file:close()
    return content
end

-- "https://a:1" → "a:1", true. nil and a sentence if it is none.
local function address_of(text)
    if type(text) ~= "string" then
        return nil, "an address must be a string, not a " .. type(text)
    end
    local scheme, rest = match(text, "^(https?)://(.-)/?$")
    local address = rest or text
    local host, port = match(address, "^(.+):(%d+)$")
    local whole = find(address, "^unix:.") or host and (not find(host, "[:%s/]") or find(host, "^%[[%x:.]+%]$"))
                  and tonumber(port) <= 65535
    if not whole then
        return nil, "\"" .. text .. "\" is no address: write HOST:PORT, [IPV6]:PORT or unix:PATH"
    end
    return address, scheme and scheme == "https"
end

-- The options as the runtime takes them, or nil and a sentence.
local function settings_of(addresses, opts)
    local err = check.options(opts, CONNECT)
    if err then
        return nil, err
    end
    local settings = { addresses = {} }
    for name, value in pairs(opts) do
        if name ~= "timeout" then
            settings[name] = value
        end
    end
    local secure
    for k, text in ipairs(type(addresses) == "table" and addresses or { addresses }) do
        local address, encrypted = address_of(text)
        if not address then
            return nil, encrypted
        elseif secure ~= nil and encrypted ~= nil and secure ~= encrypted then
            return nil, "one of the addresses is https, another http: a connection has one of the two"
        end
        settings.addresses[k], secure = address, secure or encrypted
    end
    if #settings.addresses == 0 then
        return nil, "there is no address: give \"HOST:PORT\" or a list of them"
    elseif not opts.cert ~= not opts.priv_key then
        return nil, "the options \"cert\" and \"priv_key\" need each other"
    end
    local encrypted = secure or opts.ca or opts.cert
    if opts.tls == false and encrypted then
        return nil, "the option \"tls\" is false, but an https address or certificates are given"
    end
    settings.tls = opts.tls and true or encrypted ~= nil and encrypted ~= false
    if type(opts.tls) == "table" then
        settings.verify = opts.tls.verify
    end
    return settings
end

local Connection = {}
Connection.__index = Connection

-- true, connection | false, code, message. `addresses` is one or a list. Nothing is connected yet.
function _M.connect(addresses, opts)
    opts = opts == nil and {} or opts
    local settings, err = settings_of(addresses, opts)
    if not settings then
        return refused(err)
    end
    local text
    text, err = msgpack.encode(settings, true)
    if not text then
        return refused(err)
    end
    return true, setmetatable({ text = text, timeout = opts.timeout and { timeout = opts.timeout } }, Connection)
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

-- What both kinds of calls need: a handle, the body and the options of the call; nil and a sentence.
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
    err = check.options(opts, CALL)
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

-- One message each way. true, table | false, code, message; with_metadata adds { headers, trailers } to both.
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

-- What recv gives of a stream that was asked for metadata: it comes with the end.
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

-- true, stream | false, code, message. It takes and gives messages, however many the method has in each direction.
function Connection:new_stream(path, opts)
    local handle, body, timeout = prepare(self, path, nil, opts)
    if not handle then
        return refused(body)
    end
    local stream, code, err = handle:stream("stream", body, timeout)
    if not stream then
        return false, code, err
    elseif opts and opts.with_metadata then
        local recv = stream.recv
        stream.recv = function(this, seconds)
            return received(recv(this, seconds))
        end
    end
    return true, stream
end

-- true, "SERVING" | "NOT_SERVING" | … as grpc.health.v1 has it; a service that the server does not know is code 5.
function Connection:health(service, opts)
    local ok, res, err = self:unary("/grpc.health.v1.Health/Check", { service = service }, opts)
    return ok, ok and res.status or res, err
end

-- true, the names of the server's services, by reflection.
function Connection:services(opts)
    local handle, err = handle_of(self)
    err = err or opts ~= nil and check.options(opts, TIMEOUT) or nil
    if err then
        return refused(err)
    end
    return handle:call("services", {}, opts or self.timeout)
end

-- No more calls by this object. What it was connected to is closed when nobody with the same options has used it for
-- idle_timeout seconds.
function Connection:close()
    self.closed = true
    return true
end

return _M
