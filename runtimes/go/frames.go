package restyffi

// #include "bridge.h"
import "C"

// The constants of resty_ffi.h that the package uses.
const (
	kindCall   = C.RESTY_FFI_CALL
	kindData   = C.RESTY_FFI_DATA
	kindCancel = C.RESTY_FFI_CANCEL
	kindWindow = C.RESTY_FFI_WINDOW
	kindDict   = C.RESTY_FFI_DICT

	flagEnd = C.RESTY_FFI_END
	flagNil = C.RESTY_FFI_NIL

	maxPayload = C.RESTY_FFI_MAX_PAYLOAD
	leastCost  = C.RESTY_FFI_LEAST_COST
)

const (
	logCrit   = C.RESTY_FFI_LOG_CRIT
	logErr    = C.RESTY_FFI_LOG_ERR
	logWarn   = C.RESTY_FFI_LOG_WARN
	logNotice = C.RESTY_FFI_LOG_NOTICE
	logInfo   = C.RESTY_FFI_LOG_INFO
	logDebug  = C.RESTY_FFI_LOG_DEBUG
)

type dictOp uint32

const (
	dictGet    dictOp = C.RESTY_FFI_DICT_GET
	dictSet    dictOp = C.RESTY_FFI_DICT_SET
	dictIncr   dictOp = C.RESTY_FFI_DICT_INCR
	dictDelete dictOp = C.RESTY_FFI_DICT_DELETE
	dictAdd    dictOp = C.RESTY_FFI_DICT_ADD
)

// clock returns CLOCK_MONOTONIC in nanoseconds, the clock of the host's deadlines.
func clock() int64 { return int64(C.restyffi_now()) }

// ABI returns the version of the interface that the host implements, or 0 in a program without a host.
func ABI() int {
	if C.restyffi_has_host() == 0 {
		return 0
	}
	return int(C.resty_ffi_abi())
}
