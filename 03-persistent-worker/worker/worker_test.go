package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// Started once, kept, and started again when it is dead and only then.
func TestItStaysWarm(t *testing.T) {
	w := newWorker(t, config("serve"))
	require.Zero(t, w.PID())
	first := pid(t, w)
	for range 10 {
		require.Equal(t, first, pid(t, w))
	}
	require.NoError(t, w.Start(limited(t))) // it runs already
	require.Equal(t, first, pid(t, w))
	w.Kill()
	second := pid(t, w)
	require.NotEqual(t, first, second)
	require.Equal(t, second, pid(t, w))
}

func TestEveryVariant(t *testing.T) {
	for name, c := range variants(config("serve")) {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, c)
			got, err := worker.Call[any](limited(t), w, "echo", map[string]any{"a": []any{1, "ä\u2028\x00", nil}})
			require.NoError(t, err)
			require.Equal(t, map[string]any{"a": []any{json.Number("1"), "ä\u2028\x00", nil}}, got)
			n, err := worker.Call[int64](limited(t), w, "kwarg", pipe.Kwargs{"x": int64(9007199254740993)})
			require.NoError(t, err)
			require.Equal(t, int64(9007199254740993), n)
			raw, err := w.Call(limited(t), pipe.Args{"echo", nil}, nil)
			require.NoError(t, err)
			require.Equal(t, "null", string(raw))
			_, err = worker.Call[int](limited(t), w, "echo", "text")
			require.ErrorContains(t, err, `"\"text\"" is not a int`)

			before := pid(t, w)
			_, err = w.Call(limited(t), pipe.Args{"error"}, nil)
			require.ErrorContains(t, err, "no such table")
			require.ErrorContains(t, err, "*errors.errorString: file does not exist") // its trace
			remote, isRemote := errorAs[*worker.RemoteError](err)
			died, isDied := errorAs[*child.DiedError](err)
			if c.Dialect == worker.Envelope {
				require.True(t, isRemote)
				require.Equal(t, "no such table: file does not exist", remote.Message)
				require.Equal(t, before, pid(t, w)) // no restart
			} else {
				require.True(t, isDied)
				require.Equal(t, 1, died.ExitCode)
				require.NotEqual(t, before, pid(t, w))
			}
			_, err = w.Call(limited(t), pipe.Args{"panic"}, nil)
			require.ErrorContains(t, err, "index out of range [1] with length 0")
			require.ErrorContains(t, err, "main_test.go:") // and where
			require.NotZero(t, pid(t, w))

			// Output of the program is neither an answer nor in the way.
			for range 3 {
				got, err := worker.Call[string](limited(t), w, "noise")
				require.NoError(t, err)
				require.Equal(t, "answer", got)
				got, err = worker.Call[string](limited(t), w, "flood")
				require.NoError(t, err)
				require.Equal(t, "answer", got)
			}
			big := strings.Repeat("big ", 1<<20)
			got2, err := worker.Call[string](limited(t), w, "echo", big)
			require.NoError(t, err)
			require.Equal(t, big, got2)
		})
	}
}

func errorAs[E error](err error) (E, bool) {
	for err != nil {
		if e, ok := err.(E); ok {
			return e, true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range x.Unwrap() {
				if e, ok := errorAs[E](inner); ok {
					return e, true
				}
			}
			err = nil
		default:
			err = nil
		}
	}
	var none E
	return none, false
}

func TestPython(t *testing.T) {
	for name, c := range variants(python(t)) {
		if testing.Short() && name != "fd 3, envelope" && name != "stdio, bare" {
			continue // a start of Python takes longer than all the rest
		}
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, c)
			n, err := worker.Call[float64](limited(t), w, 1)
			require.NoError(t, err)
			require.Equal(t, 2.0, n)
			n, err = worker.Call[float64](limited(t), w, pipe.Kwargs{"x": 1.5})
			require.NoError(t, err)
			require.Equal(t, 2.5, n)
			before := w.PID()
			_, err = w.Call(limited(t), pipe.Args{"bad"}, nil)
			require.ErrorContains(t, err, `TypeError: can only concatenate str (not "int") to str`)
			require.ErrorContains(t, err, "executable.py")
			require.ErrorContains(t, err, "return x + 1")
			if c.Dialect == worker.Envelope {
				require.Equal(t, before, w.PID())
			} else {
				require.ErrorContains(t, err, fmt.Sprintf("worker \"x\" (pid %d): exit status 1: External Process Failed:\n\nTraceback", before))
			}
			n, err = worker.Call[float64](limited(t), w, 41)
			require.NoError(t, err)
			require.Equal(t, 42.0, n)
		})
	}
	t.Run("announces itself", func(t *testing.T) {
		for _, program := range []worker.Config{python(t), config("serve")} {
			program.Announces, program.Dialect, program.Flag = true, worker.Flagged, "=> "
			w := newWorker(t, program)
			require.NoError(t, w.Start(limited(t)))
			require.NotZero(t, w.PID())
		}
	})
	t.Run("goes by itself", func(t *testing.T) {
		c := python(t)
		c.Idle = 50 * time.Millisecond
		w := newWorker(t, c)
		for range 3 {
			n, err := worker.Call[int](limited(t), w, 1)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			for w.PID() != 0 {
				time.Sleep(time.Millisecond)
			}
		}
	})
}

