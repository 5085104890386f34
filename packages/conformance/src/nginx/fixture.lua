-- What the suite's nginx serves: calls of runtimes over HTTP, Lua chunks, and crowds of calls made in the worker.

local resty_ffi = require "resty.ffi"

local floor, min, random = math.floor, math.min, math.random
local spawn, wait = ngx.thread.spawn, ngx.thread.wait

local _M = { runtimes = {} }
local runtimes = _M.runtimes

function _M.load(name, lib, cfg, opts)
    local rt, err = ngx.load_ffi(lib, cfg, opts)
    runtimes[name] = rt
    return rt, err
end

local function answer(ok, res, err)
    ngx.header["X-Ok"] = ok and 1 or 0
    if not ok then
        ngx.header["X-Code"] = tostring(res)
        ngx.print(err or "")
    elseif res == nil then
        ngx.header["X-Nil"] = 1
    else
        ngx.print(res)
    end
end
_M.answer = answer

-- POST /call/RUNTIME/METHOD?timeout=SECONDS
function _M.call()
    local name, method = ngx.var.uri:match("^/call/([^/]+)/(.+)$")
    local body
    ngx.req.read_body()
    if not ngx.req.get_headers()["X-Nil"] then
        body = ngx.req.get_body_data() or ""
        assert(not ngx.req.get_body_file(), "the body went to a file: raise client_body_buffer_size")
    end
    local rt = assert(runtimes[name], "no runtime of this name is loaded")
    local timeout = tonumber(ngx.var.arg_timeout)
    answer(rt[method](rt, body, timeout and { timeout = timeout }))
end

-- POST /lua: runs the body. What it returns is the answer.
function _M.lua()
    ngx.req.read_body()
    local chunk = assert(loadstring(ngx.req.get_body_data(), "=request"))
    local result = chunk(_M)
    ngx.print(result == nil and "" or tostring(result))
end

local function note(counts, key)
    key = tostring(key)
    counts[key] = (counts[key] or 0) + 1
end

