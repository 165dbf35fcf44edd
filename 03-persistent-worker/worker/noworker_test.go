package worker_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// Programs that are no workers: a clear error, soon, and the process is gone
// (TestMain looks).
func TestProgramsThatAreNoWorkers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("these programs are Unix programs")
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("text"), 0o600))
	for name, test := range map[string]struct {
		program []string
		want    string
	}{
		"a missing file":        {[]string{filepath.Join(dir, "nosuch")}, `worker "x": exec: ".*nosuch": stat .*: no such file or directory`},
		"a missing name":        {[]string{"no-such-program"}, `worker "x": exec: "no-such-program": executable file not found in \$PATH`},
		"a directory":           {[]string{dir}, `worker "x": exec: ".*": is a directory`},
		"a file, not a program": {[]string{plain}, `worker "x": exec: ".*plain": permission denied`},
		"true":                  {[]string{"true"}, `(?s)worker "x" \(pid \d+\): exit status 0: External Process Failed:.*it has gone before it read the request`},
		"false":                 {[]string{"false"}, `(?s)worker "x" \(pid \d+\): exit status 1: External Process Failed:.*`},
		"cat":                   {[]string{"cat"}, `worker "x" \(pid \d+\): this program is no worker: it repeats what it is sent, word for word`},
		"yes":                   {[]string{"yes"}, `worker "x" \(pid \d+\): this program is no worker: it has printed \d+ bytes and no answer among them; they begin with "y\\ny\\n.*`},
		"yes 1":                 {[]string{"yes", "1"}, `worker "x" \(pid \d+\): this program is no worker: it answers without reading what it is sent`},
		"a line without end":    {[]string{"cat", "/dev/zero"}, `worker "x" \(pid \d+\): this program is no worker: it prints a line that does not end within 1000000 bytes.*`},
		"an error message":      {[]string{"ls", "/no/such/directory"}, `(?s)worker "x" \(pid \d+\): exit status [12]: External Process Failed:\n\n.*No such file or directory.*`},
		"closes its stdout":     {[]string{"sh", "-c", "exec >&-; read x; read x"}, `worker "x" \(pid \d+\): this program is no worker: it has closed its output and went on; it was killed`},
	} {
		for dialect, d := range map[string]worker.Dialect{"bare": worker.Bare, "envelope": worker.Envelope, "flagged": worker.Flagged} {
			if (name == "yes 1" || name == "closes its stdout") && d != worker.Bare {
				continue // "1" is an answer in that dialect only; the other one takes a second
			}
			t.Run(name+"/"+dialect, func(t *testing.T) {
				if _, err := exec.LookPath(test.program[0]); err != nil && filepath.Base(test.program[0]) == test.program[0] && name != "a missing name" {
					t.Skip(err)
				}
				w := newWorker(t, worker.Config{
					Program: test.program[0], Args: test.program[1:], Name: "x",
					Dialect: d, Flag: "=> ", MaxAnswer: 1_000_000, Grace: patience,
				})
				_, err := w.Call(limited(t), pipe.Args{1}, nil)
				require.Error(t, err)
				require.Regexp(t, `\A`+test.want+`\z`, err.Error())
				require.Zero(t, w.PID())
			})
		}
	}
}

func TestABadConfig(t *testing.T) {
	c := config("serve")
	c.Dialect = 7
	_, err := newWorker(t, c).Call(limited(t), nil, nil)
	require.EqualError(t, err, `worker "x": config: there is no dialect 7`)
	c = config("serve")
	c.Dialect = worker.Flagged
	_, err = newWorker(t, c).Call(limited(t), nil, nil)
	require.EqualError(t, err, `worker "x": config: the dialect Flagged needs a Flag`)
}

func TestAnnouncement(t *testing.T) {
	start := func(t *testing.T, script string) error {
		c := shell(t, script)
		c.Announces, c.StartTimeout, c.Dialect = true, 100*time.Millisecond, worker.Envelope
		return newWorker(t, c).Start(limited(t))
	}
	const loop = `while read -r line; do echo '{"ok":true,"value":1}'; done`
	require.NoError(t, start(t, `echo loading; echo '{"ready":true,"protocol":1}'; `+loop))
	require.ErrorContains(t, start(t, `echo '{"ready":true,"protocol":2}'; `+loop), "it speaks protocol 2, and this is protocol 1")
	err := start(t, `echo hello, I am a calculator; `+loop)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorContains(t, err, `it has not announced itself within 100ms: time limit reached; it has printed "hello, I am a calculator\n"`)
	require.ErrorContains(t, start(t, `echo no licence >&2; exit 3`), "exit status 3: External Process Failed:\n\nno licence")
	require.ErrorContains(t, start(t, `exit 0`), "exit status 0: External Process Failed:")

	// One that announces itself, though nobody asked, is understood as well.
	c := shell(t, `echo '{"ready":true,"protocol":1}'; while read -r line; do echo 7; done`)
	n, err := worker.Call[int](limited(t), newWorker(t, c))
	require.NoError(t, err)
	require.Equal(t, 7, n)

	// Who gives up waiting for the start does not end it.
	c = config("serve")
	c.Announces = true
	w := newWorker(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
	defer cancel()
	for w.PID() == 0 {
		require.ErrorIs(t, w.Start(ctx), pipe.ErrTimeout)
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
	}
	before := w.PID()
	require.Equal(t, before, pid(t, w))
}

// A program that talks so much before it reads that both pipes are full.
func TestItTalksBeforeItReads(t *testing.T) {
	var noise buffer
	c := config("talk")
	c.Dialect = worker.Bare
	c.Noise = &noise
	w := newWorker(t, c)
	big := make([]byte, 1<<20)
	for range 2 {
		n, err := worker.Call[int](limited(t), w, big)
		require.NoError(t, err)
		require.Equal(t, 7, n)
	}
	require.Contains(t, noise.String(), "progress: step 2999 of 3000")
	// It is printing again, to a pipe that is full, and leaves in peace all the same.
	closeWorker(t, w)
	require.Zero(t, w.PID())
}

// It answers without having read a large request to its end.
func TestItAnswersTooEarly(t *testing.T) {
	c := shell(t, `echo 7; exec sleep 100`)
	_, err := newWorker(t, c).Call(limited(t), pipe.Args{make([]byte, 1<<20)}, nil)
	require.ErrorContains(t, err, "it answers without reading what it is sent")
}

// The request is so long that it is still leaving when the caller gives up.
func TestGivingUpInTheMiddleOfARequest(t *testing.T) {
	w := newWorker(t, config("late"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := w.Call(ctx, pipe.Args{make([]byte, 1<<20)}, nil)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.NotZero(t, pid(t, w))
}
