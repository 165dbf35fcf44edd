package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Callable is a function that workers know by its name; *process.Target is one.
type Callable[In, Out any] interface {
	Name() string
	Append(b []byte, in In) ([]byte, error)
	Decode(out []byte) (Out, error)
}

// An Option changes how Map works.
type Option func(*options)

type options struct {
	chunk    int
	ahead    int
	failFast bool
	progress func(done, of int)
	atEnd    func() // with the lock: it must not wait
	err      error
}

// Chunk is how many inputs go to a worker in one piece. Few make the workers busy until the
// end, many save journeys. Without it, there are four pieces for each worker.
func Chunk(n int) Option {
	return func(o *options) {
		if n < 1 {
			o.err = fmt.Errorf("chunks of %d inputs", n)
		}
		o.chunk = n
	}
}

// FailFast makes Map return at the first error. What was not begun is cancelled.
func FailFast() Option { return func(o *options) { o.failFast = true } }

// Progress is called when results have come, in the goroutine that has called Map. Many may
// come at once. The last call, if Map has waited for all of them, is f(of, of).
func Progress(f func(done, of int)) Option { return func(o *options) { o.progress = f } }

// Map calls fn for each input, in the workers of the pool, and returns the results in the
// order of the inputs when all have come. The error joins those of all inputs, each a
// [*TaskError] with the input's index; results of the others are there, and the failed
// ones' are zero. If ctx ends before, what was not begun is cancelled, and the error is
// [pipe.ErrTimeout] or the context's cause; what is running comes to its end, and nobody
// hears of it.
func Map[In, Out any](ctx context.Context, p *Pool, fn Callable[In, Out], in []In, opts ...Option) ([]Out, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	if o.err != nil {
		return nil, fmt.Errorf("pool: map %q: %w", fn.Name(), o.err)
	}
	if o.chunk == 0 {
		o.chunk = max((len(in)+4*p.cfg.Workers-1)/(4*p.cfg.Workers), 1)
	}
	m := newMapping(fn, len(in), o)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.stop = cancel
	for first := 0; first < len(in) && ctx.Err() == nil; first += o.chunk {
		last := min(first+o.chunk, len(in))
		submit(ctx, p, fn, in[first:last], first, m)
	}
	m.await(ctx)
	return m.conclude(ctx, p)
}

// submit submits inputs, in one call, or in several if that would be long. Their results are
// those from first on in m.
func submit[In, Out any](ctx context.Context, p *Pool, fn Callable[In, Out], in []In, first int, m *mapping[Out]) {
	var args, arg []byte
	from := 0 // in is submitted up to here
	flush := func(to int) {
		if to > from {
			m.submit(ctx, p, &Call{Name: fn.Name(), Tasks: to - from, Args: args, First: first + from})
		}
		args, from = nil, to
	}
	for i, one := range in {
		var err error
		if arg, err = fn.Append(arg[:0], one); err != nil {
			flush(i)
			m.fail(first+i, first+i+1, err)
			from++
			continue
		}
		if args == nil {
			args = make([]byte, 0, min((len(in)-i)*(len(arg)+1), maxAhead))
		}
		if args = AppendArg(args, arg); len(args) >= maxAhead {
			flush(i + 1)
		}
	}
	flush(len(in))
}

// A mapping is a Map that is going on.
type mapping[Out any] struct {
	options
	fn    func([]byte) (Out, error)
	first int // what messages call the first input
	stop  func()
	ended chan struct{}
	more  chan struct{} // has something in it when results have come, for Progress

	calls []*Call

	// Several workers bring results at the same time, each for a place of its own in out; to
	// decode them is most of the work. So they only keep Map from returning meanwhile.
	mu   sync.RWMutex // its RLocker is the Mutex of its calls
	out  []Out
	left atomic.Int64

	errors sync.Mutex
	errs   []error // nil as long as there is none
	failed bool    // and nobody waits any more
}

func newMapping[In, Out any](fn Callable[In, Out], n int, o options) *mapping[Out] {
	m := &mapping[Out]{options: o, fn: fn.Decode, ended: make(chan struct{}), out: make([]Out, n)}
	m.left.Store(int64(n))
	if o.progress != nil {
		m.more = make(chan struct{}, 1)
	}
	return m
}

func (m *mapping[Out]) submit(ctx context.Context, p *Pool, call *Call) {
	call.Mutex = m.mu.RLocker()
	call.Result = func(task int, out []byte, err error) { m.result(call.First+task, out, err) }
	if err := p.Submit(ctx, call); err != nil {
		m.fail(call.First, call.First+call.Tasks, errors.Unwrap(err))
		return
	}
	m.calls = append(m.calls, call)
}

// fail is for inputs that did not get into the pool: from this number on, and before that one.
func (m *mapping[Out]) fail(from, to int, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for number := from; number < to; number++ {
		m.result(number, nil, &TaskError{Task: number, Err: err})
	}
}

// result is told what has become of the input with this number. The caller has m.mu, for
// reading.
func (m *mapping[Out]) result(number int, encoded []byte, err error) {
	if m.out == nil {
		return // Map has returned
	}
	if err == nil {
		if m.out[number-m.first], err = m.fn(encoded); err != nil {
			err = &TaskError{Task: number, Err: fmt.Errorf("its result: %w", err)}
		}
	}
	if err != nil {
		m.note(number, err)
	}
	if m.left.Add(-1) == 0 {
		close(m.ended)
		if m.atEnd != nil {
			m.atEnd()
		}
	}
	if m.more != nil {
		select {
		case m.more <- struct{}{}:
		default: // it will look soon
		}
	}
}

func (m *mapping[Out]) note(number int, err error) {
	m.errors.Lock()
	defer m.errors.Unlock()
	if m.errs == nil {
		m.errs = make([]error, len(m.out))
	}
	m.errs[number-m.first] = err
	if m.failFast && !m.failed && m.left.Load() > 1 { // this one is still among them
		m.failed = true
		m.stop()
	}
}

// await waits for the results, and calls Progress here: whoever brings the results must not
// wait, and the lock must not be held.
func (m *mapping[Out]) await(ctx context.Context) {
	for last := 0; last < len(m.out); {
		select {
		case <-m.ended:
		case <-ctx.Done():
			return
		case <-m.more:
		}
		done := len(m.out) - int(m.left.Load())
		if m.progress != nil && done > last {
			m.progress(done, len(m.out))
		}
		last = done
	}
}

func (m *mapping[Out]) conclude(ctx context.Context, p *Pool) ([]Out, error) {
	m.mu.Lock()
	out, errs, left, failed := m.out, m.errs, int(m.left.Load()), m.failed
	m.out = nil
	m.mu.Unlock()
	if left > 0 {
		p.Cancel(m.calls...)
	}
	if left > 0 && !failed {
		errs = append(errs, fmt.Errorf("pool: map: %d of %d results have not come: %w", left, len(out), pipe.Cause(ctx)))
	}
	return out, errors.Join(errs...)
}
