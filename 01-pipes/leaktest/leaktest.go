// Package leaktest answers a question that every program with processes has to
// answer: how do you know that nothing is left behind?
//
// A leak makes no noise. The test passes, the program works, and after a week
// the machine has four thousand zombies, or a worker from last Tuesday still
// holds the port. So look: note what there is before, run, note what there is
// afterwards, and compare. Five things are looked at: child processes, zombies
// (children that have ended and that nobody waited for), open descriptors,
// goroutines, temporary files.
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
//
// What is compared where: Linux shows processes and descriptors in /proc, see
// proc(5). On other Unix systems a lifeline (see lifeline_unix.go) tells that
// some descendant is alive, but not which. Windows gets goroutines and files.
//
// Limits: a process that made itself the child of something else, outside this
// process's tree, is not seen, and neither is a file outside the temporary
// directory.
package leaktest

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Main runs the tests of a package, looks for what they left behind, and exits:
// with 0 only if the tests passed and nothing is left. Call it in TestMain.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main without the exit: it returns the exit status.
func Run(m *testing.M) int { return run(m.Run, os.Stderr.WriteString) }

func run(tests func() int, say func(string) (int, error)) int {
	fail := func(format string, args ...any) int {
		say(fmt.Sprintf("leaktest: "+format+"\n", args...))
		return 1
	}
	// A directory of our own makes every temporary file of the tests, and of
	// the processes that they start, show up in one place.
	temp, err := os.MkdirTemp("", "lt") // short: paths of sockets must be
	if err != nil {
		return fail("%v", err)
	}
	defer os.RemoveAll(temp)
	defer removeIfInterrupted(temp)()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		old, was := os.LookupEnv(name)
		os.Setenv(name, temp)
		if was {
			defer os.Setenv(name, old)
		} else {
			defer os.Unsetenv(name)
		}
	}
	if err := AdoptOrphans(); err != nil {
		return fail("%v", err)
	}
	before, err := Look()
	if err != nil {
		return fail("%v", err)
	}
	code := tests()
	left, err := before.Left()
	if err != nil {
		return fail("%v", err)
	}
	left = append(left, filesIn(temp)...)
	if len(left) == 0 {
		return code
	}
	killChildren()
	return fail("the tests have left behind:\n\t%s", strings.Join(left, "\n\t"))
}

// removeIfInterrupted removes the directory also when the tests are ended with
// Ctrl-C or SIGTERM, which otherwise end a program at once. It returns what ends
// its watch.
func removeIfInterrupted(dir string) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if s, ok := <-signals; ok {
			os.RemoveAll(dir)
			fmt.Fprintf(os.Stderr, "leaktest: the tests were ended by a signal: %v\n", s)
			os.Exit(1)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// Check notes what there is now and, when the test with all its cleanups is
// over, fails it if more is left. Unlike Main it tells which test it was.
// Do not use it in tests that run in parallel: they would see each other.
func Check(t testing.TB) {
	t.Helper()
	before, err := Look()
	if err != nil {
		t.Fatal("leaktest:", err)
	}
	t.Cleanup(func() {
		left, err := before.Left()
		if err != nil {
			t.Fatal("leaktest:", err)
		}
		for _, l := range left {
			t.Error("leaktest: left behind:", l)
		}
	})
}

// A Snapshot is what there was at one moment.
type Snapshot struct {
	goroutines  map[string]string // by id: where it is
	descriptors map[string]string // by number: what it is open on
	children    map[string]string // by pid: name and state
	lifeline    *lifeline         // where children cannot be listed
}

// Look notes what there is now.
func Look() (*Snapshot, error) {
	if err := startPoller(); err != nil {
		return nil, err
	}
	line, err := newLifeline() // first, so that it is in the snapshot itself
	if err != nil {
		return nil, err
	}
	s, err := look()
	if err != nil {
		return nil, err
	}
	s.lifeline = line
	return s, nil
}

// Grace is how long Left waits for what is on its way out: a goroutine needs a
// moment to end after it was told to. It is no proof of anything, only patience,
// and costs time only where there is a leak.
var Grace = 5 * time.Second

// Left returns what is there now and was not at the time of the snapshot, one
// line each. It waits a while for it to disappear. Call it once.
func (before *Snapshot) Left() ([]string, error) {
	deadline := time.Now().Add(Grace)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		now, err := look()
		if err != nil {
			return nil, err
		}
		var left []string
		left = append(left, newIn(now.children, before.children, "process")...)
		left = append(left, newIn(now.descriptors, before.descriptors, "descriptor")...)
		left = append(left, newIn(now.goroutines, before.goroutines, "goroutine")...)
		if len(left) == 0 {
			return before.lifeline.left(deadline), nil
		}
		if time.Now().After(deadline) {
			return append(left, before.lifeline.left(deadline)...), nil
		}
		time.Sleep(pause)
	}
}

func newIn(now, before map[string]string, kind string) []string {
	var found []string
	for id, what := range now {
		// A descriptor's number is used again: same number and other file is new.
		if old, ok := before[id]; !ok || kind == "descriptor" && old != what {
			found = append(found, fmt.Sprintf("%s %s: %s", kind, id, what))
		}
	}
	return found
}

// startPoller makes the runtime open the descriptors of its poller, which it
// does at the first use and which stay. They would look like a leak.
func startPoller() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	r.Close()
	return w.Close()
}

func filesIn(dir string) []string {
	var found []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if path != dir {
			found = append(found, "temporary file "+path)
		}
		return nil
	})
	return found
}