// A worker in sh. Any program will do that reads a line and answers with one.
func TestShell(t *testing.T) {
	w := newWorker(t, shell(t, `while read -r line; do echo "progress: 50 %"; echo "$line" | wc -c; done`))
	n, err := worker.Call[int](limited(t), w, "four")
	require.NoError(t, err)
	require.Equal(t, len(`{"args":["four"],"kwargs":{}}`)+1, n)
}

// Each caller its own answer.
func TestManyCallers(t *testing.T) {
	w := newWorker(t, config("serve"))
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for j := range 10 {
				n, err := worker.Call[int](limited(t), w, "add", 100*i+j)
				if err != nil || n != 100*i+j+1 {
					t.Errorf("got %d, %v", n, err)
				}
			}
		})
	}
	group.Wait()
}

// Callers give up at any moment, and the answers that come too late reach nobody.
func TestALateAnswerReachesNobody(t *testing.T) {
	for name, c := range variants(config("serve")) {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, c)
			first := pid(t, w)
			late := 0
			for i := range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
				n, err := worker.Call[int](ctx, w, "sleep", rand.N(2*time.Millisecond), i)
				cancel()
				if err != nil {
					require.ErrorIs(t, err, pipe.ErrTimeout)
					late++
				} else {
					require.Equal(t, i, n)
				}
				if i%5 == 0 {
					n, err := worker.Call[int](limited(t), w, "add", i)
					require.NoError(t, err)
					require.Equal(t, i+1, n)
				}
			}
			require.Equal(t, first, pid(t, w)) // and nothing was restarted
			t.Logf("%d of 40 came too late", late)

			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Millisecond, func() { cancel(errWhy) })
			_, err := w.Call(ctx, pipe.Args{"sleep", 20 * time.Millisecond, 1}, nil)
			require.ErrorIs(t, err, errWhy)
			ctx, cancel2 := context.WithCancel(t.Context())
			cancel2()
			_, err = w.Call(ctx, pipe.Args{"exit", 1}, nil) // not sent at all
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, first, pid(t, w))
		})
	}
}

// The program dies of a call whose caller gave up long ago. The next call is not
// to blame for that.
func TestTheNextCallDoesNotPayForTheLast(t *testing.T) {
	for _, name := range []string{"stdio, envelope", "fd 3, envelope"} {
		w := newWorker(t, variants(config("serve"))[name])
		before := pid(t, w)
		// On a busy machine the time may be over before the call has begun: once more, then.
		late := func(says string, args ...any) {
			t.Helper()
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				_, err := w.Call(ctx, args, nil)
				cancel()
				require.ErrorIs(t, err, pipe.ErrTimeout)
				if strings.Contains(err.Error(), says) {
					return
				}
				require.NotContains(t, err.Error(), ": no answer")
			}
		}
		late("no answer yet", "sleep then exit", 200*time.Millisecond)
		late("still busy with an earlier call", "add", 1)
		require.NotEqual(t, before, pid(t, w))
	}
}

