package process

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// goroutine is what runs a function in this process, in place of a new one.
type goroutine struct {
	p      *Process
	back   *pipe.Conn
	cancel context.CancelCauseFunc
	code   int // valid when done is closed

	mu     sync.Mutex
	source syscall.Conn
}

func startInline(p *Process, in []byte, back *pipe.Conn) running {
	ctx, cancel := context.WithCancelCause(context.Background())
	g := &goroutine{p: p, back: back, cancel: cancel}
	p.wasReady.Store(true)
	close(p.ready)
	go func() {
		value, err := apart(func() ([]byte, error) { return p.target.invoke(ctx, nil, in, back) })
		var o outcome
		o.value, g.code, o.err = conclude(value, err, context.Cause(ctx) != nil)
		if o.err != nil {
			o.err = p.who(os.Getpid())(o.err)
		}
		cancel(nil)
		if back != nil {
			_ = back.Close() // as the end of a process would
		}
		p.answer(o)
		p.finish(g.code)
	}()
	return g
}

// conclude says what becomes of what a function has returned: the value, the error
// as it travels, and the exit code.
func conclude(value []byte, err error, told bool) (result []byte, code int, failed error) {
	if err == nil {
		err = tooLarge("its result", value)
	}
	var panicked *PanicError
	switch {
	case err == nil:
		return value, ExitOK, nil
	case errors.As(err, &panicked):
		return nil, ExitPanic, failure{Message: err.Error(), Trace: panicked.Stack}.err()
	case told || errors.Is(err, ErrAborted): // by a signal, or by a message of its own protocol
		return nil, ExitAborted, failure{Message: err.Error(), Aborted: true}.err()
	}
	return nil, ExitError, failure{Message: err.Error()}.err()
}

func (g *goroutine) pid() int      { return os.Getpid() }
func (g *goroutine) exitCode() int { return g.code }

func (g *goroutine) died() *child.DiedError { return nil }

// terminate ends the context and the waits on the pipe. More cannot be done to a
// goroutine.
func (g *goroutine) terminate() {
	g.cancel(ErrAborted)
	if g.back != nil {
		_ = g.back.SetDeadline(time.Unix(1, 0))
	}
}

func (g *goroutine) kill() { g.terminate() }

func (g *goroutine) stop() {
	g.p.closeWrite()
	g.terminate()
}

// SyscallConn returns the reading end of a pipe that ends with the goroutine.
func (g *goroutine) SyscallConn() (syscall.RawConn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.source == nil {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		g.source = r
		go func() {
			<-g.p.done
			_ = w.Close()
		}()
	}
	return g.source.SyscallConn()
}
