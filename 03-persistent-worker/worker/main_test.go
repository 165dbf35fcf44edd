package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// The test binary is also the program behind its workers.
const roleVariable = "WORKER_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		leaktest.Main(m)
	case "late", "serve":
		if role == "late" {
			time.Sleep(200 * time.Millisecond) // its expensive start
		}
		if err := worker.Serve(serve); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "talk":
		talk()
		os.Exit(0)
	default:
		fmt.Fprintf(os.Stderr, "no role %q\n", role)
		os.Exit(2)
	}
}

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

// talk prints more than fits into a pipe before it reads each request.
func talk() {
	for input := bufio.NewReader(os.Stdin); ; {
		for i := range 3000 {
			fmt.Printf("progress: step %d of 3000, and this line is long enough to fill a pipe\n", i)
		}
		if _, err := input.ReadString('\n'); err != nil {
			return
		}
		fmt.Println(7)
	}
}

// serve does what its first argument says with the others.
func serve(ctx context.Context, in pipe.Inputs) (any, error) {
	what, err := pipe.Arg[string](in, 0)
	if err != nil {
		return nil, err
	}
	switch what {
	case "pid":
		return os.Getpid(), nil
	case "dir":
		return os.Getwd()
	case "echo":
		return in.Args[1], nil
	case "kwarg":
		return in.Kwargs["x"], nil
	case "add":
		n, err := pipe.Arg[int](in, 1)
		return n + 1, err
	case "error":
		return nil, fmt.Errorf("no such table: %w", os.ErrNotExist)
	case "panic":
		var table []int
		table[len(in.Args)]++
	case "unsendable":
		return func() {}, nil
	case "noise":
		fmt.Println("42")
		fmt.Println(`{"ok":true,"value":"noise"}`)
		fmt.Fprintln(os.Stderr, "more noise")
		return "answer", nil
	case "flood":
		line := strings.Repeat("x", 1000)
		for range 2000 {
			fmt.Println(line)
			fmt.Fprintln(os.Stderr, line)
		}
		return "answer", nil
	case "sleep":
		d, err := pipe.Arg[time.Duration](in, 1)
		time.Sleep(d)
		return in.Args[2], err
	case "sleep then exit":
		d, _ := pipe.Arg[time.Duration](in, 1)
		time.Sleep(d)
		os.Exit(1)
	case "until cancelled":
		<-ctx.Done()
		return nil, ctx.Err()
	case "exit":
		code, _ := pipe.Arg[int](in, 1)
		fmt.Fprint(os.Stderr, "last words\n")
		os.Exit(code)
	case "kill":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		for { // select {} is a deadlock to the runtime, without cgo
			time.Sleep(time.Hour)
		}
	case "append": // a line to a file, and then its number
		name, _ := pipe.Arg[string](in, 1)
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, in.Args[2])
		return in.Args[2], err
	}
	return nil, fmt.Errorf("what is %q?", what)
}

// config is the config of a worker that is this program.
func config(role string) worker.Config {
	return worker.Config{
		Program: os.Args[0],
		Name:    "x",
		Env:     []string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"},
		Dialect: worker.Envelope,
		Idle:    -1,
		Grace:   patience, // so that a slow machine does not change how it ends
	}
}

func newWorker(t testing.TB, c worker.Config) *worker.Worker {
	t.Helper()
	w := worker.New(c)
	t.Cleanup(func() { closeWorker(t, w) })
	return w
}

func closeWorker(t testing.TB, w *worker.Worker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	require.NoError(t, w.Close(ctx))
	<-w.Done()
}

// ctx limits a hang.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func pid(t testing.TB, w *worker.Worker) int {
	t.Helper()
	n, err := worker.Call[int](limited(t), w, "pid")
	require.NoError(t, err)
	require.Equal(t, n, w.PID())
	return n
}

// variants are all ways to talk to a program.
func variants(base worker.Config) map[string]worker.Config {
	all := map[string]worker.Config{}
	for channel, c := range map[string]worker.Channel{"stdio": worker.Stdio, "fd 3": worker.Descriptor3} {
		for dialect, d := range map[string]worker.Dialect{"bare": worker.Bare, "envelope": worker.Envelope, "flagged": worker.Flagged} {
			v := base
			v.Channel, v.Dialect, v.Flag = c, d, "=> "
			all[channel+", "+dialect] = v
		}
	}
	return all
}

func python(t testing.TB) worker.Config {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	script, err := filepath.Abs("../executable.py")
	require.NoError(t, err)
	c := config("")
	c.Program, c.Args = path, []string{script}
	return c
}

func shell(t testing.TB, script string) worker.Config {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("no sh here: %v", err)
	}
	return worker.Config{Program: path, Args: []string{"-c", script}, Name: "x", Grace: patience}
}

// A buffer can be written to by one goroutine and read by another.
type buffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

var errWhy = errors.New("no reason")