local function text_of(counts)
    local lines = {}
    for key, value in pairs(counts) do
        lines[#lines + 1] = key .. "=" .. tostring(value)
    end
    return table.concat(lines, "\n")
end

local function crowd(size, work)
    local threads = {}
    for k = 1, size do
        threads[k] = assert(spawn(work))
    end
    for k = 1, size do
        assert(wait(threads[k]))
    end
end
_M.crowd = crowd

local function noise(size)
    local plain, flipped = {}, {}
    for k = 1, size do
        local byte = random(0, 255)
        plain[k] = string.char(byte)
        flipped[k] = string.char(bit.bxor(byte, 0x5a))
    end
    return table.concat(plain), table.concat(flipped)
end

function _M.storm(name, calls, in_flight, largest)
    local rt, counts, left = runtimes[name], {}, calls
    local plain, flipped = noise(largest)
    crowd(in_flight, function()
        while left > 0 do
            left = left - 1
            local size = random(0, left % 50 == 0 and largest or min(largest, 4096))
            local from = random(1, largest - size + 1)
            local ok, res = rt:xor(plain:sub(from, from + size - 1), { timeout = 60 })
            note(counts, ok and (res == flipped:sub(from, from + size - 1) and "ok" or "wrong") or res)
        end
    end)
    return text_of(counts)
end

-- A thread runs until it waits: so these calls are all sent before the first answer is looked at.
function _M.burst(name, method, request, calls)
    local rt, counts = runtimes[name], {}
    crowd(calls, function()
        local ok, res = rt[method](rt, request, { timeout = 60 })
        note(counts, ok and "ok" or res)
    end)
    return text_of(counts)
end

function _M.time_out(name, calls, in_flight, timeout)
    local rt, counts, left = runtimes[name], {}, calls
    crowd(in_flight, function()
        while left > 0 do
            left = left - 1
            local ok, res = rt:never(nil, { timeout = timeout })
            note(counts, ok and "ok" or res)
        end
    end)
    return text_of(counts)
end

local take = {}

local function receive(stream, seen)
    local ok, message, err = stream:recv(10)
    if not ok then
        seen.status, seen.message = message, err
    elseif not message then
        seen.status = 0
    else
        seen.count = seen.count + 1
        seen.bytes = seen.bytes + #message
        if #seen.texts < 100 then
            seen.texts[#seen.texts + 1] = message:sub(1, 64)
        end
        return true
    end
end

function take.send(stream, step, seen)
    local message = step.size and ("x"):rep(step.size) or step.text or ""
    for _ = 1, step.times or 1 do
        local ok, code, err = stream:send(message, 10)
        if not ok then
            seen.status, seen.message = code, err
            return
        end
    end
end

function take.recv(stream, step, seen)
    for _ = 1, step.times or 1 do
        if not receive(stream, seen) then
            return
        end
    end
end

function take.drain(stream, step, seen)
    while receive(stream, seen) do
        if step.pause then
            ngx.sleep(step.pause / 1000)
        end
    end
end

function take.closeSend(stream)
    stream:close_send()
end

function take.close(stream)
    stream:close()
end

function take.sleep(_, step)
    ngx.sleep(step.ms / 1000)
end

local function quoted(text)
    return "\"" .. text:gsub("[%c\"\\]", function(c) return ("\\u%04x"):format(c:byte()) end) .. "\""
end

-- Takes steps with a stream: see Step in host.ts. Returns what was seen, as JSON.
function _M.stream(name, method, first, steps, timeout)
    local seen = { count = 0, bytes = 0, texts = {}, message = "" }
    local opts = timeout and { timeout = timeout } or nil
    local stream, code, err = resty_ffi.stream(runtimes[name], method, first, opts)
    if not stream then
        seen.status, seen.message = code, err
    end
    for _, step in ipairs(stream and steps or {}) do
        take[step["do"]](stream, step, seen)
        if seen.status then
            break
        end
    end
    if stream then
        stream:close()
    end
    for k, text in ipairs(seen.texts) do
        seen.texts[k] = quoted(text)
    end
    return ("{\"count\":%d,\"bytes\":%d,\"texts\":[%s],\"status\":%s,\"message\":%s}"):format(
        seen.count, seen.bytes, table.concat(seen.texts, ","), seen.status or "null", quoted(seen.message))
end

-- GET /stream/RUNTIME/METHOD?first=TEXT: opens a stream, and reads it slowly until the client goes away. The answer
-- begins with the stream's first message.
function _M.hold()
    local name, method = ngx.var.uri:match("^/stream/([^/]+)/(.+)$")
    local stream = assert(resty_ffi.stream(runtimes[name], method, ngx.var.arg_first))
    assert(stream:recv(60))
    ngx.say("begun")
    ngx.flush(true)
    repeat
        local _, message = stream:recv(60)
        ngx.sleep(0.01)
    until not message
end

function _M.cancel_half_way(name, method, first, streams)
    for _ = 1, streams do
        local stream = assert(resty_ffi.stream(runtimes[name], method, first))
        assert(stream:recv(10))
        stream:close()
    end
end

-- Keeps `in_flight` calls in flight for a number of seconds, while the runtime is reloaded.
function _M.reload_under_load(name, reloads, in_flight, seconds)
    local rt, counts, on = runtimes[name], { sent = 0, answered = 0, reloads = 0 }, true
    local reloader = assert(spawn(function()
        for _ = 1, reloads do
            local start = ngx.now()
            assert(resty_ffi.reload(rt))
            counts.reloads = counts.reloads + 1
            ngx.sleep(math.max(0.001, seconds / reloads - (ngx.now() - start)))
        end
        on = false
    end))
    crowd(in_flight, function()
        while on do
            counts.sent = counts.sent + 1
            local ok, res = rt:xor("reload", { timeout = 60 })
            note(counts, ok and "answered" or res)
        end
    end)
    assert(wait(reloader))
    return text_of(counts)
end

function _M.stats(name)
    local counts = assert(require("resty.ffi").stats(runtimes[name]))
    return text_of(counts)
end

-- How late a timeout fires, in ms: the best of several, seen by the worker's own clock.
function _M.lateness(name, timeout)
    local rt, best = runtimes[name], math.huge
    for _ = 1, 50 do
        ngx.update_time()
        local start = ngx.now()
        local ok, code = rt:never(nil, { timeout = timeout })
        ngx.update_time()
        assert(not ok and code == -1, "not a timeout: " .. tostring(code))
        local late = (ngx.now() - start - timeout) * 1000
        if late < best then
            best = late
        end
        if best < 15 then
            break
        end
    end
    return floor(best * 1000) / 1000
end

return _M
