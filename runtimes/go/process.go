package restyffi

// extern char **environ;
import "C"

import (
	"os"
	"strings"
	"unsafe"
)

// A library finds itself in a process that is not its own: the arguments there are not for it, and a flag.Parse that
// took offence at them would end the host.
func init() {
	os.Args = os.Args[:min(1, len(os.Args))]
	addVariables()
}

// addVariables takes over what Go has not seen of the environment. Go reads it where the system has put it at the start
// of the process. The host puts its present one there, but there may not be room for all of it.
func addVariables() {
	for at := C.environ; at != nil && *at != nil; at = (**C.char)(unsafe.Add(unsafe.Pointer(at), unsafe.Sizeof(at))) {
		name, value, ok := strings.Cut(C.GoString(*at), "=")
		if _, known := os.LookupEnv(name); ok && name != "" && !known {
			os.Setenv(name, value)
		}
	}
}
