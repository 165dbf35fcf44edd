package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A message goes to the delegate. Type is "Xy", "Faulted" or "Stop"; it ignores any other.
type message struct {
	Type          string
	ReturnAddress int // comes back with the answer
	Size          texture.Size
	Fault         string
}

// A reply comes back.
type reply struct {
	ReturnAddress int
	Rows          json.RawMessage
	Error         string
}

// delegateBackend is the delegate: a process that computes one texture after the other, until
// it is told to stop, or a fault comes.
var delegateBackend = process.Service("delegate", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	for {
		m, err := pipe.Receive[message](front)
		if err != nil {
			return pipe.Cause(ctx) // nil if the server has closed the pipe
		}
		switch m.Type {
		case "Xy":
			r := reply{ReturnAddress: m.ReturnAddress}
			if r.Rows, err = computeRows(ctx, m.Size); err != nil {
				r.Error = err.Error()
			}
			if err := pipe.Send(front, r); err != nil {
				return err
			}
		case "Faulted":
			return errors.New(m.Fault)
		case "Stop":
			return process.ErrAborted
		}
	}
})

// A delegate mode gives all requests to one process that stays. They queue in its pipe, and
// each answer has the address to which it returns: so it finds its client, in whatever order
// answers come.
type delegate struct {
	limit int

	mu       sync.Mutex
	current  *attendant
	number   int // of the last request
	started  int
	stopping bool
}

// An attendant is the process, and who waits for its answers, by return address.
type attendant struct {
	*process.Task[struct{}]
	clients map[int]chan<- result
}

type result struct {
	rows json.RawMessage
	err  error
}

func newDelegate(cfg Config) (mode, error) {
	// So many messages fit into a pipe: to send one does not wait, then.
	m := &delegate{limit: min(cfg.Queue, 128)}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m, m.start()
}

// start starts the process. The caller has the lock.
func (m *delegate) start() error {
	a := &attendant{delegateBackend.New(struct{}{}, process.Config{Grace: childGrace}), map[int]chan<- result{}}
	if err := a.Start(); err != nil {
		return err
	}
	m.current = a
	m.started++
	go m.listen(a)
	return nil
}

func (m *delegate) texture(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	address := make(chan result, 1)
	forget, err := m.send(size, address)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-address:
		return r.rows, r.err
	case <-ctx.Done():
		forget() // the delegate computes it all the same
		return nil, pipe.Cause(ctx)
	}
}

func (m *delegate) send(size texture.Size, address chan<- result) (forget func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return nil, errStopping
	}
	if !m.current.IsAlive() {
		if err := m.start(); err != nil {
			return nil, err
		}
	}
	a := m.current
	if n := len(a.clients); n > m.limit {
		return nil, fmt.Errorf("%w: %d requests wait", pool.ErrFull, n)
	}
	m.number++
	number := m.number
	if err := pipe.Send(a.Conn(), message{Type: "Xy", ReturnAddress: number, Size: size}); err != nil {
		return nil, fmt.Errorf("the delegate has gone: %w", err)
	}
	a.clients[number] = address
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(a.clients, number)
	}, nil
}

// listen takes answers to their clients until the process has gone.
func (m *delegate) listen(a *attendant) {
	for {
		r, err := pipe.Receive[reply](a.Conn())
		if err != nil {
			break
		}
		m.deliver(a, r)
	}
	<-a.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	for number, client := range a.clients {
		delete(a.clients, number)
		client <- result{err: fmt.Errorf("the delegate has ended: %w", a.Died())}
	}
	_ = a.Conn().Close()
}

func (m *delegate) deliver(a *attendant, r reply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	client := a.clients[r.ReturnAddress]
	delete(a.clients, r.ReturnAddress)
	switch {
	case client == nil: // it has given up
	case r.Error != "":
		client <- result{err: errors.New(r.Error)}
	default:
		client <- result{rows: r.Rows}
	}
}

func (m *delegate) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.current.clients)
	st := state{Started: m.started, Restarts: m.started - 1, Queue: max(n-1, 0)}
	if m.current.IsAlive() {
		w := workerState{PID: m.current.PID()}
		if n > 0 {
			w.Task = texture.Texture.Name()
		}
		st.Workers = []workerState{w}
	}
	return st
}

func (m *delegate) close(ctx context.Context) {
	m.mu.Lock()
	m.stopping = true
	a := m.current
	m.mu.Unlock()
	_ = a.Stop(ctx)
}
