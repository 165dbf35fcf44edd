package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"

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

// Progress is called when results have come, from one goroutine at a time.
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
	var cancels []func() bool
	for first := 0; first < len(in); first += o.chunk {
		last := min(first+o.chunk, len(in))
		cancels = append(cancels, submit(p, fn, in[first:last], first, m))
	}
	if len(in) > 0 {
		select {
		case <-m.ended:
		case <-ctx.Done():
		}
	}
	return m.conclude(ctx, cancels)
}

// submit submits inputs as one call. Their results are those from first on in m.
func submit[In, Out any](p *Pool, fn Callable[In, Out], in []In, first int, m *mapping[Out]) (cancel func() bool) {
	call := &Call{Name: fn.Name()}
	var index []int // of the tasks
	for i, one := range in {
		arg, err := fn.Append(nil, one)
		if err != nil {
			m.result(first+i, nil, &TaskError{Task: first + i, Err: err})
			continue
		}
		call.Args = AppendArg(call.Args, arg)
		index = append(index, first+i)
	}
	call.Tasks = len(index)
	call.Result = func(task int, out []byte, err error) { m.result(index[task], out, err) }
	nothing := func() bool { return true }
	if call.Tasks == 0 {
		return nothing
	}
	cancel, err := p.Submit(call)
	if err != nil {
		for _, i := range index {
			m.result(i, nil, &TaskError{Task: i, Err: errors.Unwrap(err)})
		}
		return nothing
	}
	return cancel
}

// A mapping is a Map that is going on.
type mapping[Out any] struct {
	options
	fn    func([]byte) (Out, error)
	stop  func()
	ended chan struct{}

	mu     sync.Mutex
	out    []Out
	errs   []error
	left   int
	failed bool // and nobody waits any more
}

func newMapping[In, Out any](fn Callable[In, Out], n int, o options) *mapping[Out] {
	return &mapping[Out]{options: o, fn: fn.Decode, ended: make(chan struct{}), out: make([]Out, n), errs: make([]error, n), left: n}
}

func (m *mapping[Out]) result(i int, encoded []byte, err error) {
	var out Out
	if err == nil {
		if out, err = m.fn(encoded); err != nil {
			err = &TaskError{Task: i, Err: fmt.Errorf("its result: %w", err)}
		}
	}
	if e, ok := err.(*TaskError); ok {
		e.Task = i
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out == nil {
		return // Map has returned
	}
	m.out[i], m.errs[i] = out, err
	m.left--
	if m.progress != nil {
		m.progress(len(m.out)-m.left, len(m.out))
	}
	if m.left == 0 {
		close(m.ended)
		if m.atEnd != nil {
			m.atEnd()
		}
	} else if err != nil && m.failFast && !m.failed {
		m.failed = true
		m.stop()
	}
}

func (m *mapping[Out]) conclude(ctx context.Context, cancels []func() bool) ([]Out, error) {
	m.mu.Lock()
	out, errs, left, failed := m.out, m.errs, m.left, m.failed
	m.out = nil
	m.mu.Unlock()
	if left > 0 {
		for _, cancel := range cancels {
			cancel()
		}
	}
	if left > 0 && !failed {
		errs = append(errs, fmt.Errorf("pool: map: %d of %d results have not come: %w", left, len(out), pipe.Cause(ctx)))
	}
	return out, errors.Join(errs...)
}
