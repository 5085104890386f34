package restyffi

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
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

// contract is native/dist/contract.json: what the C compiler knows of the headers.
type contract struct {
	Constants map[string]int64
	Enums     map[string][]string
	Structs   map[string]struct {
		Size   uintptr
		Fields map[string]field
	}
}

type field struct{ Offset, Size uintptr }

func theContract(t *testing.T) (c contract) {
	t.Helper()
	if err := json.Unmarshal(read(t, "../../native/dist/contract.json"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConstantsAreThoseOfTheHeader(t *testing.T) {
	c := theContract(t)
	for enum, here := range map[string]map[string]int64{
		"resty_ffi_status": {
			"TIMEOUT": CodeTimeout, "CANCELLED": CodeCancelled, "QUEUE_FULL": CodeQueueFull, "TOO_LARGE": CodeTooLarge,
			"NO_METHOD": CodeNoMethod, "THREW": CodeThrew, "EXITED": CodeExited, "UNLOADED": CodeUnloaded,
			"BAD_PHASE": CodeBadPhase, "BAD_ARGUMENT": CodeBadArgument,
			"OK": 0, // an error that is nil
		},
		"resty_ffi_kind": {
			"CALL": kindCall, "DATA": kindData, "CANCEL": kindCancel, "WINDOW": kindWindow, "DICT": kindDict,
			"LOG":   5, // bridge.h makes its frames
			"WATCH": 7, // for the loaders of other languages
		},
		"resty_ffi_flag": {
			"END": flagEnd, "NIL": flagNil,
			"COPY": 4, // bridge.h sets it
		},
		"resty_ffi_level": {
			"LOG_CRIT": logCrit, "LOG_ERR": logErr, "LOG_WARN": logWarn, "LOG_NOTICE": logNotice, "LOG_INFO": logInfo,
			"LOG_DEBUG": logDebug,
			"LOG_EMERG": 1, "LOG_ALERT": 2, // for the host itself
		},
		"resty_ffi_dict_op": {
			"DICT_GET": int64(dictGet), "DICT_SET": int64(dictSet), "DICT_INCR": int64(dictIncr),
			"DICT_DELETE": int64(dictDelete), "DICT_ADD": int64(dictAdd),
		},
	} {
		if len(c.Enums[enum]) == 0 {
			t.Errorf("the header has no enum %s", enum)
		}
		for _, name := range c.Enums[enum] {
			short := strings.TrimPrefix(name, "RESTY_FFI_")
			if value, ok := here[short]; !ok || value != c.Constants[name] {
				t.Errorf("%s is %d in the header and %d here (%v)", name, c.Constants[name], value, ok)
			}
			delete(here, short)
		}
		if len(here) > 0 {
			t.Errorf("not in the header's %s: %v", enum, here)
		}
	}
	for name, here := range map[string]int64{
		"RESTY_FFI_ABI": int64(ABI()), "RESTY_FFI_MAX_PAYLOAD": maxPayload, "RESTY_FFI_LEAST_COST": leastCost,
		"RESTY_FFI_STREAM_WINDOW": testhost.Window,
	} {
		if value, ok := c.Constants[name]; !ok || value != here {
			t.Errorf("%s is %d in the header (%v) and %d here", name, value, ok, here)
		}
	}
}

func TestTheFrameIsThatOfTheHeader(t *testing.T) {
	want := theContract(t).Structs["resty_ffi_frame"]
	here := reflect.TypeFor[frame]()
	fields := make(map[string]field)
	for i := range here.NumField() {
		f := here.Field(i)
		fields[f.Name] = field{f.Offset, f.Type.Size()}
	}
	if here.Size() != want.Size || !maps.Equal(fields, want.Fields) {
		t.Errorf("%d bytes, %v; want %d, %v", here.Size(), fields, want.Size, want.Fields)
	}
}

func TestCostIsThatOfTheHeader(t *testing.T) {
	for _, n := range []int{0, 1, leastCost - 1, leastCost, leastCost + 1, maxPayload} {
		if cost(n) != testhost.Cost(n) {
			t.Errorf("%d bytes cost %d, want %d", n, cost(n), testhost.Cost(n))
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
