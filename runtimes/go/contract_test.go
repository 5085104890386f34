package restyffi

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"testing"
)

const header = "../../native/include/resty_ffi.h"

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The module carries a copy: it must build without the rest of the repository. Its layout may differ.
func TestHeaderIsTheOneOfTheCore(t *testing.T) {
	words := func(path string) []byte { return bytes.Join(bytes.Fields(read(t, path)), nil) }
	if !bytes.Equal(words(header), words("resty_ffi.h")) {
		t.Fatalf("resty_ffi.h differs from %s: copy it again", header)
	}
}

func TestCodesAreThoseOfTheHeader(t *testing.T) {
	codes := map[string]int{
		"TIMEOUT": CodeTimeout, "CANCELLED": CodeCancelled, "QUEUE_FULL": CodeQueueFull, "TOO_LARGE": CodeTooLarge,
		"NO_METHOD": CodeNoMethod, "THREW": CodeThrew, "EXITED": CodeExited, "UNLOADED": CodeUnloaded,
		"BAD_PHASE": CodeBadPhase, "BAD_ARGUMENT": CodeBadArgument,
	}
	for _, m := range regexp.MustCompile(`RESTY_FFI_([A-Z_]+) = (-\d+)`).FindAllSubmatch(read(t, header), -1) {
		want, _ := strconv.Atoi(string(m[2]))
		if got, ok := codes[string(m[1])]; !ok || got != want {
			t.Errorf("%s is %d in the header and %d here (%v)", m[1], want, got, ok)
		}
		delete(codes, string(m[1]))
	}
	if len(codes) > 0 {
		t.Errorf("not in the header: %v", codes)
	}
}

func TestCostIsThatOfTheHeader(t *testing.T) {
	if !bytes.Contains(read(t, header), []byte("return len < 256 ? 256 : len;")) {
		t.Error("resty_ffi_cost has changed: change cost, too")
	}
	for n, want := range map[int]int64{0: 256, 255: 256, 256: 256, 257: 257} {
		if cost(n) != want {
			t.Errorf("%d bytes cost %d, want %d", n, cost(n), want)
		}
	}
}

func TestVersionIsThatOfThePackage(t *testing.T) {
	var npm struct{ Version string }
	if err := json.Unmarshal(read(t, "package.json"), &npm); err != nil {
		t.Fatal(err)
	}
	if npm.Version != Version {
		t.Errorf("package.json says %s, version.go %s", npm.Version, Version)
	}
}
