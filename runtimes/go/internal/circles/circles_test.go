package circles

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFiles checks all packages except the SDK, in which a runtime, its calls and its streams refer to each other.
func TestFiles(t *testing.T) {
	for _, folder := range []string{
		"../testhost", "../../clients/etcd", "../../clients/kafka", "../../clients/internal/kerberos",
		"../../clients/internal/pool", "../../conformance", "../../examples/etcd", "../../examples/grpc",
		"../../examples/kafka",
	} {
		circles, err := In(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, circle := range circles {
			t.Errorf("%s: %s", folder, circle)
		}
	}
}

func TestACircleIsFound(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.go":      "package p\n\nimport \"example.com/far\"\n\ntype a struct{ far.T }\n\nfunc (a) call() { b(0).ask() }\n",
		"b.go":      "package p\n\ntype b int\n\nfunc (b) ask() { c() }\n",
		"c.go":      "package p\n\nfunc c() { x := a{}; x.call() }\n",
		"d.go":      "package p\n\nfunc d() { c(); e() }\n\nfunc e() { d() }\n",
		"a_test.go": "package p\n\nfunc f() { e() }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	circles, err := In(folder)
	want := []string{"a.go uses ask of b.go uses c of c.go uses a of a.go"}
	if err != nil || !slices.Equal(circles, want) {
		t.Errorf("%q, %v; want %q", circles, err, want)
	}
}
