package child_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// The test binary is also the programs that its tests start.
const roleVariable = "CHILD_ROLE"

// roles get the arguments that follow the program's name.
var roles = map[string]func(args []string) error{
	"exit":        roleExit,
	"answer":      roleAnswer,
	"until-eof":   roleUntilEOF,
	"polite":      rolePolite,
	"deaf":        roleDeaf,
	"print":       rolePrint,
	"flood":       roleFlood,
	"panic":       func([]string) error { panic("on purpose") },
	"grandchild":  roleGrandchild,
	"parent":      roleParent,
	"busy":        roleBusy,
	"working-dir": func([]string) error { dir, err := os.Getwd(); fmt.Print(dir); return err },
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		role, ok := roles[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "no role %q\n", name)
			os.Exit(2)
		}
		if err := role(os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "role %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

func command(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	// A program with the race detector in it would sleep a second before it ends.
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// start starts a role that ends, at the latest, with the test.
func start(t testing.TB, cmd *exec.Cmd, o child.Options) *child.Child {
	t.Helper()
	c, err := child.Start(cmd, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Kill()
		<-c.Done()
	})
	return c
}

// withChannel starts a role with a channel and returns the front of it. Its
// reader looks once more when the child has gone, and does not wait.
func withChannel(t testing.TB, cmd *exec.Cmd, o child.Options) (*pipe.Conn, *child.Child) {
	t.Helper()
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	t.Cleanup(func() { front.Close() })
	require.NoError(t, front.SetReadDeadline(time.Now().Add(patience)))
	o.Channel = back
	o.Gone = func() { _ = front.SetReadDeadline(time.Unix(1, 0)) }
	o.HangUp = func() { _ = front.CloseWrite() }
	return front, start(t, cmd, o)
}

func end(t testing.TB, c *child.Child) *child.DiedError {
	t.Helper()
	select {
	case <-c.Done():
		return c.Died()
	case <-time.After(patience):
		require.FailNow(t, "the child has not ended")
		return nil
	}
}

func stop(t testing.TB, c *child.Child) *child.DiedError {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, c.Stop(ctx))
	return c.Died()
}

func roleExit(args []string) error {
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, strings.Join(args[1:], " "))
	os.Exit(code)
	return nil
}

// roleAnswer sends one answer and ends at once, in one of several ways.
func roleAnswer(args []string) error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	n, err := pipe.Receive[int](c)
	if err != nil {
		return err
	}
	if err := pipe.Send(c, n*n); err != nil {
		return err
	}
	switch args[0] {
	case "kill":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		for { // select {} is a deadlock to the runtime, without cgo
			time.Sleep(time.Hour)
		}
	case "exit":
		os.Exit(3)
	}
	return nil
}

func roleUntilEOF([]string) error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	if err := c.SendLine([]byte("ready")); err != nil {
		return err
	}
	if _, err = c.ReceiveLine(); err == io.EOF {
		return nil
	}
	return err
}

// rolePolite leaves at SIGTERM with exit status 7, and does not read its input.
func rolePolite([]string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("ready")
	<-signals
	os.Exit(7)
	return nil
}

// roleDeaf hears nothing but SIGKILL.
func roleDeaf([]string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("ready")
	for { // select {} is a deadlock to the runtime, without cgo
		time.Sleep(time.Hour)
	}
}

func rolePrint(args []string) error {
	fmt.Fprint(os.Stdout, args[0])
	fmt.Fprint(os.Stderr, args[1])
	return nil
}

// roleFlood writes this many lines to stderr, or this many bytes without a line's
// end to stdout and stderr, and then answers.
func roleFlood(args []string) error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if args[0] == "lines" {
		for i := range n {
			fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
	} else {
		block := strings.Repeat("x", 1<<16)
		for range n >> 16 {
			fmt.Fprint(os.Stderr, block)
			fmt.Fprint(os.Stdout, block)
		}
	}
	return pipe.Send(c, "done")
}

// roleBusy computes and never calls anybody. It watches its lifeline, so it must
// end with its parent all the same.
func roleBusy([]string) error {
	if err := child.WatchLifeline(); err != nil {
		return err
	}
	fmt.Println("ready")
	for n := 0; ; n++ {
		if n < 0 {
			return errors.New("overflow")
		}
	}
}
