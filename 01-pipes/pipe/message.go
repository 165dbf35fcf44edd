package pipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"
)

// Args are the arguments of a call by position, Kwargs those by name, as in
// Python's f(*args, **kwargs).
type (
	Args   []any
	Kwargs map[string]any
)

// Inputs is one call's arguments as they travel: {"args":[…],"kwargs":{…}}.
//
// Numbers inside arrive as [json.Number], which is exact; a float64 would make
// 9007199254740992 of 9007199254740993. [Arg] and [Kwarg] turn one into the
// type you want.
type Inputs struct {
	Args   Args   `json:"args"`
	Kwargs Kwargs `json:"kwargs"`
}

// NewInputs returns the inputs with empty arguments for missing ones.
func NewInputs(a Args, k Kwargs) Inputs {
	if a == nil {
		a = Args{} // nil would travel as null, and Python cannot unpack null
	}
	if k == nil {
		k = Kwargs{}
	}
	return Inputs{a, k}
}

// SendInputs sends one line with one JSON object, {"args":[…],"kwargs":{…}},
// empty ones included. Any language with a JSON library can read it.
func SendInputs(c *Conn, a Args, k Kwargs) error {
	return Send(c, NewInputs(a, k))
}

// Send sends v as one line of JSON. What encoding/json cannot carry is an error
// before the first byte leaves: NaN, a channel, a string that is not UTF-8
// (encoding/json itself would silently replace the bad bytes). []byte travels
// as base64 and may hold anything.
func Send[T any](c *Conn, v T) error {
	b := encoders.Get().(*encoder)
	defer b.release()
	if err := b.encode(v); err != nil {
		return fmt.Errorf("pipe: send %T: %w", v, err)
	}
	if err := c.beginSend("send", b.Len()); err != nil {
		return err
	}
	defer c.writeMu.Unlock()
	return c.finishSend("send", b.Bytes(), nil)
}

// Encode returns the line that [Send] would send, newline included, for a caller
// who wants to know it before it leaves; send it with [Conn.SendLine].
func Encode[T any](v T) ([]byte, error) {
	b := encoders.Get().(*encoder)
	defer b.release()
	if err := b.encode(v); err != nil {
		return nil, fmt.Errorf("pipe: encode %T: %w", v, err)
	}
	return bytes.Clone(b.Bytes()), nil
}

// Decode decodes one line of JSON, with or without its newline, as [Receive]
// does. Its error is a [*DecodeError].
func Decode[T any](line []byte) (T, error) {
	var v T
	line = bytes.TrimSuffix(line, newline)
	if err := decode(line, &v); err != nil {
		var zero T
		return zero, newDecodeError(line, fmt.Sprintf("%T", v), err)
	}
	return v, nil
}

// Receive waits for one line and decodes it into a T. The errors are those of
// [Conn.ReceiveLine]; a line that is no JSON, or no T, is a [*DecodeError]. That
// line is gone then, and the next Receive returns the next message.
//
// Where T is or contains an interface, numbers arrive in it as [json.Number].
func Receive[T any](c *Conn) (T, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	return receive[T](c)
}

// ReceiveAfter is [Receive] that calls wait when nothing is there and it would
// have to wait: the moment to set a deadline, which costs more than the read of
// a message that has arrived already. On a Conn without deadlines, such as stdin,
// it calls wait before each read from the kernel.
//
// An error of wait is returned, and what has come of a message by then stays in
// the Conn for a later call. wait must not use c other than to set deadlines and
// through its SyscallConn. Lesson 02 makes time limits of it.
func ReceiveAfter[T any](c *Conn, wait func() error) (T, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	c.wait = wait
	defer func() { c.wait = nil }()
	return receive[T](c)
}

// receive is Receive for a caller who holds readMu.
func receive[T any](c *Conn) (T, error) {
	line, err := c.nextLine()
	if err != nil {
		var zero T
		return zero, readError("receive", err)
	}
	return Decode[T](line) // removes exactly one newline
}

// Arg returns argument number i as a T, or a [*DecodeError] that says what was
// wrong with it.
func Arg[T any](in Inputs, i int) (T, error) {
	if i < 0 || i >= len(in.Args) {
		var zero T
		return zero, fmt.Errorf("pipe: argument %d is missing: there are %d", i, len(in.Args))
	}
	return convert[T](in.Args[i])
}

// Kwarg returns the argument of that name as a T, like [Arg].
func Kwarg[T any](in Inputs, name string) (T, error) {
	v, ok := in.Kwargs[name]
	if !ok {
		var zero T
		return zero, fmt.Errorf("pipe: argument %q is missing", name)
	}
	return convert[T](v)
}

