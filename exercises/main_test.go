//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/exercises/kit"
)

func TestMain(m *testing.M) {
	process.Main()
	leaktest.Main(m)
}

// A learner is somebody with answers of his own, in a folder of the test.
type learner struct {
	*course
	t   *testing.T
	out *processtest.Buffer
}

func newLearner(t *testing.T) *learner {
	t.Helper()
	l := &learner{t: t, out: &processtest.Buffer{}}
	var err error
	l.course, err = newCourse(l.out, l.out)
	require.NoError(t, err)
	l.answers = t.TempDir()
	for _, e := range exercises {
		l.write(e.Name, l.read("exercises", e.Name, "testdata", "stub", "answer.go"))
	}
	return l
}

func (l *learner) read(parts ...string) string {
	l.t.Helper()
	text, err := os.ReadFile(l.path(parts...))
	require.NoError(l.t, err)
	return string(text)
}

func (l *learner) write(exercise, text string) {
	l.t.Helper()
	name := filepath.Join(l.answers, exercise, "answer", "answer.go")
	require.NoError(l.t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(l.t, os.WriteFile(name, []byte(text), 0o600))
}

// says runs a command, wants this error, and returns what it has printed.
func (l *learner) says(want error, args ...string) string {
	l.t.Helper()
	before := len(l.out.String())
	err := l.do(l.t.Context(), args)
	said := l.out.String()[before:]
	require.ErrorIs(l.t, err, want, said)
	return said
}

func (l *learner) fails(args ...string) string {
	l.t.Helper()
	err := l.do(l.t.Context(), args)
	require.Error(l.t, err)
	return err.Error()
}

func TestTheLearner(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: it marks answers, again and again")
	}
	l := newLearner(t)
	require.Equal(t, 8, strings.Count(l.says(nil, "status"), "not attempted\n"))
	said := l.says(nil, "next")
	require.Contains(t, said, "01-pipes: Build the shell's bar\n")
	require.Contains(t, said, "01-pipes/README.md")
	require.Contains(t, l.says(errNotYet, "check", "1"), "not attempted: read")

	l.write("01-pipes", l.read("solutions", "01-pipes", "answer.go"))
	l.write("02-selector-timeout", "package answer\n\nfunc (")
	l.write("03-persistent-worker", l.read("exercises", "03-persistent-worker", "testdata", "stub", "answer.go")+"\n// begun\n")
	l.write("04-fork-order", strings.Replace(l.read("solutions", "04-fork-order", "answer.go"), "import (", "import (\n\t_ \"unsafe\"", 1))
	l.write("07-pool-map", l.read("solutions", "07-pool-map", "testdata", "wrong", "somebody-will-come", "answer.go"))
	said = l.says(nil)
	require.Regexp(t, `(?m)^01-pipes +Build the shell's bar +done$`, said)
	require.Regexp(t, `(?m)^02-selector-timeout +First answers first +does not compile$`, said)
	require.Regexp(t, `(?m)^03-persistent-worker +Tame it +not attempted$`, said)
	require.Regexp(t, `(?m)^07-pool-map +Deal the cards +90 of 100 points: core 60/60, robust 20/30, hard 10/10$`, said)
	require.Regexp(t, `(?m)^04-fork-order +The night watch +refused$`, said)
	require.Regexp(t, `(?m)^05-events-locks +The bank +not attempted$`, said)
	require.Contains(t, said, "1 of 8 are done.")

	said = l.says(nil, "next")
	require.Contains(t, said, "02-selector-timeout: First answers first\n")
	require.Contains(t, said, "answer.go:3:")
	require.Contains(t, said, "go run ./exercises hint 02\n")

	said = l.says(errNotYet, "check", "07")
	require.Equal(t, 7, strings.Count(said, "  passed   "))
	require.Contains(t, said, "  not yet  nobody\n")
	require.Contains(t, said, "\nnobody:\n  Deal was called with 2 players")
	require.Contains(t, said, "waits at answer.go:")
	require.Contains(t, said, "The exercise says:")
	require.Contains(t, said, "The core works")
	said = l.says(nil, "check", "01")
	require.Equal(t, 10, strings.Count(said, "  passed   "))
	require.Contains(t, said, "100 of 100 points: core 60/60, robust 30/30, hard 10/10. Done.")
	require.Contains(t, l.says(nil, "check", "01", "statuses"), "  passed   statuses\n")
	require.Contains(t, l.says(errNotYet, "check", "4"), `may not import "unsafe"`)

	said = l.says(nil, "solution", "1") // which it is
	require.Regexp(t, `(?m)^lines of code +(\d+) +\d+$`, said)
	require.NotContains(t, said, "only in")
	require.Contains(t, l.fails("solution", "2"), "-show")
	require.Regexp(t, `(?s)package answer.*Yours is not compared with it: .*answer.go:3:`, l.says(nil, "solution", "-show", "2"))
	said = l.says(nil, "solution", "-show", "3")
	require.Regexp(t, `(?m)^ +yours +the solution$`, said)
	require.Regexp(t, `(?m)^only in the solution: `, said)
}

func TestHints(t *testing.T) {
	l := newLearner(t)
	for _, e := range exercises {
		seen := map[string]bool{}
		for _, level := range []string{"1", "2", "3"} {
			said := l.says(nil, "hint", e.Name, level)
			require.Greater(t, len(said), 200)
			require.NotContains(t, said, "<")
			require.False(t, seen[said])
			seen[said] = true
		}
		require.True(t, seen[l.says(nil, "hint", e.Name[:2], "1")])
	}
	require.Contains(t, l.fails("hint", "1", "4"), "there are 1, 2 and 3")
}

