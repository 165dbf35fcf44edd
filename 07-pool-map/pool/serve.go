package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/shm"
)

// A birth is what a worker is told when it is started.
type birth struct {
	Init  string // the name of the initializer, and its argument
	Arg   []byte
	Marks bool // see mark
	Procs int  // how many processors it is to use
}

// service is a worker, from inside. It runs one task after the other, until the pool closes
// the pipe.
var service = process.Service("pool.worker", func(ctx context.Context, b birth, front *pipe.Conn) error {
	front.SetLimit(frameLimit)
	shared, err := receiveProgress(front)
	if err != nil {
		return err
	}
	// The pool's processors, divided among its workers. A worker that has more threads than
	// it can use wakes them and sends them to sleep again, with each message.
	runtime.GOMAXPROCS(b.Procs)
	if b.Init != "" {
		if _, err := process.Invoke(ctx, b.Init, b.Arg); err != nil {
			return fmt.Errorf("the initializer %q: %w", b.Init, err)
		}
	}
	w := &works{front: front, progress: shared, marks: b.Marks}
	if err := w.send(); err != nil { // ready
		return err
	}
	// Its thread has nothing else to do than to wait for the next call, so it may sit in
	// read(2). There are no deadlines then: to end the wait, the socket is shut down.
	_ = front.SetBlocking()
	defer context.AfterFunc(ctx, func() { _ = front.CloseRead() })()
	var buf []byte
	for err == nil && ctx.Err() == nil {
		if buf, err = front.ReceiveFrameInto(buf); err == nil {
			err = w.do(ctx, buf)
		}
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
})

// receiveProgress takes the memory that the worker shares with the pool.
func receiveProgress(front *pipe.Conn) (*progress, error) {
	file, err := front.ReceiveFile()
	if err != nil {
		return nil, err
	}
	memory, err := shm.Map(file)
	if err != nil {
		return nil, err
	}
	return shm.At[progress](memory, 0), nil
}

const (
	// window is for how long a worker may keep results to itself, to send many in one
	// piece. If it dies, these are lost.
	window     = 5 * time.Millisecond
	enough     = 64 << 10 // bytes of results that are not kept any longer
	muchMemory = 1 << 20  // that is not kept for the next result

	argsLimit   = 256 << 20 // bytes of the arguments of one call
	resultLimit = 256 << 20 // of one result
	frameLimit  = 1 << 30
)

type works struct {
	front    *pipe.Conn
	progress *progress
	marks    bool
	result   []byte // memory for one

	mu      sync.Mutex
	results []byte
	since   time.Time // when these were begun
	timer   *time.Timer
	err     error
}

// do runs the calls of a frame.
func (w *works) do(ctx context.Context, frame []byte) error {
	w.mu.Lock()
	w.since = time.Now()
	w.mu.Unlock()
	for len(frame) > 0 {
		a, rest, err := readCall(frame)
		if err == nil {
			err = w.call(ctx, a, len(rest) == 0)
		}
		if err != nil {
			return err
		}
		frame = rest
	}
	more := w.front.Buffered() > 0 && ctx.Err() == nil
	if w.marks && !more {
		w.say(mark("", 0))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if more {
		w.sendSoon()
		return nil
	}
	return w.send() // also nothing
}

// call runs the tasks of a call, one after the other.
func (w *works) call(ctx context.Context, a assignment, last bool) error {
	fn, unknown := process.Lookup(a.name)
	for ; len(a.args) > 0 && ctx.Err() == nil && w.progress.begin(a.number); a.number, a.first = a.number+1, a.first+1 {
		arg, more, err := readBytes(a.args)
		if err != nil {
			return err
		}
		a.args = more
		if w.marks {
			w.say(mark(a.name, a.first))
		}
		out, failed := w.result[:0], unknown
		if failed == nil {
			out, failed = fn.Invoke(ctx, out, arg)
		}
		w.progress.done.Add(1)
		if err := w.keep(out, failed, last && len(more) == 0); err != nil {
			return err
		}
		if w.result = out; cap(out) > muchMemory {
			w.result = nil
		}
	}
	return nil
}

// say prints to both streams.
func (w *works) say(mark []byte) {
	_, _ = os.Stdout.Write(mark) // a task may have closed it; then it prints nothing either
	_, _ = os.Stderr.Write(mark)
}

// keep keeps a result until there is nothing more to do, or there are many. Or until a timer
// sends them: the next task may take an hour.
func (w *works) keep(out []byte, err error, last bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && len(out) > resultLimit {
		err = fmt.Errorf("the result has %d bytes, which is too much; write a file, and return its name", len(out))
	}
	if err != nil {
		w.results = appendFailure(w.results, err)
	} else {
		w.results = appendBytes(append(w.results, isValue), out)
	}
	switch {
	case len(w.results) >= enough:
		return w.send()
	case !last: // or do sends it at once
		w.sendSoon()
	}
	return w.err
}

func (w *works) sendSoon() {
	if w.timer != nil || len(w.results) == 0 {
		return
	}
	w.timer = time.AfterFunc(window, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.results) > 0 { // and were not sent in this moment
			_ = w.send() // if the pool is gone, the next task is the last one
		}
	})
}

// send sends what there is.
func (w *works) send() error {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if w.err == nil {
		now := time.Now()
		w.err = w.front.SendFrame(binary.LittleEndian.AppendUint64(w.results, uint64(now.Sub(w.since))))
		w.since = now
	}
	if w.results = w.results[:0]; cap(w.results) > muchMemory {
		w.results = nil
	}
	return w.err
}
