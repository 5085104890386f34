package restyffi

// extern char **environ;
import "C"

import (
	"os"
	"strings"
	"sync"
	"unsafe"
)

// dropArguments leaves only the program's name in os.Args. The other arguments are for the host's program: a flag.Parse in
// the library would fail on them and end the host. libffi_init calls it, and not init, because a test of handlers needs its
// arguments.
var dropArguments = sync.OnceFunc(func() { os.Args = os.Args[:min(1, len(os.Args))] })

func init() { addVariables() }

// addVariables adds the environment variables that Go has not seen. Go reads the environment from the place where the
// system puts it at the start of the process. The host writes its current environment there, but not all of it may fit.
func addVariables() {
	for at := C.environ; at != nil && *at != nil; at = (**C.char)(unsafe.Add(unsafe.Pointer(at), unsafe.Sizeof(at))) {
		name, value, ok := strings.Cut(C.GoString(*at), "=")
		if _, known := os.LookupEnv(name); ok && name != "" && !known {
			os.Setenv(name, value)
		}
	}
}
