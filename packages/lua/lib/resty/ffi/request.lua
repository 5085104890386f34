-- The request, or timer, that this Lua runs for, as C sees it; nil if there is none.

local get_request = require("resty.core.base").get_request

-- lua-resty-core before 0.1.16 reads it where ngx_lua before 0.10.14 keeps it.
return get_request or function()
    return getfenv(0).__ngx_req
end
