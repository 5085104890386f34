-- What the chunks of the Kafka tests use.

local kafka = require "resty.ffi.kafka"

local _M = {}

-- The results of a call; throws why it failed.
function _M.must(ok, ...)
    if not ok then
        error(table.concat({ ... }, ": "), 2)
    end
    return ...
end

-- A function that makes consumers at these brokers.
function _M.consumers(brokers)
    return function(group, topics, options)
        options = options or {}
        options.brokers, options.group, options.topics = brokers, group, topics
        local consumer, code, err = kafka.consumer(options)
        return consumer or error(code .. ": " .. err)
    end
end

-- A table that lives as long as the worker.
_M.state = {}

return _M
