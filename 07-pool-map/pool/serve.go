package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/shm"
)

// service is a worker, from inside. It runs one task after the other, until the pool closes
// the pipe.
var service = process.Service("pool.worker", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	front.SetLimit(frameLimit)
	file, err := front.ReceiveFile()
	if err != nil {
		return err
	}
	memory, err := shm.Map(file)
	if err != nil {
		return err
	}
	w := &works{front: front, progress: shm.At[progress](memory, 0)}
	var buf []byte
	for {
		buf, err = front.ReceiveFrameInto(buf)
		if err == nil {
			err = w.do(ctx, buf)
		}
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
})

const (
	// window is for how long a worker may keep results to itself, to send many in one
	// piece. If it dies, these are lost.
	window     = 5 * time.Millisecond
	enough     = 64 << 10 // bytes of results that are not kept any longer
	frameLimit = 1 << 30
)

type works struct {
	front    *pipe.Conn
	progress *progress

	mu      sync.Mutex
	results []byte
	took    time.Duration
	timer   *time.Timer
	err     error
}

// do runs the calls of a frame.
func (w *works) do(ctx context.Context, frame []byte) error {
	for len(frame) > 0 {
		name, number, args, rest, err := readCall(frame)
		if err != nil {
			return err
		}
		frame = rest
		for ; len(args) > 0 && w.progress.begin(number); number++ {
			arg, more, err := readBytes(args)
			if err != nil {
				return err
			}
			args = more
			start := time.Now()
			out, err := process.Invoke(ctx, name, arg)
			w.progress.done.Add(1)
			if err := w.keep(out, err, time.Since(start)); err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
	if w.front.Buffered() > 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send()
}

// keep keeps a result until there is nothing more to do, or there are many. Or until a timer
// sends them: the next task may take an hour.
func (w *works) keep(out []byte, err error, took time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.results = appendFailure(w.results, err)
	} else {
		w.results = appendBytes(append(w.results, isValue), out)
	}
	w.took += took
	if len(w.results) >= enough {
		return w.send()
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(window, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			_ = w.send() // if the pool is gone, the next task is the last one
		})
	}
	return w.err
}

func (w *works) send() error {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if len(w.results) > 0 && w.err == nil {
		w.err = w.front.SendFrames([][]byte{append(binary.AppendUvarint(nil, uint64(w.took)), w.results...)})
	}
	w.results, w.took = w.results[:0], 0
	return w.err
}