// A caller that gave up is not the one who is asked to wait for its turn.
func TestGivingUpBeforeItsTurn(t *testing.T) {
	w := newWorker(t, config("serve"))
	pid(t, w)
	busy := make(chan error, 1)
	go func() {
		_, err := w.Call(limited(t), pipe.Args{"sleep", 100 * time.Millisecond, 1}, nil)
		busy <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	var err error
	for err == nil { // until the other one is at work
		_, err = w.Call(ctx, pipe.Args{"add", 1}, nil)
	}
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.NoError(t, <-busy)
}

// It goes when it is idle, at the moment when it is called. The call is executed
// once: the file says so.
func TestTheIdleExitRacesACall(t *testing.T) {
	race := func(t *testing.T, c worker.Config, call func(w *worker.Worker, i int) error) {
		c.Idle = 3 * time.Millisecond
		w := newWorker(t, c)
		calls := 60
		if testing.Short() {
			calls = 15
		}
		starts, last := 0, 0
		for i := range calls {
			require.NoError(t, call(w, i), "call %d", i)
			if p := w.PID(); p != last {
				starts, last = starts+1, p
			}
			time.Sleep(2500*time.Microsecond + rand.N(time.Millisecond)) // around the idle time
		}
		t.Logf("%d calls, %d starts", calls, starts)
	}
	for name, c := range variants(config("serve")) {
		t.Run(name, func(t *testing.T) {
			if c.Channel == worker.Descriptor3 && runtime.GOOS != "linux" {
				t.Skip("whether a socket's peer has read everything is known on Linux only")
			}
			file := filepath.Join(t.TempDir(), "calls")
			want := ""
			race(t, c, func(w *worker.Worker, i int) error {
				n, err := worker.Call[int](limited(t), w, "append", file, i)
				if err == nil && n != i {
					return fmt.Errorf("got %d, want %d", n, i)
				}
				want += fmt.Sprintln(i)
				return err
			})
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, want, string(got)) // none lost, none twice
		})
	}
}

func TestACrash(t *testing.T) {
	for _, name := range []string{"stdio, envelope", "fd 3, bare"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "stderr")
			c := variants(config("serve"))[name]
			c.StderrFile = file
			w := newWorker(t, c)
			for _, code := range []int{3, 0} { // 0 in the middle of a call is no success
				before := pid(t, w)
				_, err := w.Call(limited(t), pipe.Args{"exit", code}, nil)
				died, ok := errorAs[*child.DiedError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, before, died.PID)
				require.Equal(t, code, died.ExitCode)
				require.EqualError(t, err, fmt.Sprintf("worker \"x\" (pid %d): exit status %d: External Process Failed:\n\nlast words", before, code))
			}
			_, err := w.Call(limited(t), pipe.Args{"kill"}, nil)
			died, ok := errorAs[*child.DiedError](err)
			require.True(t, ok, "%v", err)
			if runtime.GOOS != "windows" {
				require.Equal(t, -9, died.ExitCode)
			}
			require.NotZero(t, pid(t, w))
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, "last words\nlast words\n", string(text)) // no run erases the evidence of another
		})
	}
}

func TestArgumentsThatCannotBeSent(t *testing.T) {
	w := newWorker(t, config("serve"))
	_, err := w.Call(limited(t), pipe.Args{make(chan int)}, nil)
	require.ErrorContains(t, err, `worker "x": pipe: encode`)
	require.Zero(t, w.PID()) // nothing was even started
	before := pid(t, w)
	_, err = w.Call(limited(t), pipe.Args{"unsendable"}, nil) // the other way round
	_, ok := errorAs[*worker.RemoteError](err)
	require.True(t, ok, "%v", err)
	_, err = w.Call(limited(t), pipe.Args{"no such thing"}, nil)
	require.ErrorContains(t, err, `what is "no such thing"?`)
	require.Equal(t, before, pid(t, w))
}

func TestItsOwnDirectory(t *testing.T) {
	w := newWorker(t, config("serve"))
	dir, err := worker.Call[string](limited(t), w, "dir")
	require.NoError(t, err)
	require.DirExists(t, dir)
	here, err := os.Getwd()
	require.NoError(t, err)
	require.NotEqual(t, here, dir)
	other := newWorker(t, config("serve"))
	dir2, err := worker.Call[string](limited(t), other, "dir")
	require.NoError(t, err)
	require.NotEqual(t, dir, dir2)
	w.Kill()
	closeWorker(t, w)
	require.NoDirExists(t, dir)

	c := config("serve")
	c.Dir = t.TempDir()
	w = newWorker(t, c)
	dir, err = worker.Call[string](limited(t), w, "dir")
	require.NoError(t, err)
	require.Equal(t, filepath.Base(c.Dir), filepath.Base(dir))
}

