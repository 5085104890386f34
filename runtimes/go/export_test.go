package restyffi

// ForgetServe lets another example call Serve.
func ForgetServe() { setUp, served = nil, 0 }
