-- The options of producers and consumers, and as libffi_kafka.so takes them.

local check = require "resty.ffi.check"
local connection = require "resty.ffi.connection"
local headers = require "resty.ffi.kafka.headers"

local next, pairs, type = next, pairs, type

---SASL of a connection. `token`, `token_file` and `extensions` belong to OAUTHBEARER; `realm`, `keytab`, `service` and
---`config` to GSSAPI (Kerberos).
---@class resty.ffi.kafka.SaslOptions
---@field mechanism? "PLAIN"|"SCRAM-SHA-256"|"SCRAM-SHA-512"|"OAUTHBEARER"|"GSSAPI"
---@field user? string
---@field password? string
---@field token? string
---@field token_file? string is read for each connection
---@field extensions? table<string, string>
---@field realm? string
---@field keytab? string path
---@field service? string first part of the principals of the brokers; `kafka` by default
---@field config? string path of krb5.conf

---Options of every connection.
---@class resty.ffi.kafka.Options: resty.ffi.ConnectionOptions
---@field brokers string[] addresses; one that answers is enough
---@field sasl? resty.ffi.kafka.SaslOptions
---@field client_id? string name of the client in the logs of the brokers
---@field request_timeout? number seconds for which a request is tried again
---@field metadata_max_age? number seconds until topics and partitions are read again

---Options of a producer. `cap` is a former name of `max_buffered`.
---@class resty.ffi.kafka.ProducerOptions: resty.ffi.kafka.Options
---@field acks? "all"|-1|0|1 which replicas must have a record before `send` returns
---@field compression? "none"|"gzip"|"snappy"|"lz4"|"zstd"
---@field linger? number seconds to wait for more records of a batch
---@field max_message_bytes? integer of a batch
---@field max_buffered? integer records that wait to be sent
---@field delivery_timeout? number seconds for which a record is tried
---@field auto_create? boolean lets the brokers create missing topics
---@field transactional_id? string
---@field transaction_timeout? number seconds until the brokers abort a transaction that does not end

---Options of a consumer.
---@class resty.ffi.kafka.ConsumerOptions: resty.ffi.kafka.Options
---@field group? string name of the consumer group
---@field topics? string[]
---@field pattern? string regular expression for the whole name of a topic
---@field partitions? { topic: string, partition: integer, from?: string|integer|table }[] without a group
---@field from? "earliest"|"latest"|integer|{ time: integer } where reading begins without a committed offset
---@field session_timeout? number seconds until a member that died is given up
---@field max_wait? number seconds for which a broker may hold back a fetch
---@field read_committed? boolean skips the records of transactions that are not committed
---@field commit_interval? number seconds between automatic commits

---Options of one record.
---@class resty.ffi.kafka.SendOptions: resty.ffi.CallOptions
---@field headers? table a list of `{ key, value }`, or strings by their keys
---@field partition? integer
---@field timestamp? integer milliseconds

---A record to send.
---@class resty.ffi.kafka.NewRecord
---@field topic string
---@field key? string
---@field value? string
---@field headers? table
---@field partition? integer
---@field timestamp? integer milliseconds

---Options of a topic. The brokers have defaults for what is not given.
---@class resty.ffi.kafka.TopicOptions: resty.ffi.CallOptions
---@field partitions? integer
---@field replication_factor? integer
---@field configs? table<string, string>

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

local CONNECTION = connection.known({
    brokers = check.names,
    client_id = check.name,
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
    metadata_max_age = check.seconds,
})

-- The options of a kind of client, with those of its connection.
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
    local options, timeout = connection.read(opts, known, former)
    if not options then
        return nil, timeout
    elseif not options.brokers or #options.brokers == 0 then
        return nil, "the option \"brokers\" is missing: a list of addresses such as \"127.0.0.1:9092\""
    end
    return options, timeout
end

-- A producer's options and the seconds of its calls; nil and an error message if an option is wrong.
function _M.of_producer(opts)
    local options, timeout = options_of(opts, PRODUCER, FORMER)
    if not options then
        return nil, timeout
    end
    options.acks = ACKS[options.acks]
    return options, timeout
end

-- The options of a consumer's connection, its subscription and the seconds of its calls; nil and an error message if an
-- option is wrong.
function _M.of_consumer(opts)
    local options, timeout = options_of(opts, CONSUMER, NONE)
    if not options then
        return nil, timeout
    end
    local topics = options.topics and #options.topics > 0
    if not topics and not options.pattern and not options.partitions then
        return nil, "the option \"topics\" is missing: a list of names; or \"pattern\", or \"partitions\""
    elseif options.commit_interval and not options.group then
        return nil, "the option \"commit_interval\" needs \"group\", the name of a consumer group"
    end
    local own, subscription = {}, {}
    for name, value in pairs(options) do
        (CONNECTION[name] and own or subscription)[name] = value
    end
    return own, subscription, timeout
end

return _M
