package pool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync/atomic"

	persistent "example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process"
)

// What a pool and a worker say to each other: frames of calls, and frames of results, which
// come in the order of the tasks. All numbers are as in encoding/binary's Uvarint.
//
//	call     length of the name, name, number of the first task, length of the arguments, arguments
//	argument length, bytes
//	results  nanoseconds that the tasks took, then results
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
	return appendBytes(b, j.args)
}

func readCall(b []byte) (name string, number uint32, args, rest []byte, err error) {
	text, b, err := readBytes(b)
	if err != nil {
		return "", 0, nil, nil, err
	}
	n, b, err := readNumber(b)
	if err != nil {
		return "", 0, nil, nil, err
	}
	args, rest, err = readBytes(b)
	return string(text), uint32(n), args, rest, err
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

func appendFailure(b []byte, err error) []byte {
	f := failure{Message: err.Error()}
	if p, ok := errors.AsType[*process.PanicError](err); ok {
		f.Trace = p.Stack
	}
	text, _ := json.Marshal(f) // two strings
	return appendBytes(append(b, isFailure), text)
}

func readResult(b []byte) (out []byte, failed error, rest []byte, err error) {
	if len(b) == 0 || b[0] > isFailure {
		return nil, nil, nil, errNonsense
	}
	out, rest, err = readBytes(b[1:])
	if err != nil || b[0] == isValue {
		return out, nil, rest, err
	}
	var f failure
	if json.Unmarshal(out, &f) != nil {
		return nil, nil, nil, errNonsense
	}
	return nil, &persistent.RemoteError{Message: f.Message, Trace: f.Trace}, rest, nil
}

// progress is memory that a worker and the pool both see (package shm of lesson 06). It is
// there after the worker's death, when nobody can be asked any more.
//
// Each task that a worker is given has a number, one more than the task before. The worker
// may begin those from one number up to another, and says so, before it begins one, by
// changing the first of the two. The pool can take back what was not begun, by changing the
// second: of two atomic operations on one word, one is the first.
type progress struct {
	allowed atomic.Uint64 // from, to: 32 bits each, and they may wrap around
	done    atomic.Uint64 // how many tasks have come to their end
}

func span(from, to uint32) uint64 { return uint64(from)<<32 | uint64(to) }

func fromSpan(s uint64) (from, to uint32) { return uint32(s >> 32), uint32(s) }

// before tells whether number a comes before b.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// begin begins the task with this number, if it was not taken back.
func (p *progress) begin(n uint32) bool {
	for {
		old := p.allowed.Load()
		from, to := fromSpan(old)
		if before(n, from) || !before(n, to) {
			return false
		}
		if p.allowed.CompareAndSwap(old, span(n+1, to)) {
			return true
		}
	}
}

// allow allows n tasks more, the first of which has this number.
func (p *progress) allow(first uint32, n int) {
	for {
		old := p.allowed.Load()
		from, to := fromSpan(old)
		if from == to { // all was begun, or taken back
			from = first
		}
		if p.allowed.CompareAndSwap(old, span(from, first+uint32(n))) {
			return
		}
	}
}

// takeBack takes back what was not begun, and returns the number from which on that is.
func (p *progress) takeBack() uint32 {
	for {
		old := p.allowed.Load()
		from, _ := fromSpan(old)
		if p.allowed.CompareAndSwap(old, span(from, from)) {
			return from
		}
	}
}

// begun returns the number from which on nothing was begun.
func (p *progress) begun() uint32 {
	from, _ := fromSpan(p.allowed.Load())
	return from
}
