// Package suite holds the checks of exercise 05, "The bank". It never contains the
// answer: it starts tellers, which do, and decides when each of them goes on.
package suite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/exercises/05-events-locks/script"
	"example.com/multiprocessing/exercises/kit"
)

// Exercise is exercise 05.
var Exercise = kit.Exercise{
	Name:      "05-events-locks",
	Driver:    "./exercises/05-events-locks/driver",
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A bank is a directory with accounts, and what the suite knows about them.
type bank struct {
	t       *kit.Trial
	tellers int
}

const dir = "bank" // in the trial's

// open opens a bank with 100 on each account.
func open(t *kit.Trial, accounts ...string) *bank {
	b := &bank{t: t}
	if err := t.Files.Mkdir(dir, 0o700); err != nil {
		t.Failf("%v", err)
	}
	for _, a := range accounts {
		b.set(a, 100)
	}
	return b
}

func (b *bank) set(account string, balance int) {
	b.t.Write(dir+"/"+account, fmt.Sprintln(balance))
}

// want compares what stands in the files: account, balance, account, balance, …
func (b *bank) want(what string, balances ...any) {
	var got, want []string
	for i := 0; i < len(balances); i += 2 {
		text, err := b.t.Read(dir + "/" + balances[i].(string))
		found := strings.TrimSuffix(text, "\n")
		if err != nil {
			found = "no file"
		}
		got = append(got, fmt.Sprintf("%s %s", balances[i], found))
		want = append(want, fmt.Sprintf("%s %d", balances[i], balances[i+1]))
	}
	if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
		b.t.Failf("%s\ngot  %s\nwant %s", what, g, w)
	}
}

// A teller is a process with the learner's Transfer.
type teller struct {
	*kit.Session[script.Request, script.Report]
	b    *bank
	name string
	job  string // what it was asked to do
}

func (b *bank) teller() *teller {
	b.tellers++
	s := &teller{b: b, name: fmt.Sprintf("teller %d", b.tellers)}
	s.Session = kit.Begin[script.Request, script.Report](b.t, s.name, "Transfer", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.BankVariable+"="+filepath.Join(b.t.Dir, dir))
	})
	return s
}

// transfer asks for a transfer, and does not wait for anything.
func (s *teller) transfer(from, to string, amount int) *teller {
	s.job = fmt.Sprintf("%s moves %d from %s to %s", s.name, amount, from, to)
	s.Ask(script.Request{From: from, To: to, Amount: amount})
	return s
}

// next waits for the next thing that it says.
func (s *teller) next(want, what string) script.Report {
	r := s.Report(fmt.Sprintf("%s.\n%s", s.job, what))
	if r.What == want {
		return r
	}
	got := map[string]string{
		"approve": "it has called Approve",
		"wrote":   fmt.Sprintf("it has called Wrote(%q)", r.Account),
		"done":    "Transfer has returned " + orNil(r.Error),
	}[r.What]
	s.b.t.Failf("%s.\n%s\nInstead %s.", s.job, what, got)
	return r
}

func orNil(message string) string {
	if message == "" {
		return "nil"
	}
	return strconv.Quote(message)
}

// asked waits until it calls Approve, with these balances.
func (s *teller) asked(from, to int) *teller {
	r := s.next("approve", "It does not call Approve.")
	if r.From != from || r.To != to {
		s.b.t.Failf("%s, and calls Approve.\ngot  Approve(%d, %d)\nwant Approve(%d, %d), which are the balances at this moment", s.job, r.From, r.To, from, to)
	}
	return s
}

func (s *teller) goOn() { s.Ask(script.Request{Go: true}) }

// wrote waits until it has changed an account, and returns which.
func (s *teller) wrote() string {
	return s.next("wrote", "It does not call Wrote, which is due after each change of an account's file.").Account
}

// finish lets it do all that comes after Approve.
func (s *teller) finish() {
	s.goOn()
	s.wrote()
	s.goOn()
	s.wrote()
	s.goOn()
	s.done("")
}

// done wants Transfer to return nil, or an error if why is not empty.
func (s *teller) done(why string) script.Report {
	r := s.next("done", "Transfer does not return.")
	if (r.Error != "") != (why != "") {
		want := "nil"
		if why != "" {
			want = "an error: " + why
		}
		s.b.t.Failf("%s.\ngot  Transfer has returned %s\nwant %s", s.job, orNil(r.Error), want)
	}
	return r
}

// canary is another teller, with accounts of its own, that does all its work. When it
// has come to its end, the others have had time enough to do what they ought not to.
func (b *bank) canary(why string) {
	b.set("carol", 100)
	b.set("dave", 100)
	s := b.teller()
	b.tellers--
	s.name = "another teller"
	s.transfer("carol", "dave", 1)
	s.job += why
	s.asked(100, 100).finish()
}

// waits wants a teller to be waiting for a lock.
func (s *teller) waits(why string) {
	s.b.reached(s)
	for range 2 {
		s.b.canary("; nobody else has to do with these accounts")
	}
	if s.Reported() {
		r := s.Report("")
		switch r.What {
		case "approve":
			s.b.t.Failf("%s, and calls Approve(%d, %d).\n%s", s.job, r.From, r.To, why)
		case "done":
			s.b.t.Failf("%s, and Transfer returns %s.\n%s", s.job, orNil(r.Error), why)
		}
		s.b.t.Failf("%s, and has changed %s.\n%s", s.job, r.Account, why)
	}
}

// reached waits, if that can be seen, until the teller has opened a lock file, or has
// gone past it. It is only so that nobody is judged before he has begun.
func (b *bank) reached(s *teller) {
	for range 1000 {
		if s.Reported() {
			return
		}
		for _, target := range s.Driver.Descriptors() {
			if strings.HasSuffix(target, ".lock") {
				return
			}
		}
		if !kit.Observes() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// hold takes an account's lock for the suite.
func (b *bank) hold(account string) (release func()) {
	f, err := b.lock(account)
	if err != nil {
		b.t.Failf("%v", err)
	}
	if f == nil {
		b.t.Failf("The lock of %s is taken, and no teller is at work on it.", account)
	}
	b.t.Cleanup(func() { f.Close() })
	return func() { f.Close() }
}

func (b *bank) lock(account string) (*os.File, error) {
	return b.t.Lock(dir+"/"+account+".lock", os.O_RDWR|os.O_CREATE)
}

// free wants the locks not to be held.
func (b *bank) free(what string, accounts ...string) {
	for _, a := range accounts {
		f, err := b.lock(a)
		if err != nil {
			b.t.Failf("%v", err)
		}
		if f == nil {
			b.t.Failf("%s\nBut the lock of %s is held, see flock(2).", what, a)
		}
		f.Close()
	}
}

// attempted sees whether Transfer does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	b := open(t, "alice", "bob")
	s := b.teller().transfer("alice", "bob", 1)
	return !s.Reacts(nil) || !s.Report("").Todo
}