// A path that is relative to where we are, and not to where the program will be.
func TestARelativePath(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a script as a program")
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("program", []byte("#!/bin/sh\nwhile read -r line; do echo 7; done\n"), 0o700))
	w := newWorker(t, worker.Config{Program: "./program", Grace: patience})
	n, err := worker.Call[int](limited(t), w)
	require.NoError(t, err)
	require.Equal(t, 7, n)
	require.Equal(t, "program", w.Name())
}

func TestClose(t *testing.T) {
	c := config("serve")
	c.Grace = 3 * time.Second // it is busy and does not see the end of its input: SIGTERM is what it hears
	w := newWorker(t, c)
	pid(t, w)
	result := make(chan error, 2)
	for range 2 { // one at work, one waits for its turn
		go func() {
			_, err := w.Call(limited(t), pipe.Args{"until cancelled"}, nil)
			result <- err
		}()
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { closeWorker(t, w) })
	}
	group.Wait()
	for range 2 {
		err := <-result
		if _, remote := errorAs[*worker.RemoteError](err); !remote { // it may have been in time to say "cancelled"
			require.ErrorIs(t, err, pipe.ErrClosed)
		}
	}
	_, err := w.Call(limited(t), pipe.Args{"add", 1}, nil)
	require.ErrorIs(t, err, pipe.ErrClosed)
	require.EqualError(t, err, `worker "x": this end is closed`)
	require.ErrorIs(t, w.Start(limited(t)), pipe.ErrClosed)
	require.Zero(t, w.PID())

	never := worker.New(config("serve")) // never started
	closeWorker(t, never)
}

// The program is told to go while a call is about to send its request. It was not
// executed, and it is Close that is to blame for that and not the program.
func TestCloseBeforeTheRequest(t *testing.T) {
	for range 10 {
		c := shell(t, `read -r line; echo begun >&2; read -r line; echo 7`) // it answers at the end of its input
		begun := make(lines, 1)
		c.Stderr = begun
		w := newWorker(t, c)
		ctx, cancel := context.WithCancel(limited(t))
		gaveUp := make(chan error, 1)
		go func() {
			_, err := w.Call(ctx, nil, nil)
			gaveUp <- err
		}()
		<-begun
		cancel()
		require.ErrorIs(t, <-gaveUp, context.Canceled)
		result := make(chan error, 1)
		go func() { // it waits for the answer that nobody wants, and then sends
			_, err := w.Call(limited(t), nil, nil)
			result <- err
		}()
		runtime.Gosched()
		closeWorker(t, w)
		err := <-result
		require.ErrorIs(t, err, pipe.ErrClosed)
		_, died := errorAs[*child.DiedError](err)
		require.False(t, died, "%v", err)
	}
}

// Who is at work when the patience of Close is at its end learns both.
func TestCloseKills(t *testing.T) {
	c := shell(t, `trap '' TERM; read -r line; echo begun >&2; exec sleep 1000`)
	c.Grace = 50 * time.Millisecond
	begun := make(lines, 1)
	c.Stderr = begun
	w := newWorker(t, c)
	result := make(chan error, 1)
	go func() {
		_, err := w.Call(limited(t), nil, nil)
		result <- err
	}()
	<-begun
	closeWorker(t, w)
	err := <-result
	require.ErrorIs(t, err, pipe.ErrClosed)
	died, ok := errorAs[*child.DiedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, syscall.SIGKILL, died.Signal)
}

// lines is a writer that passes on what is written to it.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func TestAProgramThatDoesNotGoByItself(t *testing.T) {
	c := shell(t, `trap '' TERM; while read -r line; do echo 7; done; exec sleep 1000`)
	c.Idle, c.Grace = 20*time.Millisecond, 50*time.Millisecond
	w := newWorker(t, c)
	for range 2 {
		n, err := worker.Call[int](limited(t), w)
		require.NoError(t, err)
		require.Equal(t, 7, n)
		for w.PID() != 0 { // it is ended for it
			time.Sleep(time.Millisecond)
		}
	}
}

func TestManyLaunchesLeaveNothing(t *testing.T) {
	launches := 200
	if testing.Short() {
		launches = 20
	}
	leaktest.Check(t)
	w := worker.New(config("serve"))
	for i := range launches {
		n, err := worker.Call[int](limited(t), w, "add", i)
		require.NoError(t, err)
		require.Equal(t, i+1, n)
		w.Kill()
	}
	closeWorker(t, w)
}
