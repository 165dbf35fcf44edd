package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// An argument is one field of a function's In, as a flag of a command line.
type argument struct {
	name     string // of the flag, without --
	index    []int  // of the field; nil: In itself
	kind     reflect.Type
	optional bool
}

// arguments derives the flags from the type: one for each field of a struct,
// ServerAddress is --server-address; and --in for a type that is no struct. A
// pointer and a field with omitempty or omitzero may be left out.
func arguments(in reflect.Type) []argument {
	out, back := ownForm(in)
	if in.Kind() != reflect.Struct || out && back {
		return []argument{{name: "in", kind: in}}
	}
	var all []argument
	for _, field := range reflect.VisibleFields(in) {
		if field.Anonymous || !field.IsExported() || field.Tag.Get("json") == "-" {
			continue
		}
		_, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		all = append(all, argument{
			name:     kebab(field),
			index:    field.Index,
			kind:     field.Type,
			optional: field.Type.Kind() == reflect.Pointer || strings.Contains(options, "omit"),
		})
	}
	return all
}

// kebab makes the name of a flag from that of a field: ServerAddress is
// server-address. A json tag goes first.
func kebab(field reflect.StructField) string {
	if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != "" {
		return strings.ReplaceAll(tag, "_", "-")
	}
	var b strings.Builder
	name := field.Name
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 {
			before := name[i-1] >= 'a' && name[i-1] <= 'z'
			after := i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if before || after && name[i-1] != '_' {
				b.WriteByte('-')
			}
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return strings.ReplaceAll(b.String(), "_", "-")
}

// parseArguments makes an In of a command line. Its errors are one line and name
// the argument.
func parseArguments(in reflect.Type, args []string) (v reflect.Value, full bool, err error) {
	v = reflect.New(in).Elem()
	known := arguments(in)
	given := map[string]bool{}
	for len(args) > 0 {
		name, value, hasValue, err := cutArgument(args[0])
		args = args[1:]
		if err != nil {
			return v, false, err
		}
		if name == "full-output" && !hasValue {
			full = true
			continue
		}
		a, ok := find(known, name)
		if !ok {
			return v, false, fmt.Errorf("there is no argument --%s; there is %s", name, list(known))
		}
		if given[name] {
			return v, false, fmt.Errorf("--%s is given twice", name)
		}
		given[name] = true
		switch {
		case hasValue:
		case a.kind.Kind() == reflect.Bool:
			value = "true"
		case len(args) == 0:
			return v, false, fmt.Errorf("--%s has no value; write --%s=VALUE", name, name)
		default:
			value, args = args[0], args[1:]
		}
		target := v
		if a.index != nil {
			target = v.FieldByIndex(a.index)
		}
		if err := setArgument(target, value); err != nil {
			return v, false, fmt.Errorf("--%s: %w", name, err)
		}
	}
	for _, a := range known {
		if !given[a.name] && !a.optional {
			return v, false, fmt.Errorf("--%s is missing; write --%s=VALUE, which is %s", a.name, a.name, describe(a.kind))
		}
	}
	return v, full, nil
}

func cutArgument(arg string) (name, value string, hasValue bool, err error) {
	rest, ok := strings.CutPrefix(arg, "--")
	if !ok || rest == "" || rest[0] == '=' {
		if strings.HasPrefix(arg, "–") || strings.HasPrefix(arg, "—") {
			return "", "", false, fmt.Errorf("%.50q begins with a typographic dash; type two hyphens: --", arg)
		}
		return "", "", false, fmt.Errorf("%.50q is not an argument of the form --name=value", arg)
	}
	name, value, hasValue = strings.Cut(rest, "=")
	return name, value, hasValue, nil
}

func find(all []argument, name string) (argument, bool) {
	for _, a := range all {
		if a.name == name {
			return a, true
		}
	}
	return argument{}, false
}

func list(all []argument) string {
	var names []string
	for _, a := range all {
		name := "--" + a.name
		if a.optional {
			name = "[" + name + "]"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// describe says what a value is to look like, for people.
func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.Struct, reflect.Map:
		return "a JSON object: " + t.String()
	case reflect.Slice, reflect.Array:
		return "a JSON list: " + t.String()
	}
	return "a value of type " + t.String()
}

// setArgument sets a field from the text behind the equals sign: a string is taken
// as it is, anything else is JSON.
func setArgument(field reflect.Value, text string) error {
	kind := field.Type()
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	encoded := []byte(text)
	// Also for what has a text form, such as a time.
	if _, own := ownForm(kind); kind.Kind() == reflect.String || own && !json.Valid(encoded) {
		var err error
		if encoded, err = json.Marshal(text); err != nil {
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.DisallowUnknownFields()
	d.UseNumber()
	err := d.Decode(field.Addr().Interface())
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if err == nil && string(encoded) == "null" {
		switch kind.Kind() {
		case reflect.Interface, reflect.Slice, reflect.Map:
		default: // encoding/json would leave the field as it is, without a word
			err = errors.New("null is no value")
		}
	}
	if err == nil {
		return nil
	}
	if strings.ContainsAny(text, "“”„‘’«»") {
		return fmt.Errorf("the quotation marks are typographic (“ ”); type straight ones: \"")
	}
	why := ""
	if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); !wrongType && err != io.EOF {
		why = ": " + err.Error()
	}
	return fmt.Errorf("%.100q is not %s%s", text, describe(field.Type()), why)
}

// formatArguments is the way back: the flags that give in.
func formatArguments(in reflect.Value) ([]string, error) {
	var args []string
	for _, a := range arguments(in.Type()) {
		field := in
		if a.index != nil {
			field = in.FieldByIndex(a.index)
		}
		if a.optional && field.IsZero() {
			continue
		}
		text, err := json.Marshal(field.Interface())
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", a.name, err)
		}
		var plain string
		if text[0] == '"' && json.Unmarshal(text, &plain) == nil {
			text = []byte(plain) // a string travels without its quotes
		}
		args = append(args, "--"+a.name+"="+string(text))
	}
	return args, nil
}
