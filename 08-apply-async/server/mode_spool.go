package main

import (
	"context"
	"encoding/json"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// rows computes a texture in a worker. What it returns are bytes, which travel as they are,
// and go to the client as they are: the server never looks at a number.
var rows = process.Func("rows", func(ctx context.Context, size texture.Size) ([]byte, error) {
	return computeRows(ctx, size)
})

// computeRows computes a texture here.
func computeRows(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	in, err := texture.Texture.Append(nil, size)
	if err != nil {
		return nil, err
	}
	return process.Invoke(ctx, texture.Texture.Name(), in)
}

// A spool is a pool of workers that stay. A request goes to one that has time, and waits as
// long as there is none; when too many wait, the next one is told so at once.
type spool struct{ *pool.Pool }

func newSpool(cfg Config) (mode, error) {
	p, err := pool.New(pool.Config{Workers: cfg.Workers, Name: "texture", QueueLimit: cfg.Queue, Grace: childGrace})
	if err != nil {
		return nil, err
	}
	return spool{p}, nil
}

func (m spool) texture(ctx context.Context, size texture.Size) (json.RawMessage, error) {
	r := async.TryApply(m.Pool, rows, size)
	text, err := r.Get(ctx)
	if err != nil && ctx.Err() != nil {
		r.Cancel() // if it has not begun, nobody computes what nobody wants
	}
	return text, err
}

func (m spool) state() state {
	s := m.Stats()
	st := state{Started: s.Started, Restarts: s.Deaths, Queue: s.Waiting}
	for _, w := range s.Workers {
		st.Workers = append(st.Workers, workerState{w.PID, w.Func})
	}
	return st
}

func (m spool) close(ctx context.Context) { _, _ = m.Terminate(ctx) }
