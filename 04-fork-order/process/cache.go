package process

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Frontend is what a [Cache] keeps: a type with a Process inside, or the Process
// itself.
type Frontend interface {
	comparable
	Start() error
	IsAlive() bool
	Stop(context.Context) error
}

// A Cache keeps processes that were started before they are needed. To start one
// takes milliseconds; to take one that waits takes nothing. It is not a pool: who
// takes a process has it alone, talks with it as he likes, and gives it back.
//
// All methods are safe for concurrent use.
type Cache[F Frontend] struct {
	create func() F
	free   chan F // holds a place for each

	mu     sync.Mutex
	all    map[F]bool // free and taken
	closed chan struct{}
}

// NewCache starts n processes, each made by create, and keeps them. If one
// does not start, those before it are stopped and the error is returned.
func NewCache[F Frontend](n int, create func() F) (*Cache[F], error) {
	if n < 1 {
		return nil, fmt.Errorf("process: a cache of %d processes; it needs at least one", n)
	}
	c := &Cache[F]{create: create, free: make(chan F, n), all: map[F]bool{}, closed: make(chan struct{})}
	for range n {
		f, err := c.start()
		if err != nil {
			return nil, errors.Join(err, c.Close(context.Background()))
		}
		c.free <- f
	}
	return c, nil
}

func (c *Cache[F]) start() (F, error) {
	f := c.create()
	if err := f.Start(); err != nil {
		return f, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[f] = true
	return f, nil
}

// Take returns a process that nobody else has, and waits while all are taken. One
// that has died meanwhile is replaced. When ctx ends it returns [pipe.ErrTimeout]
// or the context's cause, after Close [pipe.ErrClosed].
func (c *Cache[F]) Take(ctx context.Context) (F, error) {
	var none F
	select {
	case <-c.closed:
		return none, fmt.Errorf("process: take from the cache: %w", pipe.ErrClosed)
	default:
	}
	var f F
	select { // ready beats expired
	case f = <-c.free:
	default:
		select {
		case f = <-c.free:
		case <-c.closed:
			return none, fmt.Errorf("process: take from the cache: %w", pipe.ErrClosed)
		case <-ctx.Done():
			return none, fmt.Errorf("process: take from the cache: %w", pipe.Cause(ctx))
		}
	}
	if f.IsAlive() {
		return f, nil
	}
	fresh, err := c.start()
	if err != nil {
		c.free <- f // the place stays, and the next one who takes it tries again
		return none, fmt.Errorf("process: replace a dead one in the cache: %w", err)
	}
	c.forget(f)
	return fresh, errors.Join(f.Stop(ctx), c.stopIfClosed(fresh)) // a dead one has still to be cleaned up
}

// stopIfClosed is for a process that was started while the cache was closed.
func (c *Cache[F]) stopIfClosed(f F) error {
	select {
	case <-c.closed:
		return errors.Join(fmt.Errorf("process: take from the cache: %w", pipe.ErrClosed), f.Stop(context.Background()))
	default:
		return nil
	}
}

// Return gives back a process that Take has returned, once. The process goes on; in
// what state the next one finds it is for you to care. A dead one may be returned
// too. It panics if more are returned than were taken.
func (c *Cache[F]) Return(f F) {
	select {
	case c.free <- f:
	default:
		panic("process: a process was returned to the cache twice")
	}
}

func (c *Cache[F]) forget(f F) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, f)
}

// Close stops all processes, also those that are taken, all at the same time, and
// waits for their end; see [Process.Stop] for how, and for what it returns if ctx
// ends before. A second Close does the same and finds nothing to do.
func (c *Cache[F]) Close(ctx context.Context) error {
	c.mu.Lock()
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	var all []F
	for f := range c.all {
		all = append(all, f)
	}
	c.mu.Unlock()
	results := make(chan error, len(all))
	for _, f := range all {
		go func() { results <- f.Stop(ctx) }()
	}
	var errs []error
	for range all {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}