func TestResetKeepsTheAnswer(t *testing.T) {
	l := newLearner(t)
	require.Contains(t, l.says(nil, "reset", "05"), "untouched")
	for _, text := range []string{"package answer // mine", "package answer // mine, too"} {
		l.write("05-events-locks", text)
		said := l.says(nil, "reset", "05")
		kept := regexp.MustCompile(`kept as (.*)`).FindStringSubmatch(said)[1]
		got, err := os.ReadFile(kept)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		require.Contains(t, l.says(errNotYet, "check", "5"), "not attempted")
	}
}

func TestMistakes(t *testing.T) {
	l := newLearner(t)
	for _, args := range [][]string{
		{"nosuch"}, {"check"}, {"check", "09"}, {"check", "x"}, {"check", ""}, {"check", "1", "nosuch"}, {"hint"}, {"reset"}, {"solution"},
		{"next", "1"}, {"status", "1"}, {"doctor", "1"}, {"grade"}, {"grade", "-j", "0", "-submissions", "x"}, {"grade", "-nosuch"}, {"watch", "1", "2"},
		{"bench", "x"}, {"bench", "-n", "0"}, {"bench", "-only", "99"}, {"export", "-nosuch"},
	} {
		require.ErrorIs(t, l.do(t.Context(), args), errUsage, "%q", args)
	}
	require.Contains(t, l.fails("grade", "-submissions", "nosuch"), "nosuch")
	require.Equal(t, len(commands), strings.Count(l.says(nil, "-h"), "go run ./exercises"))
}

func TestWatch(t *testing.T) {
	l := newLearner(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.do(ctx, []string{"watch"}) }()
	l.shows("Watching.")
	l.write("07-pool-map", l.read("solutions", "07-pool-map", "answer.go"))
	l.shows("100 of 100 points")
	l.write("07-pool-map", "package answer")
	l.shows("It does not compile")
	cancel()
	require.NoError(t, <-ended)
}

// shows waits until something is printed.
func (l *learner) shows(text string) {
	l.t.Helper()
	for limit := time.Now().Add(2 * time.Minute); !strings.Contains(l.out.String(), text); time.Sleep(10 * time.Millisecond) {
		require.True(l.t, time.Now().Before(limit), "%q is not shown: %s", text, l.out)
	}
}

// Ctrl-C in the middle of a check: all processes of the answer are gone, and its files.
func TestInterrupted(t *testing.T) {
	l := newLearner(t)
	t.Setenv("TMPDIR", t.TempDir())
	l.write("01-pipes", l.read("solutions", "01-pipes", "answer.go"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.do(ctx, []string{"check", "01"}) }()
	for limit := time.Now().Add(2 * time.Minute); len(kit.Children()) == 0; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(limit))
	}
	cancel()
	require.ErrorContains(t, <-ended, "interrupted")
	require.Empty(t, kit.Children())
	requireEmpty(t, os.TempDir())
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// keeper makes a temporary folder with something in it, and waits to be killed.
var keeper = process.Func("keeper", func(ctx context.Context, _ string) (string, error) {
	dir, _, err := temporary()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "something"), nil, 0o600); err != nil {
		return "", err
	}
	fmt.Println(dir)
	<-ctx.Done()
	return "", nil
})

// What a killed program has left is removed by the next one, and what others use is not.
func TestTemporaryFoldersOfTheKilled(t *testing.T) {
	leaktest.Check(t)
	t.Setenv("TMPDIR", t.TempDir())
	begin := func() (*process.Task[string], string) {
		out, in, err := os.Pipe()
		require.NoError(t, err)
		defer out.Close()
		k := keeper.New("", process.Config{Stdout: in})
		require.NoError(t, k.Start())
		require.NoError(t, in.Close())
		dir, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		return k, strings.TrimSpace(dir)
	}
	first, left := begin()
	second, used := begin()
	require.DirExists(t, left)
	require.NoError(t, first.Kill())
	<-first.Done()
	mine, remove, err := temporary()
	require.NoError(t, err)
	require.NoDirExists(t, left)
	require.DirExists(t, used)
	require.DirExists(t, mine)
	remove()
	require.NoError(t, second.Kill())
	<-second.Done()
	sweep()
	requireEmpty(t, os.TempDir())
}

func TestDoctor(t *testing.T) {
	l := newLearner(t)
	said := l.says(nil, "doctor")
	require.Contains(t, said, "ok       Go 1.26 or later\n")
	require.Contains(t, said, "The exercises work here.")

	t.Setenv("TMPDIR", "/nosuch")
	said = l.says(errNotYet, "doctor")
	require.Contains(t, said, "NEEDED   programs may run in the temporary folder /nosuch")
	require.Contains(t, said, "export TMPDIR=")
}

// Each row of the benchmarks' table names benchmarks that exist.
func TestBench(t *testing.T) {
	times := map[string][]float64{}
	for _, row := range comparisons {
		times[row.dir+" "+row.ours], times[row.dir+" "+row.theirs] = []float64{1000, 2000, 1500}, []float64{4000, 3000, 3000}
	}
	var table bytes.Buffer
	writeBench(&table, comparisons, times, 3)
	require.Contains(t, table.String(), "| 01 | round trip, 60 bytes | 1.5 µs | 3 µs | CPython | 2x (1.5 to 4) |")
	require.Equal(t, len(comparisons)+4, strings.Count(table.String(), "\n"))
	if testing.Short() {
		t.Skip("not in -short: it builds and runs benchmarks")
	}
	l := newLearner(t)
	said := l.says(nil, "bench", "-only", "02", "-n", "1", "-benchtime", "1x")
	require.Regexp(t, `(?m)^\| 02 \| a read with a limit, satisfied at once \| \S+ \S+ \|`, said)
}
