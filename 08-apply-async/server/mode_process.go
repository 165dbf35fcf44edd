package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
)

// A processPerRequest starts a process for each request, with the request on its command
// line, and reads the answer from its stdout. One request is served at a time.
//
// That is how CGI did it in 1993, and it is easy to understand: nothing is kept, so nothing
// can be left over. What is wrong with it: a process costs milliseconds before it does
// anything, and everybody waits for everybody.
type processPerRequest struct {
	turn chan struct{}
	counted
}

func newProcessPerRequest(Config) (mode, error) {
	return &processPerRequest{turn: make(chan struct{}, 1)}, nil
}

func (m *processPerRequest) texture(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	m.wait(1)
	err := enter(ctx, m.turn)
	m.wait(-1)
	if err != nil {
		return nil, err
	}
	defer func() { <-m.turn }()
	return m.run(ctx, size)
}

func (m *processPerRequest) close(context.Context) {} // each process has ended with its request

// enter waits for room in turn.
func enter(ctx context.Context, turn chan<- struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return pipe.Cause(ctx)
	}
}

// counted counts what the modes that start a process per request have to tell.
type counted struct {
	mu      sync.Mutex
	waiting int
	pids    []int // of processes that are running
	started int
}

func (c *counted) wait(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting += n
}

// run runs the command, and returns what it has printed. When ctx ends, because the client
// has hung up or the server stops, the process is told to stop.
func (c *counted) run(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	var pid int
	running := func(number int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		pid = number
		c.pids = append(c.pids, pid)
		c.started++
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pids = slices.DeleteFunc(c.pids, func(other int) bool { return other == pid })
	}()
	rows, err := texture.Texture.Run(ctx, "", size, process.Config{Stderr: io.Discard, Grace: childGrace, Running: running})
	if err != nil {
		return nil, err
	}
	return json.Marshal(rows)
}

func (c *counted) state() state {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := state{Started: c.started, Queue: c.waiting}
	for _, pid := range c.pids {
		st.Workers = append(st.Workers, workerState{pid, texture.Texture.Name()})
	}
	return st
}
