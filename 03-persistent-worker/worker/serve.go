package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// A Function is what a worker program does with its inputs. The context ends when
// the program is told to go (SIGTERM). An error goes to the caller, with its
// trace, and so does a panic; neither ends the program.
type Function func(ctx context.Context, in pipe.Inputs) (any, error)

// Serve is the other side, in Go: it makes this program a worker. It reads
// inputs, calls the function with each, one after the other, and sends what it
// returns. Call it in main:
//
//	if err := worker.Serve(square); err != nil {
//		log.Fatal(err)
//	}
//
// It returns nil when the input ends, and when no input has come for the idle
// time (5 s, or what the caller's Config.Idle says), and otherwise an error. The
// dialect, too, is the caller's choice; in one without a form for errors, the
// first error of the function ends Serve.
//
// While it serves, what this program prints to stdout goes to stderr if stdout is
// the channel, so nothing can be taken for an answer; and Ctrl-C is ignored, since
// it is for the parent to decide what follows from it.
func Serve(f Function) error {
	s := &server{dialect: os.Getenv(dialectVariable), flag: os.Getenv(flagVariable), idle: selector.DefaultIdle}
	if value := os.Getenv(idleVariable); value != "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || !(seconds >= 0 && seconds < 1e9) {
			return fmt.Errorf("worker: serve: %s=%q is not a number of seconds", idleVariable, value)
		}
		s.idle = time.Duration(seconds * float64(time.Second))
		if s.idle == 0 {
			s.idle = 365 * 24 * time.Hour // for ever; the end of the input ends it
		}
	}
	switch s.dialect {
	case "":
		s.dialect = "envelope"
	case "bare", "envelope", "flagged":
	default:
		return fmt.Errorf("worker: serve: there is no dialect %q (%s)", s.dialect, dialectVariable)
	}
	announce := os.Getenv(announceVariable) != ""
	for _, variable := range []string{dialectVariable, flagVariable, idleVariable, announceVariable} {
		_ = os.Unsetenv(variable) // not meant for our children
	}
	_ = child.WatchLifeline() // if there is one
	c, err := serverChannel()
	if err != nil {
		return fmt.Errorf("worker: serve: %w", err)
	}
	defer c.Close()
	signal.Ignore(os.Interrupt)
	defer s.watchSIGTERM()()
	if announce {
		if err := pipe.Send(c, announcement{Ready: true, Protocol: protocol}); err != nil {
			return fmt.Errorf("worker: serve: announce: %w", err)
		}
	}
	return s.loop(c, f)
}

type server struct {
	dialect, flag string
	idle          time.Duration

	mu     sync.Mutex
	cancel context.CancelFunc // of the call that goes on; nil: none
	told   bool               // to go
}

func (s *server) loop(c *pipe.Conn, f Function) error {
	for in, err := range selector.Inputs(c, s.idle) {
		var value any
		if err == nil {
			ctx, begun := s.begin()
			if !begun {
				return nil
			}
			value, err = call(ctx, f, in)
			s.end()
		} else if _, notUnderstood := errors.AsType[*pipe.DecodeError](err); !notUnderstood {
			return fmt.Errorf("worker: serve: %w", err)
		}
		if err := s.send(c, value, err); err != nil {
			return fmt.Errorf("worker: serve: %w", err)
		}
	}
	return nil
}

func (s *server) send(c *pipe.Conn, value any, err error) error {
	if s.dialect != "envelope" {
		if err != nil {
			return errors.New(err.Error() + "\n\n" + trace(err)) // to crash is all that this dialect has
		}
		line, err := pipe.Encode(value)
		if err != nil {
			return err
		}
		if s.dialect == "flagged" {
			line = append([]byte(s.flag), line...)
		}
		return c.SendLine(line)
	}
	if err == nil {
		var text []byte
		if text, err = pipe.Encode(value); err == nil {
			line := append([]byte(goodPrefix), text[:len(text)-1]...) // without the newline
			return c.SendLine(append(line, '}'))
		}
		// What cannot be sent is an error of this call, and no more.
	}
	message, where := strings.ToValidUTF8(err.Error(), "?"), strings.ToValidUTF8(trace(err), "?")
	return pipe.Send(c, envelope{OK: new(false), Error: &message, Trace: &where})
}

// call calls the function and makes an error of a panic.
func call(ctx context.Context, f Function, in pipe.Inputs) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, &panicError{r, string(debug.Stack())}
		}
	}()
	return f(ctx, in)
}

type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// trace says where an error comes from: the stack of a panic, and otherwise the
// chain of errors, the outermost first, since errors in Go carry no stack.
func trace(err error) string {
	if p, ok := errors.AsType[*panicError](err); ok {
		return p.stack
	}
	var b strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&b, "%T: %v\n", err, err)
	}
	return b.String()
}

// begin notes that a call goes on, unless we have been told to go.
func (s *server) begin() (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told {
		return nil, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	return ctx, true
}

func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel()
	s.cancel = nil
}

// watchSIGTERM ends the context of the call that goes on. If there is none, there
// is nothing to end in good order, and the signal does what it always does.
func (s *server) watchSIGTERM() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		for range signals {
			s.mu.Lock()
			s.told = true
			cancel := s.cancel
			s.mu.Unlock()
			if cancel != nil {
				cancel()
				continue
			}
			signal.Reset(syscall.SIGTERM)
			if p, err := os.FindProcess(os.Getpid()); err == nil {
				_ = p.Signal(syscall.SIGTERM)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}
