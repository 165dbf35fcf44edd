// Package worker keeps a program that is expensive to start warm behind one
// function call.
//
// The program may be any executable that can read more than one input before it
// ends: it reads one line of JSON, {"args":[…],"kwargs":{…}}, answers with one
// line, and waits for the next. A [Worker] starts it at the first [Worker.Call],
// keeps it, and starts it again when it is dead, and only then.
//
// Guarantees. Each call gets its own answer or an error, never that of another
// call, also when an earlier caller gave up waiting. A call is executed at most
// once. A program that goes because it was idle costs the next call a start and
// no error, also if the two happen at the same moment. What the program prints
// besides its answers is not taken for one, as far as its [Dialect] can promise
// that, and blocks nothing. When the program dies, the error has its exit status
// or signal and its last words. It does not outlive this process; see package
// child.
//
// Limits. A worker serves one call at a time, in the order of arrival. A program
// that hangs is not killed: how long to wait is for the caller to say, with a
// context, and [Worker.Kill] ends it.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// A Worker is a program behind a function call. It is meant for a variable at
// package level, made once and used by everyone. All methods are safe for
// concurrent use.
type Worker struct {
	config Config
	path   string // absolute
	err    error  // what is wrong with the config

	turn chan struct{} // holds one token: who has it may talk to the program

	mu     sync.Mutex
	run    *run // nil: not started, or known to be gone
	closed bool

	closing chan struct{} // closed by the first Close
	done    chan struct{} // closed when the program has gone, after Close
}

// New returns a worker. It starts nothing yet: the first Call does, or Start. If
// the program does not exist, that call says so.
func New(config Config) *Worker {
	w := &Worker{
		config:  config.withDefaults(),
		turn:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	// The program will run in a directory of its own, where a relative path
	// would mean something else.
	w.path, w.err = exec.LookPath(config.Program)
	if errors.Is(w.err, exec.ErrDot) {
		w.err = nil
	}
	if w.err == nil {
		w.path, w.err = filepath.Abs(w.path)
	}
	if w.err == nil {
		w.err = w.config.check()
	}
	return w
}

// Call calls the function that the program is, and returns its answer as it came.
//
// The errors, for errors.Is and errors.AsType:
//
//	*RemoteError     the function failed, the program is fine
//	*child.DiedError the program has ended before it answered, with status 0 or
//	                 another, or by a signal; the next call starts a new one
//	pipe.ErrTimeout  no answer before the context's deadline; any other end of the
//	                 context gives its cause. The program goes on; its late answer
//	                 is thrown away when it comes, and the next call waits for that
//	pipe.ErrClosed   Close was called
//	anything else    the arguments cannot be sent (nothing was), the program cannot
//	                 be started, or it is not a worker
//
// After an error it is not known whether the function was executed, unless the
// error says so. It is never executed twice.
func (w *Worker) Call(ctx context.Context, args pipe.Args, kwargs pipe.Kwargs) (json.RawMessage, error) {
	line, err := pipe.Encode(pipe.NewInputs(args, kwargs))
	if err != nil {
		return nil, w.fail(nil, err)
	}
	if err := w.enter(ctx); err != nil {
		return nil, w.fail(nil, err)
	}
	defer w.leave()
	const attempts = 3
	for n := 1; ; n++ {
		r, err := w.running(ctx)
		if err != nil {
			return nil, w.fail(r, err)
		}
		answer, err := r.call(ctx, line)
		if !errors.Is(err, errNotRead) || n == attempts {
			return answer, w.fail(r, err)
		}
		// It went, because it was idle, while our line was on its way, or because an
		// earlier call was too much for it. Nobody has read the line, so nothing has
		// been executed. (A program that never reads anything looks like that too,
		// hence the limit.)
	}
}

// Call is [Worker.Call] with the answer decoded into an Out. An argument of type
// [pipe.Kwargs] gives arguments by name, all others are by position. An answer
// that is no Out is a [*pipe.DecodeError]. Where Out is or contains an interface,
// numbers arrive in it as [json.Number].
func Call[Out any](ctx context.Context, w *Worker, args ...any) (Out, error) {
	byPosition, byName := Arguments(args...)
	answer, err := w.Call(ctx, byPosition, byName)
	if err != nil {
		var zero Out
		return zero, err
	}
	out, err := pipe.Decode[Out](answer)
	return out, w.fail(nil, err)
}

// Arguments sorts arguments as [Call] does.
func Arguments(args ...any) (byPosition pipe.Args, byName pipe.Kwargs) {
	byPosition, byName = pipe.Args{}, pipe.Kwargs{}
	for _, arg := range args {
		if kwargs, ok := arg.(pipe.Kwargs); ok {
			maps.Copy(byName, kwargs)
			continue
		}
		byPosition = append(byPosition, arg)
	}
	return byPosition, byName
}

// Check returns what is wrong with the config, or that there is no such program; every
// Call would say the same. It starts nothing.
func (w *Worker) Check() error { return w.fail(nil, w.err) }

// Start starts the program now, so that the first call finds it warm, and waits
// until it announces itself, if it does (Config.Announces). The errors are those
// of Call. If it runs already, Start does nothing.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.enter(ctx); err != nil {
		return w.fail(nil, err)
	}
	defer w.leave()
	r, err := w.running(ctx)
	return w.fail(r, err)
}

