package testhost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const shimSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
int libffi_init(char *cfg, void *tq)
{
	int (*init)(char *, void *) = (int (*)(char *, void *))dlsym(RTLD_DEFAULT, "libffi_init");
	return init ? init(cfg, tq) : 1;
}
`

// Shim makes a library whose libffi_init is the calling program's: a host opens a library and calls it, and a test cannot
// be opened as one. remove deletes it.
func Shim() (path string, remove func(), err error) {
	folder, err := os.MkdirTemp("", "restyffi-test-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(folder) }
	path = filepath.Join(folder, "libffi_go_test.so")
	source := filepath.Join(folder, "shim.c")
	if err := os.WriteFile(source, []byte(shimSource), 0o600); err != nil {
		return "", remove, err
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", path, source).CombinedOutput(); err != nil {
		return "", remove, fmt.Errorf("%w: %s", err, out)
	}
	return path, remove, nil
}