func convert[T any](from any) (T, error) {
	if v, ok := from.(T); ok {
		return v, nil
	}
	var v T
	if number, ok := from.(json.Number); ok {
		// The usual case, without the way over JSON. Where it does not fit, that
		// way says why.
		var err error
		switch p := any(&v).(type) {
		case *int:
			*p, err = strconv.Atoi(string(number))
		case *int64:
			*p, err = number.Int64()
		case *float64:
			*p, err = number.Float64()
		default:
			err = errors.ErrUnsupported
		}
		if err == nil {
			return v, nil
		}
	}
	text, err := json.Marshal(from)
	if err == nil {
		err = decode(text, &v)
	}
	if err != nil {
		var zero T
		return zero, newDecodeError(text, fmt.Sprintf("%T", v), err)
	}
	return v, nil
}

// UnmarshalJSON accepts an object with args, kwargs, or both, and nothing else.
// encoding/json alone would also take "ARGS" for args and ignore a misspelt
// "kwarg", and the arguments in it would be lost without a word.
func (in *Inputs) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	begin, err := d.Token()
	if err != nil {
		return err
	}
	if begin != json.Delim('{') {
		return fmt.Errorf(`%.20s is not {"args":[…],"kwargs":{…}}`, text)
	}
	*in = Inputs{Args{}, Kwargs{}}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		switch name {
		case "args":
			err = d.Decode(&in.Args)
		case "kwargs":
			err = d.Decode(&in.Kwargs)
		default:
			err = fmt.Errorf(`unknown field %q; want {"args":[…],"kwargs":{…}}`, name)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err == io.EOF { // where the closing brace should be
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	return atEnd(d)
}

// decode decodes exactly one JSON value.
func decode(text []byte, v any) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	var err error
	if in, ok := v.(*Inputs); ok {
		err = in.UnmarshalJSON(text) // encoding/json would look at the text twice
	} else {
		d := decoders.Get().(*decoder)
		d.text.Reset(text)
		if err = d.json.Decode(v); err == nil {
			err = atEnd(d.json)
		}
		if err == nil && len(text) <= 1<<20 { // an error stays in it, and a huge message in its memory
			d.text.Reset(nil)
			decoders.Put(d)
		}
	}
	switch err {
	case io.EOF:
		return errors.New("nothing there")
	case io.ErrUnexpectedEOF:
		// To the caller this error means that the pipe ended. It did not.
		return errors.New("the JSON ends too early")
	}
	return err
}

func atEnd(d *json.Decoder) error {
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value on a line")
	}
	return nil
}

// A decoder is a JSON decoder and what it reads from.
type decoder struct {
	text bytes.Reader
	json *json.Decoder
}

var decoders = sync.Pool{New: func() any {
	d := new(decoder)
	d.json = json.NewDecoder(&d.text)
	d.json.UseNumber()
	return d
}}

// An encoder is a buffer with a JSON encoder that writes to it.
type encoder struct {
	bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	b := new(encoder)
	b.json = json.NewEncoder(b)
	b.json.SetEscapeHTML(false) // the reader is a program, not a browser
	return b
}}

// encode writes v as one line.
func (b *encoder) encode(v any) error {
	if err := b.json.Encode(v); err != nil { // Encode ends with the newline
		return err
	}
	return checkText(v, b.Bytes())
}

func (b *encoder) release() {
	if b.Cap() <= 1<<20 { // one huge message must not stay in memory for ever
		b.Reset()
		encoders.Put(b)
	}
}

// checkText reports a string in v that is not UTF-8. encoding/json replaces
// each bad byte and writes the replacement as the escape \ufffd. So the
// encoded text tells, almost for free, whether a closer look is needed.
func checkText(v any, text []byte) error {
	if bytes.Contains(text, []byte(`\ufffd`)) {
		if path, bad := findBadText(reflect.ValueOf(v), 0); bad {
			return fmt.Errorf("the string%s is not UTF-8; send it as []byte", path)
		}
	}
	if !utf8.Valid(text) { // only a json.RawMessage can do this
		return errors.New("raw JSON in it is not UTF-8")
	}
	return nil
}

var marshaler = reflect.TypeFor[json.Marshaler]()

// findBadText walks the value as encoding/json does. Values with a MarshalJSON
// of their own answer for themselves.
func findBadText(v reflect.Value, depth int) (path string, bad bool) {
	if !v.IsValid() || depth > 1000 || v.Type().Implements(marshaler) {
		return "", false
	}
	switch v.Kind() {
	case reflect.String:
		return "", !utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return findBadText(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if path, bad := findBadText(v.Index(i), depth+1); bad {
				return fmt.Sprintf("[%d]%s", i, path), true
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if _, bad := findBadText(key, depth+1); bad {
				return fmt.Sprintf(" key %q", key), true
			}
			if path, bad := findBadText(value, depth+1); bad {
				return fmt.Sprintf("[%q]%s", key, path), true
			}
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if !field.IsExported() && !field.Anonymous || field.Tag.Get("json") == "-" {
				continue
			}
			if path, bad := findBadText(value, depth+1); bad {
				return "." + field.Name + path, true
			}
		}
	}
	return "", false
}
