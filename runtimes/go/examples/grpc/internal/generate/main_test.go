package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The code in pb/ is that of the files in protos/: else run go generate.
func TestCodeIsUpToDate(t *testing.T) {
	root := "../.."
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("nothing was generated")
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s is not what go generate makes (%v)", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(root, "pb/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(there) != len(files) {
		t.Errorf("pb/ holds %d files, go generate makes %d", len(there), len(files))
	}
}
