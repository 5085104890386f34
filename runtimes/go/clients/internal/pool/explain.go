package pool

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

// decode decodes MessagePack into the value that v points to. Its error names the field that does not fit.
func decode(text []byte, v any) error {
	if err := decodeStrictly(text, v); err != nil {
		return explain(text, v, err)
	}
	return nil
}

// explain returns an error that names the part of a text that does not fit the value that v points to; the decoder's error does
// not name it. It decodes the text again, part by part, which only errors pay for.
func explain(text []byte, v any, cause error) error {
	if err := misfit(text, reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	return fmt.Errorf("%s", strings.TrimPrefix(cause.Error(), "msgpack: "))
}

// misfit returns why a text does not fit the type t, or nil if it does. name is the name of the value.
func misfit(text msgpack.RawMessage, t reflect.Type, name string) error {
	err := decodeStrictly(text, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, custom := reflect.New(t).Interface().(msgpack.CustomDecoder)
	switch {
	case custom:
		return fmt.Errorf("%s: %s", quoted(name), strings.TrimPrefix(err.Error(), "msgpack: "))
	case t.Kind() == reflect.Struct:
		return misfitOfStruct(text, t, name)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return misfitOfList(text, t, name)
	}
	return mismatch(text, t, name)
}

func misfitOfStruct(text msgpack.RawMessage, t reflect.Type, name string) error {
	var items map[string]msgpack.RawMessage
	if msgpack.Unmarshal(text, &items) != nil {
		return mismatch(text, t, name)
	}
	known := fieldsOf(t)
	for _, key := range slices.Sorted(maps.Keys(items)) {
		field := key
		if name != "" {
			field = name + "." + key
		}
		kind, ok := known[key]
		if !ok {
			return fmt.Errorf("there is no field %q; the fields are: %s", field,
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := misfit(items[key], kind, field); err != nil {
			return err
		}
	}
	return nil
}

func misfitOfList(text msgpack.RawMessage, t reflect.Type, name string) error {
	var items []msgpack.RawMessage
	if msgpack.Unmarshal(text, &items) != nil {
		return mismatch(text, t, name)
	}
	for i, item := range items {
		if err := misfit(item, t.Elem(), fmt.Sprintf("%s[%d]", name, i+1)); err != nil { // as Lua counts
			return err
		}
	}
	return nil
}

func mismatch(text msgpack.RawMessage, t reflect.Type, name string) error {
	return fmt.Errorf("%s must be %s, not %s", quoted(name), wanted(t), shown(text))
}

// fieldsOf returns the types of a struct's fields by their names in MessagePack.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			maps.Copy(fields, fieldsOf(f.Type))
		case name == "":
			fields[f.Name] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

func quoted(name string) string {
	if name == "" {
		return "it"
	}
	return fmt.Sprintf("%q", name)
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 on"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a string"
		}
		return "a list"
	}
	return "a table"
}

func shown(text msgpack.RawMessage) string {
	var value any
	if msgpack.Unmarshal(text, &value) != nil {
		return "a broken value"
	}
	switch value := value.(type) {
	case nil:
		return "nil"
	case string:
		return fmt.Sprintf("string %.100q", value)
	case []byte:
		return fmt.Sprintf("string %.100q", value)
	case bool:
		return fmt.Sprintf("boolean %v", value)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("number %v", value)
}
