-- The name under which lua-resty-ffi-kafka was required.
return require "resty.ffi.kafka"
