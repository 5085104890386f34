-- A one-way call. It does not wait, so it can be made in any phase.

local ffi = require "ffi"
local options = require "resty.ffi.options"
local status = require "resty.ffi.status"

local ffi_str = ffi.string
local type, tostring = type, tostring
local call_timeout = options.timeout

local function bad_argument(rt, err)
    return false, status.BAD_ARGUMENT, "bad argument for runtime \"" .. rt.name .. "\": " .. err
end

-- `rt` is the private part of the runtime in ffi.lua, `method` a number. Returns true | false, code, message.
return function(rt, method, request, opts)
    local C, timeout = rt.C, rt.timeout
    if opts ~= nil then
        local err
        timeout, err = call_timeout(opts, timeout)
        if not timeout then
            return bad_argument(rt, err)
        end
    end
    local kind = type(request)
    if kind == "number" then
        request = tostring(request)
    elseif kind ~= "string" and kind ~= "nil" then
        return bad_argument(rt, "the request must be a string or nil, not a " .. kind)
    end
    local code = C.resty_ffi_runtime_send(rt.handle, method, request, request and #request or 0,
                                          timeout < 0.001 and 1 or timeout * 1000)
    if code ~= 0 then
        return false, code, ffi_str(C.resty_ffi_runtime_explain(rt.handle, code))
    end
    return true
end
