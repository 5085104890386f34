-- The options of producers and consumers: what they may be, and as libffi_kafka.so wants them.

local check = require "resty.ffi.check"
local headers = require "resty.ffi.kafka.headers"

local next, pairs, type = next, pairs, type

local ACKS = { all = "all", [-1] = "all", [1] = "1", ["1"] = "1", [0] = "0", ["0"] = "0" }

local function acks(value)
    return ACKS[value] ~= nil, "one of \"all\", 1, 0"
end

local FROM = "\"earliest\", \"latest\", an offset from 0 on, or { time = milliseconds }"

-- Where reading begins.
local function from(value)
    if type(value) == "table" then
        return check.index(value.time) and next(value, next(value)) == nil, FROM
    end
    return value == "earliest" or value == "latest" or check.index(value), FROM
end

local ASSIGNMENT = { topic = check.name, partition = check.index, from = from }

local function assignments(value)
    local wanted = "a list of { topic, partition, from }"
    if type(value) ~= "table" then
        return false, wanted
    end
    local items = 0
    for key, item in pairs(value) do
        items = items + 1
        if type(key) ~= "number" or check.options(item, ASSIGNMENT) or not item.topic or not item.partition then
            return false, wanted
        end
    end
    return items > 0 and items == #value, wanted
end

local CONNECTION = {
    brokers = check.names,
    client_id = check.name,
    tls = {
        ca = check.string,
        cert = check.string,
        key = check.string,
        server_name = check.name,
        verify = check.boolean,
    },
    sasl = {
        mechanism = check.one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"),
        user = check.string,
        password = check.string,
        token = check.name,
        token_file = check.name,
        extensions = check.strings,
        realm = check.name,
        keytab = check.name,
        service = check.name,
        config = check.name,
    },
    request_timeout = check.seconds,
    idle_timeout = check.seconds,
    metadata_max_age = check.seconds,
}

-- What a kind of client takes, with the options of its connection.
local function with_connection(known)
    for name, test in pairs(CONNECTION) do
        known[name] = test
    end
    return known
end

local PRODUCER = with_connection({
    acks = acks,
    compression = check.one_of("none", "gzip", "snappy", "lz4", "zstd"),
    linger = check.seconds,
    max_message_bytes = check.count,
    max_buffered = check.count,
    delivery_timeout = check.seconds,
    auto_create = check.boolean,
    transactional_id = check.name,
    transaction_timeout = check.seconds,
})

local CONSUMER = with_connection({
    group = check.name,
    topics = check.names,
    pattern = check.name,
    partitions = assignments,
    from = from,
    session_timeout = check.seconds,
    max_wait = check.seconds,
    read_committed = check.boolean,
    commit_interval = check.seconds,
})

-- The name of lua-resty-ffi-kafka.
local FORMER = { cap = "max_buffered" }
local NONE = {}

local _M = {
    CALL = { timeout = check.seconds },
    SEND = { timeout = check.seconds, headers = headers.check, partition = check.index, timestamp = check.index },
    RECORD = {
        topic = check.name,
        key = check.string,
        value = check.string,
        headers = headers.check,
        partition = check.index,
        timestamp = check.index,
    },
    TOPIC = {
        timeout = check.seconds,
        partitions = check.count,
        replication_factor = check.count,
        configs = check.strings,
    },
}

local function options_of(opts, known, former)
    local options = check.renamed(opts, former)
    if type(opts) == "table" and opts.tls == true then
        options.tls = {}
    end
    local err = check.options(options, known)
    if err then
        return nil, err
    elseif not options.brokers or #options.brokers == 0 then
        return nil, "the option \"brokers\" is missing: a list of addresses such as \"127.0.0.1:9092\""
    end
    return options
end

-- A producer's options, or nil and a sentence.
function _M.of_producer(opts)
    local options, err = options_of(opts, PRODUCER, FORMER)
    if not options then
        return nil, err
    end
    options.acks = ACKS[options.acks]
    return options
end

-- The options of a consumer's connection and its subscription, or nil and a sentence.
function _M.of_consumer(opts)
    local options, err = options_of(opts, CONSUMER, NONE)
    if not options then
        return nil, err
    end
    local topics = options.topics and #options.topics > 0
    if not topics and not options.pattern and not options.partitions then
        return nil, "the option \"topics\" is missing: a list of names; or \"pattern\", or \"partitions\""
    elseif options.commit_interval and not options.group then
        return nil, "the option \"commit_interval\" needs \"group\", the name of a consumer group"
    end
    local connection, subscription = {}, {}
    for name, value in pairs(options) do
        (CONNECTION[name] and connection or subscription)[name] = value
    end
    return connection, subscription
end

return _M
