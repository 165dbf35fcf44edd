package leaktest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	switch os.Getenv("LEAKTEST_ROLE") {
	case "":
		Main(m)
	case "wait": // a run of tests that makes a temporary file and does not end
		run(func() int {
			f, err := os.CreateTemp("", "forgotten")
			if err != nil {
				panic(err)
			}
			fmt.Println(f.Name())
			for { // select {} is a deadlock to the runtime, without cgo
				time.Sleep(time.Hour)
			}
		}, os.Stderr.WriteString)
	case "stay": // until stdin ends, for ever if it is held open
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
}

func TestATidyRunPasses(t *testing.T) {
	code := run(func() int { return 0 }, func(s string) (int, error) {
		t.Error("it said:", s)
		return 0, nil
	})
	require.Zero(t, code)
}

func TestAFailedRunStaysFailed(t *testing.T) {
	require.Equal(t, 7, run(func() int { return 7 }, func(string) (int, error) { return 0, nil }))
}

// Each kind of leak is found, named, and turns a passed run into a failed one.
func TestLeaksAreFound(t *testing.T) {
	defer func(old time.Duration) { Grace = old }(Grace)
	Grace = 100 * time.Millisecond
	say := func(leak func()) string {
		var said strings.Builder
		code := run(func() int { leak(); return 0 }, said.WriteString)
		require.Equal(t, 1, code)
		return said.String()
	}
	t.Run("goroutine", func(t *testing.T) {
		stop := make(chan struct{})
		defer close(stop)
		require.Regexp(t, `goroutine \d+: \[.*TestLeaksAreFound`, say(func() { go func() { <-stop }() }))
	})
	t.Run("descriptor", func(t *testing.T) {
		needProc(t)
		var r, w *os.File
		said := say(func() { r, w, _ = os.Pipe() })
		defer r.Close()
		defer w.Close()
		require.Equal(t, 2, strings.Count(said, "descriptor"), said)
		require.Contains(t, said, "pipe:[")
	})
	t.Run("temporary file", func(t *testing.T) {
		said := say(func() { _, _ = os.MkdirTemp("", "forgotten") })
		require.Contains(t, said, "temporary file")
		require.Contains(t, said, "forgotten")
	})
	t.Run("child", func(t *testing.T) {
		needProc(t)
		var stdin *os.File
		said := say(func() { stdin = startStaying(t) })
		defer stdin.Close()
		require.Contains(t, said, "is alive")
		left, err := children()
		require.NoError(t, err)
		require.Empty(t, left, "what was found must be ended, or it outlives the tests")
	})
	t.Run("zombie", func(t *testing.T) {
		needProc(t)
		said := say(func() {
			stdin := startStaying(t)
			stdin.Close()
			require.Eventually(t, func() bool { // it takes its time to end
				now, err := children()
				return err == nil && strings.Contains(fmt.Sprint(now), "zombie")
			}, time.Minute, time.Millisecond)
		})
		require.Contains(t, said, "is a zombie: it has ended, and nobody waited for it")
	})
}

// startStaying starts a process that stays while the file it returns is open,
// and does not wait for it.
func startStaying(t *testing.T) *os.File {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	// Not exec.Command: CI runs with GODEBUG=execwait=2, which panics for one
	// that nobody waits for, and that is what we want here.
	child, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{
		Env:   append(os.Environ(), "LEAKTEST_ROLE=stay"),
		Files: []*os.File{r, nil, nil},
	})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, child.Release()) // or its descriptor, a pidfd, is found too
	return w
}

func TestWhatIsOnItsWayOutIsNoLeak(t *testing.T) {
	before, err := Look()
	require.NoError(t, err)
	go time.Sleep(50 * time.Millisecond)
	left, err := before.Left()
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestCheckNamesTheTest(t *testing.T) {
	defer func(old time.Duration) { Grace = old }(Grace)
	Grace = 100 * time.Millisecond
	inner := &recorder{TB: t}
	Check(inner)
	stop := make(chan struct{})
	go func() { <-stop }()
	inner.cleanup()
	close(stop)
	require.Contains(t, inner.said, "goroutine")
}

type recorder struct {
	testing.TB
	cleanup func()
	said    string
}

func (r *recorder) Cleanup(f func()) { r.cleanup = f }
func (r *recorder) Error(args ...any) {
	for _, a := range args {
		if s, ok := a.(string); ok {
			r.said += s
		}
	}
}
