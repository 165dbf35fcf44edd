// Package darkroom has the people of exercise 08. They are processes, workers of a pool as in
// lesson 07, and make small pictures of large ones.
package darkroom

import (
	"context"
	"errors"

	"example.com/multiprocessing/07-pool-map/pool"
)

var (
	// ErrClosed: the lab is closed, and takes no more pictures.
	ErrClosed = errors.New("the lab is closed")
	// ErrCanceled: the picture was taken back before anybody had begun it.
	ErrCanceled = errors.New("the picture was taken back")
)

// A Room has workers. Its methods are safe for concurrent use.
type Room struct{ pool *pool.Pool }

// A Ticket stands for a picture that was given to the room.
type Ticket struct {
	pool *pool.Pool
	call pool.Call
}

// Develop gives the room a picture, and returns at once. Who is free takes the next one.
//
// When the thumbnail is there, or it is clear that there will be none, done is called, once:
// with the thumbnail, or with an error. The error says whether it is no picture, or whether
// the worker has died over it. Another goroutine calls done, and for several pictures it may
// be called at the same time. It must not wait for anything that takes long: the one who
// calls it has other pictures to bring.
func (r *Room) Develop(large []byte, done func(thumbnail []byte, err error)) *Ticket {
	t := &Ticket{pool: r.pool}
	t.call = pool.Call{Name: develop.Name(), Tasks: 1, Args: pool.AppendArg(nil, large)}
	t.call.Result = func(_ int, out []byte, err error) {
		if errors.Is(err, context.Canceled) {
			return // TakeBack
		}
		if task, ok := errors.AsType[*pool.TaskError](err); ok {
			err = task.Err // its number says nothing to whoever has given it a picture
		}
		done(append([]byte(nil), out...), err)
	}
	if err := r.pool.Submit(context.Background(), &t.call); err != nil {
		go done(nil, err)
	}
	return t
}

// TakeBack takes the picture back, if nobody has begun it, and tells whether that was so.
// Then nobody ever begins it, and done is not called.
func (t *Ticket) TakeBack() bool { return t.pool.Cancel(&t.call) > 0 }
