package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// What parent and child say to each other, on descriptor 3, in frames. The parent
// begins with two, in one write: an order, and the argument. The child answers
// "ready" when it has understood, and at its end sends one outcome. Then, or when
// the parent closes its end, all is said.

const protocol = 1

// An order is what a new process is to do.
type order struct {
	Protocol int
	Build    string // of the program, see build.go; empty: it can be no other
	Target   string
	Name     string
	Parent   string // its name
	Depth    int    // 1: started by the first process
	Grace    time.Duration
	Service  uintptr // the descriptor of the backend's end, or 0
	Log      bool
}

// An order is its fields, with a zero byte between them, which can be in no name.
// (In JSON it was 0.15 ms, of a start of 2: what costs there is not the work but that
// a new process has none of the pages of that code yet.)
func (o order) text() []byte {
	return []byte(strings.Join([]string{
		strconv.Itoa(o.Protocol), o.Build, o.Target, o.Name, o.Parent, strconv.Itoa(o.Depth),
		strconv.FormatInt(int64(o.Grace), 10), strconv.Itoa(int(o.Service)), strconv.FormatBool(o.Log),
	}, "\x00"))
}

func readOrder(text []byte) (o order, err error) {
	field := strings.Split(string(text), "\x00")
	if o.Protocol, err = strconv.Atoi(field[0]); err != nil || o.Protocol != protocol {
		return o, err // the others may mean anything
	}
	if len(field) != 9 {
		return o, fmt.Errorf("%d fields", len(field))
	}
	o.Build, o.Target, o.Name, o.Parent = field[1], field[2], field[3], field[4]
	var errs [4]error
	o.Depth, errs[0] = strconv.Atoi(field[5])
	grace, err := strconv.ParseInt(field[6], 10, 64)
	o.Grace, errs[1] = time.Duration(grace), err
	service, err := strconv.ParseUint(field[7], 10, 16)
	o.Service, errs[2] = uintptr(service), err
	o.Log, errs[3] = strconv.ParseBool(field[8])
	return o, errors.Join(errs[:]...)
}

// The first byte of a frame from the child.
const (
	sayReady   = 'r'
	sayRefuse  = 'x' // why it will not do it, as text
	sayValue   = 'v' // the result, encoded
	sayFailure = 'e' // a failure, as JSON
)

// A failure is an error, on its way.
type failure struct {
	Message string `json:"message"`
	Trace   string `json:"trace"`
	Aborted bool   `json:"aborted,omitempty"` // it was told to stop, and did
}

// serviceDescriptor is where the backend's end is: behind the channel (3) and the
// lifeline (4).
const serviceDescriptor = 5

// tooLarge says no to what does not fit into a frame, in a process and inline.
func tooLarge(what string, b []byte) error {
	const most = pipe.DefaultLimit - 1 // the first byte says what it is
	if len(b) <= most {
		return nil
	}
	return fmt.Errorf("%w: %s has %d bytes, and the limit is %d; write it to a file and send the path", pipe.ErrTooLarge, what, len(b), most)
}

// outcome is how a function has ended.
type outcome struct {
	value []byte
	err   error // nil: value counts
}

func readOutcome(frame []byte, who func(error) error) (outcome, error) {
	if len(frame) == 0 {
		return outcome{}, errors.New("an empty frame")
	}
	switch kind, text := frame[0], frame[1:]; kind {
	case sayValue:
		return outcome{value: text}, nil
	case sayRefuse:
		return outcome{err: who(errors.New(string(text)))}, nil
	case sayFailure:
		var f failure
		if err := json.Unmarshal(text, &f); err != nil {
			return outcome{}, err
		}
		return outcome{err: who(f.err())}, nil
	default:
		return outcome{}, fmt.Errorf("a frame of kind %q", kind)
	}
}
