package main

import (
	"context"
	"encoding/json"
	"fmt"

	"example.com/multiprocessing/04-fork-order/texture"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A callback mode starts a process for each request, too, but does not wait for it: it says
// what is to be done when the process returns, and the server is free meanwhile. So many
// requests are served at the same time. Each still costs a process.
type callback struct {
	room  chan struct{}
	limit int
	counted
}

func newCallback(cfg Config) (mode, error) {
	// Without a limit, a thousand requests would be a thousand processes.
	return &callback{room: make(chan struct{}, 4*cfg.Workers), limit: cfg.Queue}, nil
}

// create starts a process and returns. When it has returned, onReturn is called.
func (m *callback) create(ctx context.Context, size texture.Size, onReturn func(json.RawMessage, error)) {
	go func() { onReturn(m.run(ctx, size)) }()
}

func (m *callback) texture(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	if err := m.queue(ctx); err != nil {
		return nil, err
	}
	type returned struct {
		rows json.RawMessage
		err  error
	}
	// The return address: each request has a channel of its own, and its callback knows it.
	address := make(chan returned, 1)
	m.create(ctx, size, func(rows json.RawMessage, err error) {
		<-m.room
		address <- returned{rows, err}
	})
	r := <-address // if ctx ends, the process is stopped, and that returns, too
	return r.rows, r.err
}

// queue waits for room, if not too many wait already.
func (m *callback) queue(ctx context.Context) error {
	select {
	case m.room <- struct{}{}:
		return nil
	default:
	}
	m.mu.Lock()
	if n := m.waiting; n >= m.limit {
		m.mu.Unlock()
		return fmt.Errorf("%w: %d requests wait", pool.ErrFull, n)
	}
	m.waiting++
	m.mu.Unlock()
	defer m.wait(-1)
	return enter(ctx, m.room)
}

// close waits until the last process has gone.
func (m *callback) close(ctx context.Context) {
	for range cap(m.room) {
		if enter(ctx, m.room) != nil {
			return
		}
	}
}