// Settle waits until the program has given the answers that callers did not wait for.
// Then it has nothing to do. If ctx ends before, the error is that of a Call. If no
// program runs, Settle starts none.
func (w *Worker) Settle(ctx context.Context) error {
	if err := w.enter(ctx); err != nil {
		return w.fail(nil, err)
	}
	defer w.leave()
	r := w.current()
	if r == nil || r.isGone() {
		return nil
	}
	return w.fail(r, r.collectOwed(ctx))
}

// enter waits for our turn. Who waits longest is the next.
func (w *Worker) enter(ctx context.Context) error {
	if w.err != nil {
		return w.err
	}
	if ctx.Err() != nil {
		return pipe.Cause(ctx)
	}
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("other calls come first: %w", pipe.Cause(ctx))
	case <-w.closing:
		return pipe.ErrClosed
	}
}

func (w *Worker) leave() { <-w.turn }

// running returns the program that runs, started if there is none. The caller
// has the turn.
func (w *Worker) running(ctx context.Context) (r *run, err error) {
	if r := w.current(); r != nil && r.isGone() {
		<-r.child.Done() // soon; two of them at once might be in each other's way
		w.drop(r)
	}
	w.mu.Lock()
	switch {
	case w.closed:
		err = pipe.ErrClosed
	case w.run == nil:
		w.run, err = launch(w) // under the lock, so that Close finds nothing or all of it
	}
	r = w.run
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return r, r.ready(ctx)
}

func (w *Worker) current() *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.run
}

// drop forgets a program that is dead. The caller has the turn.
func (w *Worker) drop(r *run) {
	w.mu.Lock()
	current := w.run == r
	if current {
		w.run = nil
	}
	w.mu.Unlock()
	if current {
		// Not under the lock: it waits for drain, which calls Config.Noise, which
		// may ask for our PID.
		r.free()
	}
}

// fail gives an error the worker's name.
func (w *Worker) fail(r *run, err error) error {
	if err == nil {
		return nil
	}
	closed := false
	select {
	case <-w.closing:
		closed = true // whatever it is, it is a consequence
	default:
	}
	if _, ok := errors.AsType[*child.DiedError](err); ok { // it names the worker itself
		if closed {
			err = fmt.Errorf("%w: %w", pipe.ErrClosed, err)
		}
		return err
	}
	if closed {
		err = pipe.ErrClosed
	}
	if r == nil {
		return fmt.Errorf("worker %q: %w", w.config.Name, err)
	}
	return fmt.Errorf("worker %q (pid %d): %w", w.config.Name, r.child.PID(), err)
}

// Name returns the name from the config.
func (w *Worker) Name() string { return w.config.Name }

// Config returns the config, with the defaults filled in.
func (w *Worker) Config() Config { return w.config }

// PID returns the number of the program's process, or 0 if none runs. It is for
// messages.
func (w *Worker) PID() int {
	r := w.current()
	if r == nil || r.isGone() {
		return 0
	}
	return r.child.PID()
}

// Child returns the process of the program that was started last, or nil if there is
// none. It is for those who want to know when it ends, and how.
func (w *Worker) Child() *child.Child {
	if r := w.current(); r != nil {
		return r.child
	}
	return nil
}

// Kill ends the program at once, for example because it hangs. A call that waits
// for it gets a [*child.DiedError]; the next one starts a new program. Without a
// program it does nothing.
func (w *Worker) Kill() {
	if r := w.current(); r != nil {
		r.kill()
	}
}

// Close tells the program to go and waits until it has gone, at most Config.Grace
// and a moment. Calls that wait get [pipe.ErrClosed], and so does every later
// one. The call that is being executed has as long to come to its end; then it gets
// ErrClosed and the [*child.DiedError]. If ctx ends before, Close returns why, and
// the program is stopped without you. A second Close waits too.
func (w *Worker) Close(ctx context.Context) error {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	r := w.run
	w.mu.Unlock()
	if first {
		close(w.closing)
		go func() {
			if r != nil {
				_ = r.child.Stop(context.Background())
				<-r.over
			}
			close(w.done)
		}()
	}
	if err := pipe.Await(ctx, w.done); err != nil {
		return w.fail(r, fmt.Errorf("close: %w", err))
	}
	return nil
}

// Done returns a channel that is closed when the worker has been closed and its
// program has gone.
func (w *Worker) Done() <-chan struct{} { return w.done }

// mind ends a program that nobody has called for the idle time and that does not
// go by itself, and cleans up behind it when it has gone.
func (w *Worker) mind(r *run) {
	defer close(r.over)
	idle := w.config.Idle + w.config.Idle/10 + 100*time.Millisecond
	for left := idle; w.config.Idle > 0; left = idle - r.idleFor() {
		select {
		case <-r.child.Done():
		case <-time.After(max(left, time.Millisecond)):
		}
		if r.isGone() {
			break
		}
		select {
		case w.turn <- struct{}{}:
			if r.idleFor() >= idle {
				// With the turn in hand: nobody can call it now.
				r.killed.Store(true)
				_ = r.child.Stop(context.Background())
			}
			w.leave()
		default: // it is busy
		}
	}
	<-r.child.Done()
	w.turn <- struct{}{} // a caller may still be taking its last words
	w.drop(r)
	w.leave()
}
