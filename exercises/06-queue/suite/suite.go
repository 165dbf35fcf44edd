// Package suite holds the checks of exercise 06, "A maildir queue". It never contains the
// answer: it starts workers, which do, looks into the directory, and takes part itself, as
// any other program could.
package suite

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"example.com/multiprocessing/exercises/06-queue/script"
	"example.com/multiprocessing/exercises/kit"
)

// Exercise is exercise 06.
var Exercise = kit.Exercise{
	Name:      "06-queue",
	Driver:    "./exercises/06-queue/driver",
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A maildir is the directory, and what the suite knows about it.
type maildir struct {
	t       *kit.Trial
	name    string // of the directory, in the trial's
	workers int
}

func open(t *kit.Trial, name string) *maildir {
	m := &maildir{t: t, name: name}
	for _, name := range []string{"", "tmp", "new", "cur"} {
		if err := t.Files.Mkdir(filepath.Join(m.name, name), 0o700); err != nil {
			t.Failf("%v", err)
		}
	}
	return m
}

// file writes a file, as another program that takes part does.
func (m *maildir) file(path, content string) {
	m.t.Write("hidden", content)
	if err := m.t.Files.Rename("hidden", filepath.Join(m.name, path)); err != nil {
		m.t.Failf("%v", err)
	}
}

// list returns the names in one of the three directories, sorted.
func (m *maildir) list(name string) (names []string) {
	entries, err := fs.ReadDir(m.t.Files.FS(), m.name+"/"+name)
	if err != nil {
		m.t.Failf("%v", err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// want compares how many files there are in tmp, new and cur.
func (m *maildir) want(what string, tmp, fresh, cur int) {
	got := []int{len(m.list("tmp")), len(m.list("new")), len(m.list("cur"))}
	if want := []int{tmp, fresh, cur}; got[0] != tmp || got[1] != fresh || got[2] != cur {
		m.t.Failf("%s\ngot  %d files in tmp, %d in new, %d in cur\nwant %d in tmp, %d in new, %d in cur", what, got[0], got[1], got[2], want[0], want[1], want[2])
	}
}

// lock takes the lock of a file; nil if somebody has it.
func (m *maildir) lock(path string) *os.File {
	f, err := m.t.Lock(filepath.Join(m.name, path), os.O_RDWR)
	if err != nil {
		m.t.Failf("%v", err)
	}
	return f
}

// hold takes the lock of a file for the suite.
func (m *maildir) hold(path string) (release func()) {
	f := m.lock(path)
	if f == nil {
		m.t.Failf("The lock of %s is taken, and no worker is at work on it.", path)
	}
	m.t.Cleanup(func() { f.Close() })
	return func() { f.Close() }
}

// locked wants the lock of a file to be held, or not.
func (m *maildir) locked(what, path string, want bool) {
	f := m.lock(path)
	got := f == nil
	if f != nil {
		f.Close()
	}
	is := map[bool]string{true: "locked", false: "not locked"}
	if got != want {
		m.t.Failf("%s\ngot  %s is %s, see flock(2)\nwant it %s", what, path, is[got], is[want])
	}
}

// A worker is a process with the learner's Maildir.
type worker struct {
	*kit.Session[script.Request, script.Report]
	m    *maildir
	name string
}

func (m *maildir) worker() *worker {
	m.workers++
	w := &worker{m: m, name: fmt.Sprintf("worker %d", m.workers)}
	w.Session = kit.Begin[script.Request, script.Report](m.t, w.name, "Maildir", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.DirVariable+"="+filepath.Join(m.t.Dir, m.name))
	})
	return w
}

// next waits for the next thing that it says.
func (w *worker) next(want, what string) script.Report {
	r := w.Report(what)
	switch {
	case r.What == want:
	case r.What == "read":
		w.m.t.Failf("%s\nInstead it reads from data once more, after an end or an error.", what)
	default:
		w.m.t.Failf("%s\nInstead it has returned %s.", what, orNil(r.Error))
	}
	return r
}

func orNil(message string) string {
	if message == "" {
		return "nil"
	}
	return strconv.Quote(message)
}

// begin lets it begin to put something, until it wants to read.
func (w *worker) begin() {
	w.Ask(script.Request{Put: true})
	w.next("read", w.name+" calls Put. It does not read from data.")
}

// feed gives it some of the data.
func (w *worker) feed(data string) {
	w.Ask(script.Request{Data: []byte(data)})
	w.next("read", w.name+" is in Put, and has read a part of its data. It does not go on reading.")
}

// put lets it put an item.
func (w *worker) put(data string) {
	w.begin()
	if data != "" {
		w.feed(data)
	}
	w.Ask(script.Request{End: true})
	w.result(w.name+" calls Put, and has read all of its data.", "Put")
}

// result wants it to return nil.
func (w *worker) result(what, function string) script.Report {
	r := w.next("done", fmt.Sprintf("%s\n%s does not return.", what, function))
	if r.Error != "" {
		w.m.t.Failf("%s\ngot  %s has returned %q\nwant nil", what, function, r.Error)
	}
	return r
}

// take lets it take an item, and wants it to be this one.
func (w *worker) take(what, want string) {
	w.Ask(script.Request{Take: true})
	w.took(what, want)
}

func (w *worker) took(what, want string) {
	what += "\n" + w.name + " calls Take."
	r := w.result(what, "Take")
	if got := string(r.Data); got != want {
		w.m.t.Failf("%s\ngot  the item %s\nwant %s", what, brief(got), brief(want))
	}
}

func brief(data string) string {
	if len(data) > 60 {
		return fmt.Sprintf("%q… (%d bytes)", data[:20], len(data))
	}
	return strconv.Quote(data)
}

func (w *worker) ack() {
	w.Ask(script.Request{Ack: true})
	w.result(w.name+" calls Ack.", "Ack")
}

func (w *worker) nack() {
	w.Ask(script.Request{Nack: true})
	w.result(w.name+" calls Nack.", "Nack")
}

func (w *worker) die() {
	kit.Kill(w.Driver.PID)
	kit.Await(w.m.t, w.Driver, w.Driver.Ended, "The suite has killed "+w.name+".")
}

// waits wants a Take that was asked for not to return. Another worker does so much
// meanwhile that this one would have had time for what it ought not to do.
func (w *worker) waits(why string) {
	canary := open(w.m.t, fmt.Sprintf("other %d", time.Now().UnixNano()))
	for range 2 {
		other := canary.worker()
		other.name = "another worker, in another queue,"
		for i := range 20 {
			other.put(strconv.Itoa(i))
			other.take("", strconv.Itoa(i))
			other.ack()
		}
		other.Finish()
	}
	if w.Reported() {
		r := w.Report("")
		got := orNil(r.Error)
		if r.Error == "" {
			got = "the item " + brief(string(r.Data))
		}
		w.m.t.Failf("%s calls Take, which returns %s.\n%s", w.name, got, why)
	}
}

// attempted sees whether Put does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	w := open(t, "queue").worker()
	w.Ask(script.Request{Put: true})
	return !w.Reacts(nil) || !w.Report("").Todo
}

func (m *maildir) content(path string) string {
	text, err := m.t.Read(filepath.Join(m.name, path))
	if err != nil {
		m.t.Failf("%v", err)
	}
	return text
}
