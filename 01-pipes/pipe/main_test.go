package pipe_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
)

// The test binary is also the second process of its own tests: started with
// PIPE_ROLE set it plays that role instead of running tests. (os/exec's own
// tests do it like this.)
const roleVariable = "PIPE_ROLE"

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		role, ok := roles[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "no role %q\n", name)
			os.Exit(2)
		}
		if err := role(); err != nil {
			fmt.Fprintf(os.Stderr, "role %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

// startRole starts the role as a process of its own with back as its channel.
func startRole(t testing.TB, role string, back *pipe.Conn, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = t.Output()
	cmd.WaitDelay = patience
	back.Give(cmd)
	require.NoError(t, cmd.Start())
	require.NoError(t, back.Close())
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test has failed before its own Wait
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// withRole starts the role at the back of a new pair and returns the front.
func withRole(t testing.TB, role string, args ...string) (*pipe.Conn, *exec.Cmd) {
	t.Helper()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	t.Cleanup(func() { front.Close() })
	limit(t, front)
	return front, startRole(t, role, back, args...)
}

// limit turns a hang of c into an error.
func limit(t testing.TB, conns ...*pipe.Conn) {
	t.Helper()
	for _, c := range conns {
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	}
}

func newPair(t testing.TB) (front, back *pipe.Conn) {
	t.Helper()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	t.Cleanup(func() { front.Close(); back.Close() })
	limit(t, front, back)
	return front, back
}

func newPipe(t testing.TB) (r, w *pipe.Conn) {
	t.Helper()
	r, w, err := pipe.New()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	limit(t, r, w)
	return r, w
}

// roles are what a second process can be told to do.
var roles = map[string]func() error{
	"echo-frames":   func() error { return inherited(echoFrames) },
	"echo-blocking": func() error { return blocking(echoFrames) },
	"echo-json":     func() error { return blocking(echoJSON) },
	"drain":         func() error { return blocking(drain) },

	"die-inside-a-line": func() error { return inherited(dieInsideALine) },
}

// inherited wraps a role that uses its channel.
func inherited(role func(*pipe.Conn) error) error { return with(pipe.Inherited, role) }

// blocking is inherited for a worker that only waits for its next message.
func blocking(role func(*pipe.Conn) error) error {
	return with(pipe.InheritedBlocking, func(c *pipe.Conn) error {
		if err := c.SetDeadline(time.Now().Add(time.Hour)); runtime.GOOS != "windows" && !errors.Is(err, os.ErrNoDeadline) {
			return fmt.Errorf("it has deadlines: %v", err)
		}
		return role(c)
	})
}

func with(open func() (*pipe.Conn, error), role func(*pipe.Conn) error) error {
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close()
	return role(c)
}

// echoFrames sends every frame back until the other end closes.
func echoFrames(c *pipe.Conn) error {
	var buf []byte
	for {
		var err error
		if buf, err = c.ReceiveFrameInto(buf); err != nil {
			return atEnd(err)
		}
		if err := c.SendFrame(buf); err != nil {
			return err
		}
	}
}

func echoJSON(c *pipe.Conn) error {
	for {
		v, err := pipe.Receive[request](c)
		if err != nil {
			return atEnd(err)
		}
		if err := pipe.Send(c, v); err != nil {
			return err
		}
	}
}

// drain receives frames until the end.
func drain(c *pipe.Conn) error {
	var buf []byte
	for {
		var err error
		if buf, err = c.ReceiveFrameInto(buf); err != nil {
			return atEnd(err)
		}
	}
}

func atEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type request struct {
	ID   int       `json:"id"`
	Name string    `json:"name"`
	Args []float64 `json:"args"`
}
