package worker

import (
	"bytes"
	"encoding/json"
	"fmt"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Dialect is how a program's answer looks like, always on one line.
type Dialect int

const (
	// Bare is the JSON value itself. The simplest one for a program to write, and
	// the weakest: what the program prints otherwise is skipped only if it is no
	// JSON, and "42" is. An error has no form, so the program has to crash.
	Bare Dialect = iota

	// Envelope is {"ok":true,"value":…}, or {"ok":false,"error":"…","trace":"…"}
	// when the function failed; trace may be missing. Nothing else is an answer.
	Envelope

	// Flagged is Config.Flag followed by the JSON value, anywhere on a line that
	// may begin with other output. Choose a flag that is never printed otherwise.
	Flagged
)

// A RemoteError says that the function itself failed, in the program, which told
// so and goes on. It cost no restart.
type RemoteError struct {
	Message string
	Trace   string // where it happened, in the words of the program's language; may be empty
}

func (e *RemoteError) Error() string {
	if e.Trace == "" {
		return e.Message
	}
	return e.Message + "\n\n" + e.Trace
}

// parse tells whether a line is an answer, and which.
func (c *Config) parse(line []byte) (answer json.RawMessage, isAnswer bool, err error) {
	line = bytes.TrimSpace(line)
	switch c.Dialect {
	case Envelope:
		return openEnvelope(line)
	case Flagged:
		_, value, found := bytes.Cut(line, []byte(c.Flag))
		if found && !json.Valid(value) {
			return nil, true, fmt.Errorf("behind the flag %q there is no JSON: %.200q", c.Flag, value)
		}
		return value, found, nil
	}
	return line, json.Valid(line), nil
}

type envelope struct {
	OK    *bool           `json:"ok"`
	Value json.RawMessage `json:"value,omitempty"`
	Error *string         `json:"error,omitempty"`
	Trace *string         `json:"trace,omitempty"`
}

// goodPrefix begins the envelope of a value as Serve writes it.
const goodPrefix = `{"ok":true,"value":`

func openEnvelope(line []byte) (answer json.RawMessage, isAnswer bool, err error) {
	// Most are of this form, and then there is nothing to take apart.
	if value, ok := bytes.CutPrefix(line, []byte(goodPrefix)); ok {
		if value, ok := bytes.CutSuffix(value, []byte("}")); ok && json.Valid(value) {
			return value, true, nil
		}
	}
	if len(line) == 0 || line[0] != '{' {
		return nil, false, nil
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var e envelope
	if d.Decode(&e) != nil || d.More() || e.OK == nil {
		return nil, false, nil
	}
	switch {
	case *e.OK && e.Value != nil && e.Error == nil && e.Trace == nil:
		return e.Value, true, nil
	case !*e.OK && e.Error != nil && e.Value == nil:
		remote := &RemoteError{Message: *e.Error}
		if e.Trace != nil {
			remote.Trace = *e.Trace
		}
		return nil, true, remote
	}
	return nil, false, nil
}

// An announcement is what a program sends when it is ready.
type announcement struct {
	Ready    bool `json:"ready"`
	Protocol int  `json:"protocol"`
}

const protocol = 1

func isAnnouncement(line []byte) (bool, error) {
	if !bytes.Contains(line, []byte(`"ready"`)) {
		return false, nil
	}
	a, err := pipe.Decode[announcement](bytes.TrimSpace(line))
	if err != nil || !a.Ready {
		return false, nil
	}
	if a.Protocol != protocol {
		return true, fmt.Errorf("it speaks protocol %d, and this is protocol %d", a.Protocol, protocol)
	}
	return true, nil
}
