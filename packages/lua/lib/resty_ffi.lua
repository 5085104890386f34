-- The name under which lua-resty-ffi was required.
return require "resty.ffi"
