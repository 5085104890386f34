package testhost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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

// Self is the path of a library whose libffi_init is that of the test program, which itself cannot be opened as a library.
// Main makes it.
var Self string

// Main runs the tests of a package that is itself the library under test. Call it in TestMain.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "restyffi-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if Self, err = shim(folder); err != nil {
		panic(err)
	}
	return m.Run()
}

func shim(folder string) (path string, err error) {
	path = filepath.Join(folder, "libffi_go_test.so")
	source := filepath.Join(folder, "shim.c")
	if err := os.WriteFile(source, []byte(shimSource), 0o600); err != nil {
		return "", err
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", path, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
}
