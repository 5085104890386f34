-- Reads files: certificates, keys and .proto files. It blocks the worker, as io.open does.

local open = io.open

local _M = {}

-- The content of a file; nil and an error message that begins with the path.
function _M.read(path)
    local file, err = open(path, "rb")
    if not file then
        return nil, err
    end
    local content
    content, err = file:read("*a") -- fails for a folder, without naming it
    file:close()
    return content, err and path .. ": " .. err
end

return _M
