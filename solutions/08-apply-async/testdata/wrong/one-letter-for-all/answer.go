// Misconception: a channel with room for one is all that a result needs: who waits for it takes it out.
// Rejected by: get

package answer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"example.com/multiprocessing/exercises/08-apply-async/darkroom"
)

// A Lab takes pictures for a room, and has their thumbnails later. All methods are safe for
// concurrent use.
type Lab struct {
	room *darkroom.Room

	mu      sync.Mutex // held for moments only, and never while a callback is called
	closed  bool
	open    int           // results that have not come, and callbacks that have not returned
	ended   chan struct{} // closed when it is closed and nothing is open, and then
	over    bool
	later   []func() // callbacks, in the order in which they are to be called
	calling bool     // somebody does
	panics  []error
}

// New makes a lab that gives its pictures to this room.
func New(room *darkroom.Room) *Lab { return &Lab{room: room, ended: make(chan struct{})} }

// A Result will have a thumbnail, or an error. All methods are safe for concurrent use.
type Result struct {
	lab    *Lab
	ticket *darkroom.Ticket
	done   chan struct{} // has something in it when one of the next two is there

	// The lab's lock is for these, too.
	there     bool
	thumbnail []byte
	err       error
	onDone    []func([]byte)
	onError   []func(error)
}

// Apply gives the room a picture and returns at once.
func (l *Lab) Apply(picture []byte) (*Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("apply: %w", darkroom.ErrClosed)
	}
	l.open++
	r := &Result{lab: l, done: make(chan struct{}, 1)}
	// Develop does not wait, so the lock may be held. The result cannot come before the
	// ticket is where Cancel looks for it.
	r.ticket = l.room.Develop(picture, r.come)
	return r, nil
}

// come is told by the room, or by Cancel, what there is.
func (r *Result) come(thumbnail []byte, err error) {
	l := r.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	r.there, r.thumbnail, r.err = true, thumbnail, err
	for _, f := range r.onDone {
		r.callDone(f)
	}
	for _, f := range r.onError {
		r.callError(f)
	}
	r.done <- struct{}{}
	l.closeOne()
}

// The caller of what follows has the lock, until Get.

func (r *Result) callDone(f func([]byte)) {
	if r.err == nil {
		r.lab.call(func() { f(r.thumbnail) })
	}
}

func (r *Result) callError(f func(error)) {
	if r.err != nil {
		r.lab.call(func() { f(r.err) })
	}
}

// call has a callback called, after those that came before it.
func (l *Lab) call(f func()) {
	l.open++
	l.later = append(l.later, f)
	if !l.calling {
		l.calling = true
		go l.callAll()
	}
}

// closeOne is for a result that has come, or a callback that has returned.
func (l *Lab) closeOne() {
	l.open--
	l.settle()
}

// settle lets those go that wait in Join, when there is nothing to wait for. A callback that
// comes after the end is called all the same, and there is no second end.
func (l *Lab) settle() {
	if l.closed && l.open == 0 && !l.over {
		l.over = true
		close(l.ended)
	}
}

// callAll calls one callback after the other, until there are none. There is never more than
// one callAll, which is what keeps callbacks apart and in order.
func (l *Lab) callAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.later) > 0 {
		f := l.later[0]
		l.later = l.later[1:]
		l.mu.Unlock() // it may use the lab
		err := protect(f)
		l.mu.Lock()
		if err != nil {
			l.panics = append(l.panics, err)
		}
		l.closeOne()
	}
	l.calling = false
}

// protect calls f, and makes an error of a panic.
func protect(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a callback has panicked: %v", v)
		}
	}()
	f()
	return nil
}

// Get waits for the thumbnail.
func (r *Result) Get(ctx context.Context) ([]byte, error) {
	if err := wait(ctx, r.done); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	return r.thumbnail, r.err // nobody changes them any more
}

// wait waits for a channel to be closed. What is there already beats a context that has
// ended: a select with both would choose by chance.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// OnDone has f called with the thumbnail.
func (r *Result) OnDone(f func(thumbnail []byte)) {
	r.lab.mu.Lock()
	defer r.lab.mu.Unlock()
	if r.there {
		r.callDone(f)
		return
	}
	r.onDone = append(r.onDone, f)
}

// OnError has f called with the error, if there is no thumbnail.
func (r *Result) OnError(f func(err error)) {
	r.lab.mu.Lock()
	defer r.lab.mu.Unlock()
	if r.there {
		r.callError(f)
		return
	}
	r.onError = append(r.onError, f)
}

// Cancel takes the picture back, if nobody has begun it, and tells whether that was so.
func (r *Result) Cancel() bool {
	if !r.ticket.TakeBack() {
		return false
	}
	r.come(nil, darkroom.ErrCanceled) // nobody else will say anything
	return true
}

// Close says that no more pictures will come.
func (l *Lab) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.settle()
}

// Join waits, after Close, until all results have come and all callbacks have returned.
func (l *Lab) Join(ctx context.Context) error {
	if err := wait(ctx, l.ended); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.panics...)
}
