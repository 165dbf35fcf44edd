package selector_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// The test binary is also the second process of its own tests.
const roleVariable = "SELECTOR_ROLE"

var roles = map[string]func() error{
	"stdin": readStdin,
	"wait":  waitForTheEnd,
	"send":  sendWhenTold,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		if err := roles[name](); err != nil {
			fmt.Fprintf(os.Stderr, "role %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

// withRole starts the role as a process of its own and returns the front of its
// channel. change may change the command before it is started.
func withRole(t testing.TB, role string, change func(*exec.Cmd)) (*pipe.Conn, *exec.Cmd) {
	t.Helper()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	t.Cleanup(func() { front.Close() })
	cmd := exec.Command(os.Args[0])
	// A program with the race detector in it would sleep a second before it ends.
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = t.Output()
	cmd.WaitDelay = patience
	if change != nil {
		change(cmd)
	}
	back.Give(cmd)
	require.NoError(t, cmd.Start())
	require.NoError(t, back.Close())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return front, cmd
}

func newPair(t testing.TB) (front, back *pipe.Conn) {
	t.Helper()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	t.Cleanup(func() { front.Close(); back.Close() })
	return front, back
}

func newPipe(t testing.TB) (r, w *pipe.Conn) {
	t.Helper()
	r, w, err := pipe.New()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// outcome names what ReadInputs has returned.
func outcome(in pipe.Inputs, err error) string {
	if err == nil {
		return fmt.Sprint("message ", in.Args)
	}
	if _, ok := errors.AsType[*pipe.DecodeError](err); ok {
		return "garbage"
	}
	for name, target := range map[string]error{
		"timeout": pipe.ErrTimeout, "end": io.EOF, "cut short": io.ErrUnexpectedEOF, "closed": pipe.ErrClosed,
	} {
		if errors.Is(err, target) {
			return name
		}
	}
	return err.Error()
}

// readStdin reads inputs from stdin, each time with the limit that comes on the
// channel, and answers there what the outcome was.
func readStdin() error {
	channel, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer channel.Close()
	stdin, err := pipe.Files(os.Stdin, nil)
	if err != nil {
		return err
	}
	for {
		limit, err := pipe.Receive[time.Duration](channel)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pipe.Send(channel, outcome(selector.ReadInputs(stdin, limit))); err != nil {
			return err
		}
	}
}

// waitForTheEnd ends when the other end of its channel is closed.
func waitForTheEnd() error {
	channel, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer channel.Close()
	if _, err := channel.ReceiveLine(); err != io.EOF {
		return err
	}
	return nil
}

// sendWhenTold answers every message with the same.
func sendWhenTold() error {
	channel, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer channel.Close()
	for {
		line, err := channel.ReceiveLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := channel.SendLine(line); err != nil {
			return err
		}
	}
}
