package pool

import (
	"context"
	"errors"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// Who waits for a result reads it himself. Otherwise the worker's reader would be woken by
// the result, only to wake who waits for it; and waking a goroutine costs as much as the
// whole way to the worker and back, since the runtime sets another thread in motion for it
// (futex(2)), in case there should be more to do.
//
// Two cannot read at a time, and a reader that sits in a read cannot be asked to make room.
// So after a result that somebody has waited for, when its worker has nothing more to do, the
// reader does not go back to its place at once. It stays away for the time of a window: more
// of the kind may follow. It comes when it is called (callReader), or by itself.
//
// The idea is that of Leader/Followers (Schmidt and others, 2000).

// reading is who reads what a worker sends. It is guarded by p.mu.
type reading struct {
	onDuty bool          // its reader is in its place
	away   bool          // it need not be, for a while
	called bool          // it is to come
	asleep bool          // it does not come by itself
	duty   chan struct{} // wakes it; has room for one
	led    bool          // somebody who waits reads
	kicked bool          // he is to stop
	err    error         // the end, as he saw it

	buf []byte // for frames; it belongs to who reads
}

// Await waits until done is closed, which the call's Result does, or ctx ends. Then the error
// is [pipe.ErrTimeout] or the context's cause. It is for a Call that is Awaited.
func (p *Pool) Await(ctx context.Context, call *Call, done <-chan struct{}) error {
	if w := p.lead(ctx, call); w != nil {
		w.readUntil(ctx, done)
		if !isClosed(done) {
			p.mu.Lock()
			call.wantReader()
			p.mu.Unlock()
		}
	}
	return pipe.Await(ctx, done)
}

// Fetch is for an Awaited call whose result is to be taken when it comes, although nobody
// waits for it now.
func (p *Pool) Fetch(call *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	call.Awaited = false
	call.wantReader()
}

// wantReader has the reader called for a call, wherever it may be or come to. The caller has
// p.mu.
func (c *Call) wantReader() {
	c.needsReader = true
	if c.worker != nil {
		c.worker.callReader()
	}
}

// lead returns the worker that the caller is to read from, if there is one.
func (p *Pool) lead(ctx context.Context, call *Call) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := call.worker
	if w == nil || w.onDuty || w.led || w.called || w.err != nil || ctx.Err() != nil {
		call.wantReader()
		return nil
	}
	w.led = true
	return w
}

// readUntil reads until done is closed, the context ends, or this one is kicked.
func (w *worker) readUntil(ctx context.Context, done <-chan struct{}) {
	stop := context.AfterFunc(ctx, func() {
		w.pool.mu.Lock()
		defer w.pool.mu.Unlock()
		w.kick()
	})
	var err error
	returned := false // to decode a result may call the user's code, and that may panic
	defer func() {
		stop()
		if !returned {
			err = errNonsense
		}
		w.leave(err)
	}()
	for err == nil && !isClosed(done) {
		err = w.readOne()
	}
	returned = true
}

// leave ends the reading of who led.
func (w *worker) leave(err error) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.led = false
	if w.kicked {
		w.kicked = false
		_ = w.conn.SetReadDeadline(time.Time{})
	}
	if err != nil && !errors.Is(err, pipe.ErrTimeout) {
		w.err = err // its reader sees to the rest
	}
	if w.err != nil || w.called || w.asleep || w.tasks > 0 {
		w.callReader()
	}
}

// readOne reads a frame, and takes what is in it to those who wait for it.
func (w *worker) readOne() (err error) {
	if w.buf, err = w.conn.ReceiveFrameInto(w.buf); err == nil {
		err = w.hear(w.buf)
	}
	return err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// kick has who leads stop. What follows is called with p.mu.
func (w *worker) kick() {
	if w.led && !w.kicked {
		w.kicked = true
		_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // long ago
	}
}

// callReader calls the reader to its place.
func (w *worker) callReader() {
	if w.onDuty {
		return
	}
	w.called = true
	if w.led {
		return // who leads will call it
	}
	select {
	case w.duty <- struct{}{}:
	default: // it was called already
	}
}

// takeDuty waits until the reader has to be in its place, and returns the error that has
// ended the reading meanwhile.
func (w *worker) takeDuty() error {
	p := w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	w.onDuty = false
	for w.led || w.err == nil && w.away && !w.called && time.Since(w.heard) < window {
		timer := time.After(window)
		if w.led { // for how long, nobody knows
			w.asleep, timer = true, nil
		}
		p.mu.Unlock()
		select {
		case <-w.duty:
		case <-timer:
		}
		p.mu.Lock()
		w.asleep = false
	}
	w.called, w.away = false, false
	w.onDuty = w.err == nil
	return w.err
}
