package process

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// cannotTravel says why a value of this type would not arrive as it is in another
// process; empty if it would. It is asked once for each registered function, when
// the program starts: later it would be a nil where nobody expects one.
func cannotTravel(t reflect.Type) string {
	return travel{}.check(t, t.String())
}

// travel are the types that have been looked at, for those that contain themselves.
type travel map[reflect.Type]bool

func (seen travel) check(t reflect.Type, path string) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	// A type with a form of its own answers for itself: time.Time, a lock's handle.
	switch out, in := ownForm(t); {
	case out && in:
		return ""
	case out:
		return fmt.Sprintf("%s (%v) has MarshalJSON or MarshalText, but nothing to read that with", path, t)
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr:
		return fmt.Sprintf("%s (%v) has a meaning only in the process that made it", path, t)
	case reflect.Complex64, reflect.Complex128:
		return fmt.Sprintf("%s (%v) has no form in JSON; send two floats", path, t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("%s (%v) is an interface: the other process would not know which type to make", path, t)
		}
		return "" // any: what JSON makes of it arrives
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return seen.check(t.Elem(), path)
	case reflect.Map:
		if why := checkKey(t.Key(), path); why != "" {
			return why
		}
		return seen.check(t.Elem(), path+"[…]")
	case reflect.Struct:
		return seen.checkFields(t, path)
	}
	return ""
}

func (seen travel) checkFields(t reflect.Type, path string) string {
	for field := range t.Fields() {
		path := path + "." + field.Name
		if field.Tag.Get("json") == "-" {
			continue // its author has said that it stays here
		}
		if !field.IsExported() {
			elem := field.Type
			if field.Anonymous && elem.Kind() == reflect.Struct {
				// Its exported fields are promoted, and travel.
				if why := seen.check(elem, path); why != "" {
					return why
				}
				continue
			}
			return fmt.Sprintf("%s is not exported, so it would be lost without a word (`json:\"-\"` says that this is meant)", path)
		}
		if why := seen.check(field.Type, path); why != "" {
			return why
		}
	}
	return ""
}

func checkKey(t reflect.Type, path string) string {
	if t.Implements(textMarshaler) && reflect.PointerTo(t).Implements(textUnmarshaler) {
		return ""
	}
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return ""
	}
	return fmt.Sprintf("%s is a map with keys of type %v; strings and integers can be keys", path, t)
}

// ownForm tells whether a type has a text or JSON form of its own, and whether it
// can be read back.
func ownForm(t reflect.Type) (out, in bool) {
	p := t
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		p = reflect.PointerTo(t)
	}
	// A method of the pointer counts for reading only: encoding/json does not
	// find it when it has the value alone.
	out = t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
	in = p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler)
	return out, in
}
