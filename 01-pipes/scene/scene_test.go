package scene

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestRun(t *testing.T) {
	defer func(old time.Duration) { leaktest.Grace = old }(leaktest.Grace)
	leaktest.Grace = 100 * time.Millisecond
	stop := make(chan struct{})
	defer close(stop)
	fine := Scene{"fine", "all goes well", func(_ context.Context, out io.Writer) error {
		io.WriteString(out, "fine\n")
		return nil
	}}
	broken := Scene{"broken", "", func(context.Context, io.Writer) error { return errors.New("no luck") }}
	leaky := Scene{"leaky", "", func(context.Context, io.Writer) error { go func() { <-stop }(); return nil }}
	all := []Scene{fine, broken, leaky}

	for _, test := range []struct {
		args string
		code int
		err  string
	}{
		{"x fine fine", 0, ""},
		{"x fine broken fine", 1, "x: scene broken: no luck\n"},
		{"x leaky", 1, "x: scene leaky: left behind: goroutine"},
		{"x nosuch", 2, `x: there is no scene "nosuch"; the scenes are: fine, broken, leaky` + "\n"},
		{"x -h", 0, ""},
		{"x.exe -bad", 2, "x: flag provided but not defined: -bad; -h lists the scenes\n"},
	} {
		var out, errOut strings.Builder
		code := Run(t.Context(), strings.Fields(test.args), &out, &errOut, all)
		require.Equal(t, test.code, code, test.args)
		require.True(t, strings.HasPrefix(errOut.String(), test.err), "%s: %s", test.args, errOut.String())
		if test.err == "" {
			require.Empty(t, errOut.String())
		}
	}

	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("ctrl-c"))
	var errOut strings.Builder
	require.Equal(t, 1, Run(ended, []string{"x", "fine"}, io.Discard, &errOut, all))
	require.Equal(t, "x: before scene fine: ctrl-c\n", errOut.String())

	// What was printed has arrived, or the program fails.
	errOut.Reset()
	require.Equal(t, 1, Run(t.Context(), []string{"x", "fine", "fine"}, fullDisk{}, &errOut, all))
	require.Equal(t, "x: scene fine: no space left\n", errOut.String())
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }
