package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

func TestMain(m *testing.M) {
	process.Main()
	// Programs are built once, and not into a directory of one test.
	var err error
	if programs, err = os.MkdirTemp("", "process-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := leaktest.Run(m)
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

var programs string // the directory

// Functions that run as processes in these tests; more in functions_unix_test.go.
var (
	square = process.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

	bomb = process.Func("bomb", func(_ context.Context, what string) (struct{}, error) { panic(what) })

	// echo sends back every line.
	echo = process.Service("echo", func(_ context.Context, prefix string, front *pipe.Conn) error {
		for {
			line, err := pipe.Receive[string](front)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := pipe.Send(front, prefix+line); err != nil {
				return err
			}
		}
	})
)

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.True(t, strings.Contains(text, part), "%q is not in:\n%s", part, text)
	}
}
