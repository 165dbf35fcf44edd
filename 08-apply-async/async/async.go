// Package async runs functions in the workers of a pool without waiting for them: what comes
// back at once is a [Result], which has the real one later.
//
//	r := async.Apply(ctx, p, square, 12)
//	…
//	y, err := r.Get(ctx)
//
// Or do not wait at all, and say what is to be done then:
//
//	async.Apply(ctx, p, square, 12).OnDone(func(y int) { … }).OnError(func(err error) { … })
//
// Guarantees. Each Result ends once, with a value or an error. A callback is called exactly
// once, in this process, in the order in which the results came, one after the other; so it
// needs no lock for what only callbacks use. It may take its time, it may use the pool, and
// if it panics, Join says so. Join waits for all of them. An error that nobody has asked for
// is returned by Join.
//
// Limits. Those of package pool: a task that was begun can only be stopped by killing its
// worker.
//
// The idea is that of futures (Baker and Hewitt, 1977), and of Python's
// multiprocessing.pool.AsyncResult.
package async

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"example.com/multiprocessing/07-pool-map/pool"
)

// A Result will have what a function has returned. All methods are safe for concurrent use.
type Result[Out any] struct {
	pool   *pool.Pool
	call   pool.Call
	decode func([]byte) (Out, error)
	done   chan struct{}

	mu      sync.Mutex
	ended   bool
	out     Out
	err     error
	forget  func()   // not nil: nobody has asked for the error yet
	onDone  []func() // called when it has ended, or later
	onError []func()
	atEnd   []func() // must not wait
}

// number numbers the tasks, for messages.
var number atomic.Int64

// Apply gives the pool a task, and returns at once. It waits only if the pool has a
// Config.QueueLimit and its queue is full, until there is room or ctx ends; see also
// [TryApply]. Once the pool has the task, ctx has no more to say. Whatever goes wrong is the
// Result's error.
//
// The errors, for errors.Is and errors.AsType:
//
//	*worker.RemoteError the function has returned an error, or has panicked
//	*child.DiedError    its worker has died, and it was running
//	pool.ErrLost        its worker has died, and it was finished
//	pool.ErrClosed, pool.ErrTerminated, pool.ErrBroken, pool.ErrTimeLimit
//	context.Canceled    Cancel has come first
//	anything else       the argument, or the result, cannot travel
func Apply[In, Out any](ctx context.Context, p *pool.Pool, fn pool.Callable[In, Out], in In) *Result[Out] {
	return apply(ctx, p, fn, in, false)
}

// TryApply is Apply that does not wait: if the queue is full, the error is [pool.ErrFull].
func TryApply[In, Out any](p *pool.Pool, fn pool.Callable[In, Out], in In) *Result[Out] {
	return apply(context.Background(), p, fn, in, true)
}

func apply[In, Out any](ctx context.Context, p *pool.Pool, fn pool.Callable[In, Out], in In, noWait bool) *Result[Out] {
	r := &Result[Out]{pool: p, decode: fn.Decode, done: make(chan struct{})}
	r.call = pool.Call{Name: fn.Name(), Tasks: 1, First: int(number.Add(1)), NoWait: noWait, Awaited: true, Result: r.result}
	arg, err := fn.Append(nil, in)
	if err == nil {
		r.call.Args = pool.AppendArg(nil, arg)
		err = p.Submit(ctx, &r.call)
	}
	if err != nil {
		var none Out
		r.end(none, fmt.Errorf("async: apply %q: %w", fn.Name(), err))
	}
	return r
}

// result is called by the pool.
func (r *Result[Out]) result(_ int, encoded []byte, err error) {
	var out Out
	if err == nil {
		if out, err = r.decode(encoded); err != nil {
			err = &pool.TaskError{Task: r.call.First, Err: fmt.Errorf("its result: %w", err)}
		}
	}
	r.end(out, err)
}

// end is called once.
func (r *Result[Out]) end(out Out, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.out, r.err = true, out, err
	r.call.Args = nil // nobody needs the argument any more
	close(r.done)
	for _, f := range r.atEnd {
		f()
	}
	callbacks := r.onDone
	if err != nil {
		if callbacks = r.onError; len(callbacks) == 0 {
			r.forget = r.pool.Report(err)
		}
	}
	for _, f := range callbacks {
		r.pool.Later(f)
	}
	r.onDone, r.onError, r.atEnd = nil, nil, nil
}

// Get waits for the result. If ctx ends before, it returns [pipe.ErrTimeout] or the context's
// cause, and the task goes on; a later Get may have more luck.
func (r *Result[Out]) Get(ctx context.Context) (Out, error) {
	if err := r.pool.Await(ctx, &r.call, r.done); err != nil {
		var none Out
		return none, fmt.Errorf("async: get the result of %q: %w", r.call.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked()
	return r.out, r.err
}

// asked notes that somebody knows about the error. The caller has the lock.
func (r *Result[Out]) asked() {
	if r.forget != nil {
		r.forget()
		r.forget = nil
	}
}

// ID returns a number that no other Result of this process has. Messages call the task so.
func (r *Result[Out]) ID() int { return r.call.First }

// Done returns a channel that is closed when the result has come.
func (r *Result[Out]) Done() <-chan struct{} {
	r.fetch()
	return r.done
}

// fetch is for all who do not wait in Get.
func (r *Result[Out]) fetch() { r.pool.Fetch(&r.call) }

// Ready tells whether the result has come.
func (r *Result[Out]) Ready() bool {
	select {
	case <-r.done:
		return true
	default:
		r.fetch()
		return false
	}
}

// Cancel takes the task back if it was not begun, and tells whether that was so. Then it
// never runs, and the error is [context.Canceled].
func (r *Result[Out]) Cancel() bool { return r.pool.Cancel(&r.call) > 0 }

// OnDone has f called with the value when it has come, or soon, if it is there already. With
// an error it is not called. It returns r, for one more.
func (r *Result[Out]) OnDone(f func(Out)) *Result[Out] {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := func() { f(r.out) }
	switch {
	case !r.ended:
		r.onDone = append(r.onDone, call)
		r.fetch()
	case r.err == nil:
		r.pool.Later(call)
	}
	return r
}

// OnError has f called with the error when it has come, or soon, if it is there already.
// Without an error it is not called. It returns r, for one more.
func (r *Result[Out]) OnError(f func(error)) *Result[Out] {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := func() { f(r.err) }
	switch {
	case !r.ended:
		r.onError = append(r.onError, call)
		r.fetch()
	case r.err != nil:
		r.asked()
		r.pool.Later(call)
	}
	return r
}
