package restyffi

// Shim returns the path of the library whose libffi_init is this test's.
func Shim() string { return shim }

// ForgetServe lets another example call Serve.
func ForgetServe() { setUp, served = nil, 0 }
