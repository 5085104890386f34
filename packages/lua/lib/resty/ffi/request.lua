-- The request or timer that the Lua code runs for, as C sees it; nil outside of one.

local get_request = require("resty.core.base").get_request

-- lua-resty-core before 0.1.16 has no get_request; ngx_lua before 0.10.14 keeps the request in a global.
return get_request or function()
    return getfenv(0).__ngx_req
end
