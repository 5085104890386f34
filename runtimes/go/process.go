package restyffi

// extern char **environ;
import "C"

import (
	"os"
	"strings"
	"sync"
	"unsafe"
)

// dropArguments leaves the program's name. The arguments of the host's program are not for the library, and a flag.Parse
// that took offence at them would end the host. Not before libffi_init: a test of handlers is a program, with arguments.
var dropArguments = sync.OnceFunc(func() { os.Args = os.Args[:min(1, len(os.Args))] })

func init() { addVariables() }

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
