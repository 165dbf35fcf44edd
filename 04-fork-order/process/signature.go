package process

import (
	"fmt"
	"reflect"
)

// Signature describes a type in the words that go with a value in the full output
// of a command line, so that who reads it knows what it was: vector<vector<float8>>
// is a [][]float64. The number is the size in bytes; int and uint have 8.
func Signature(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return "optional<" + Signature(t.Elem()) + ">"
	}
	if out, in := ownForm(t); out && in {
		return t.String() // time.Time, say: only those who know it can read it
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("integer%d", t.Size())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("unsigned%d", t.Size())
	case reflect.Float32, reflect.Float64:
		return fmt.Sprintf("float%d", t.Size())
	case reflect.String:
		return "string"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "block"
		}
		return "vector<" + Signature(t.Elem()) + ">"
	case reflect.Array:
		return fmt.Sprintf("array<%s,%d>", Signature(t.Elem()), t.Len())
	case reflect.Map:
		return "map<" + Signature(t.Key()) + "," + Signature(t.Elem()) + ">"
	case reflect.Interface:
		return "any"
	}
	return t.String() // a struct, by its name
}
