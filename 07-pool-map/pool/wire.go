package pool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	persistent "example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process"
)

// What a pool and a worker say to each other: frames of calls, and frames of results, which
// come in the order of the tasks. All numbers are as in encoding/binary's Uvarint.
//
//	call     length of the name, name, number of the first task (see progress), what messages
//	         call it, length of the arguments, arguments
//	argument length, bytes
//	results  results, and in the last 8 bytes the nanoseconds that the tasks took; a worker that is ready for its first
//	         task sends a frame without any, and so does one whose tasks were all taken back
//	result   0 or 1: what was returned, or a failure; length, bytes

var errNonsense = errors.New("it does not speak this protocol")

// AppendArg appends the argument of one more task, encoded, to the Args of a [Call].
func AppendArg(args, arg []byte) []byte { return appendBytes(args, arg) }

func appendBytes(b, data []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}

func readNumber(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errNonsense
	}
	return n, b[size:], nil
}

func readBytes(b []byte) (data, rest []byte, err error) {
	if len(b) > 0 && int(b[0]) < min(len(b), 0x80) { // a short one, as most are
		return b[1 : 1+b[0]], b[1+b[0]:], nil
	}
	n, b, err := readNumber(b)
	if err != nil || n > uint64(len(b)) {
		return nil, nil, errNonsense
	}
	return b[:n], b[n:], nil
}

// skipArgs returns what comes after n arguments.
func skipArgs(args []byte, n int) []byte {
	for range n {
		_, rest, err := readBytes(args)
		if err != nil {
			return nil
		}
		args = rest
	}
	return args
}

func appendCall(b []byte, j *job) []byte {
	b = appendBytes(b, []byte(j.Name))
	b = binary.AppendUvarint(b, uint64(j.number))
	b = binary.AppendUvarint(b, uint64(j.First+j.next))
	return appendBytes(b, j.args)
}

// An assignment is a call as a worker sees it.
type assignment struct {
	name   string
	number uint32
	first  int
	args   []byte
}

func readCall(b []byte) (a assignment, rest []byte, err error) {
	name, b, err := readBytes(b)
	if err != nil {
		return a, nil, err
	}
	number, b, err := readNumber(b)
	if err != nil {
		return a, nil, err
	}
	first, b, err := readNumber(b)
	if err != nil {
		return a, nil, err
	}
	a = assignment{name: string(name), number: uint32(number), first: int(first)}
	a.args, rest, err = readBytes(b)
	return a, rest, err
}

const (
	isValue   = 0
	isFailure = 1
)

// A failure is an error on its way.
type failure struct {
	Message string `json:"message"`
	Trace   string `json:"trace,omitempty"`
}

// readTook returns the nanoseconds at the end of a frame of results, and what is before.
func readTook(b []byte) (took time.Duration, results []byte, err error) {
	if len(b) < 8 {
		return 0, nil, errNonsense
	}
	results = b[:len(b)-8]
	return time.Duration(binary.LittleEndian.Uint64(b[len(results):])), results, nil
}

func appendFailure(b []byte, err error) []byte {
	f := failure{Message: err.Error()}
	if p, ok := errors.AsType[*process.PanicError](err); ok {
		f.Trace = p.Stack
	}
	text, _ := json.Marshal(f) // two strings
	return appendBytes(append(b, isFailure), text)
}

// splitResult cuts off a result, which may be that of a failure.
func splitResult(b []byte) (failed bool, out, rest []byte, err error) {
	if len(b) == 0 || b[0] > isFailure {
		return false, nil, nil, errNonsense
	}
	out, rest, err = readBytes(b[1:])
	return b[0] == isFailure, out, rest, err
}

func readFailure(text []byte) (*persistent.RemoteError, error) {
	var f failure
	if json.Unmarshal(text, &f) != nil {
		return nil, errNonsense
	}
	return &persistent.RemoteError{Message: f.Message, Trace: f.Trace}, nil
}
