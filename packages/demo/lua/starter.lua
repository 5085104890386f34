-- nginx ends when the program that started it is gone, even if that was killed and could not say so.

local ffi = require "ffi"

local C = ffi.C

ffi.cdef [[
int prctl(int option, unsigned long signal, ...);
int getppid(void);
]]

local PR_SET_PDEATHSIG, SIGQUIT = 1, 3

-- To be called in the master: in init_by_lua.
return function(starter)
    C.prctl(PR_SET_PDEATHSIG, SIGQUIT)
    if C.getppid() ~= starter then
        error("the program that started nginx is gone")
    end
end
