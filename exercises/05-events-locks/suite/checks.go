package suite

import (
	"path/filepath"
	"strings"

	"example.com/multiprocessing/exercises/05-events-locks/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "moves", Part: kit.Core, Points: 15, Run: moves, Hint: "1",
		Says: "`Transfer` reads both balances, asks `Approve` with them, changes both files, calls `Wrote` after each change, and returns nil.",
	},
	{
		Name: "one-at-a-time", Part: kit.Core, Points: 20, Run: oneAtATime, Hint: "1",
		Says: "Whoever reads or changes an account has its lock, from before the reading until after the change; all others wait.",
	},
	{
		Name: "side-by-side", Part: kit.Core, Points: 10, Run: sideBySide, Hint: "1",
		Says: "Tellers who work on different accounts do not wait for each other.",
	},
	{
		Name: "order", Part: kit.Core, Points: 15, Run: inOrder, Hint: "2",
		Says: "The two locks are taken in the order of the names, whichever way the money goes.",
	},
	{
		Name: "refused", Part: kit.Robust, Points: 10, Run: refused, Hint: "2",
		Says: "If `Approve` returns an error, `Transfer` returns it; if there is less than `amount`, it returns `ErrPoor`, and does not ask; if an account does not exist, it returns an error with its name, and makes none. Nothing is changed then, and no lock is held.",
	},
	{
		Name: "patience", Part: kit.Robust, Points: 10, Run: patience, Hint: "3",
		Says: "If `ctx` ends while it waits for a lock, `Transfer` returns the context's error, at once; and it has no lock then, nor gets one later.",
	},
	{
		Name: "killed", Part: kit.Robust, Points: 10, Run: killed, Hint: "2",
		Says: "A teller may be killed while it has the locks. The next one gets them.",
	},
	{
		Name: "repair", Part: kit.Hard, Points: 10, Run: repair, Hint: "3",
		Says: "If a teller was killed between its changes or right after them, the next `Transfer` between these two accounts, in whichever direction, first puts them right: both changes have been made, or none, and the sum is what it was.",
	},
}

func moves(t *kit.Trial) {
	b := open(t, "alice", "bob")
	s := b.teller()
	for i, want := range [][2]int{{70, 130}, {40, 160}} {
		s.transfer("alice", "bob", 30)
		s.asked(100-30*i, 100+30*i)
		b.want("Approve was asked and has not answered yet.", "alice", 100-30*i, "bob", 100+30*i)
		s.goOn()
		first := s.wrote()
		if first == "alice" {
			b.want(`It has called Wrote("alice").`, "alice", want[0], "bob", want[1]-30)
		} else {
			b.want(`It has called Wrote("`+first+`").`, "alice", want[0]+30, "bob", want[1])
		}
		s.goOn()
		if second := s.wrote(); second == first {
			t.Failf("%s, and has called Wrote(%q) twice.", s.job, first)
		}
		b.want("It has called Wrote for both accounts.", "alice", want[0], "bob", want[1])
		s.goOn()
		s.done("")
		b.want("Transfer has returned.", "alice", want[0], "bob", want[1])
	}
	s.transfer("bob", "alice", 160).asked(160, 40).finish()
	b.want("Transfer has returned.", "alice", 200, "bob", 0)
	s.Finish()
	others, _ := filepath.Glob(filepath.Join(t.Dir, dir, "*"))
	for _, path := range others {
		name := filepath.Base(path)
		if account := strings.TrimSuffix(name, ".lock"); account != "alice" && account != "bob" {
			t.Failf("There is a file %q in the bank now. What is yours there has a name that begins with a dot.", name)
		}
	}
}

func oneAtATime(t *kit.Trial) {
	b := open(t, "alice", "bob", "zoe")
	one := b.teller().transfer("alice", "bob", 10).asked(100, 100)
	two := b.teller().transfer("zoe", "alice", 20)
	two.waits("It must wait: teller 1 has read alice's balance, and has not changed it yet.")
	one.goOn()
	one.wrote()
	two.waits("It must wait: teller 1 is in the middle of changing alice and bob.")
	one.goOn()
	one.wrote()
	one.goOn()
	one.done("")
	two.asked(100, 90) // what teller 1 has left
	// Somebody who comes only now must not find another lock than those before him.
	three := b.teller().transfer("alice", "bob", 5)
	three.waits("It must wait: " + two.name + " has read alice's balance, and has not changed it yet.")
	two.finish()
	three.asked(110, 110).finish()
	b.want("All transfers are done.", "alice", 105, "bob", 115, "zoe", 80)
	b.free("All transfers are done.", "alice", "bob", "zoe")
}

func sideBySide(t *kit.Trial) {
	b := open(t, "alice", "bob", "erin", "frank")
	one := b.teller().transfer("alice", "bob", 10).asked(100, 100)
	two := b.teller().transfer("frank", "erin", 20)
	two.job += ", while teller 1 is at work on alice and bob"
	two.asked(100, 100)
	// Both are in the middle of it now, at the same time.
	two.finish()
	one.finish()
	b.want("Both transfers are done.", "alice", 90, "bob", 110, "erin", 120, "frank", 80)
}

func inOrder(t *kit.Trial) {
	for _, direction := range [][2]string{{"bob", "alice"}, {"alice", "bob"}} {
		b := &bank{t: t}
		if direction[0] == "bob" {
			b = open(t, "alice", "bob")
		}
		b.set("alice", 100)
		b.set("bob", 100)
		release := b.hold("alice")
		s := b.teller().transfer(direction[0], direction[1], 10)
		s.waits("It must wait: the suite has the lock of alice.")
		b.free(s.job+", and waits for the lock of alice, which the suite has.\nAnother one, who has alice and waits for bob, and this one would wait for each other for ever.", "bob")
		release()
		s.asked(100, 100).finish()
	}
}

func refused(t *kit.Trial) {
	b := open(t, "alice", "bob")
	s := b.teller()
	unchanged := func() {
		b.want(s.job+". Transfer has returned an error.", "alice", 100, "bob", 100)
		b.free(s.job+". Transfer has returned an error.", "alice", "bob")
	}
	s.transfer("alice", "bob", 10).asked(100, 100)
	s.Ask(script.Request{Refuse: "not on a Friday"})
	if r := s.done("what Approve has returned"); !r.Refused {
		t.Failf("%s.\ngot  Transfer has returned %q\nwant the error that Approve has returned: errors.Is(err, …)", s.job, r.Error)
	}
	unchanged()
	s.transfer("bob", "alice", 101)
	if r := s.done("there is less than that on bob"); !r.Poor {
		t.Failf("%s.\ngot  Transfer has returned %q\nwant ErrPoor: errors.Is(err, ErrPoor)", s.job, r.Error)
	}
	unchanged()
	for _, pair := range [][2]string{{"alice", "nobody"}, {"nobody", "bob"}} {
		s.transfer(pair[0], pair[1], 10)
		if r := s.done("there is no account nobody"); !strings.Contains(r.Error, "nobody") {
			t.Failf("%s.\ngot  Transfer has returned %q\nwant an error with the name of the account that does not exist", s.job, r.Error)
		}
		unchanged()
		if found, _ := filepath.Glob(filepath.Join(t.Dir, dir, "nobody")); len(found) > 0 {
			t.Failf("%s.\nTransfer has returned an error, and the account is there now.", s.job)
		}
	}
	s.transfer("alice", "bob", 100).asked(100, 100).finish()
	b.want("Transfer has returned.", "alice", 0, "bob", 200)
}

func patience(t *kit.Trial) {
	for _, held := range []string{"alice", "bob"} { // the first lock, the second one
		b := &bank{t: t}
		if held == "alice" {
			b = open(t, "alice", "bob")
		}
		release := b.hold(held)
		s := b.teller().transfer("alice", "bob", 10)
		s.waits("It must wait: the suite has the lock of " + held + ".")
		s.job += ", waits for the lock of " + held + ", and its context ends"
		s.Ask(script.Request{Cancel: true})
		if r := s.done("the context's"); !r.Ended {
			t.Failf("%s.\ngot  Transfer has returned %q\nwant context.Canceled: errors.Is(err, ctx.Err())", s.job, r.Error)
		}
		b.want("Transfer has returned an error.", "alice", 100, "bob", 100)
		other := map[string]string{"alice": "bob", "bob": "alice"}[held]
		b.free(s.job+". Transfer has returned an error.", other)
		release()
		b.canary("")
		b.free(s.job+". Transfer has returned an error, and after that the lock has become free.", "alice", "bob")
		s.Finish()
	}
}

func killed(t *kit.Trial) {
	b := open(t, "alice", "bob")
	one := b.teller().transfer("alice", "bob", 10).asked(100, 100)
	kit.Kill(one.Driver.PID)
	kit.Await(t, one.Driver, one.Driver.Ended, "The suite has killed teller 1.")
	two := b.teller().transfer("bob", "alice", 20)
	two.job += ". Teller 1 was killed while it had both"
	two.asked(100, 100).finish()
	b.want("Teller 1 was killed before it had changed anything, and teller 2 has done its work.", "alice", 120, "bob", 80)
}

func repair(t *kit.Trial) {
	b := open(t, "alice", "bob")
	for _, changes := range []int{1, 2} {
		for _, back := range []bool{false, true} {
			b.set("alice", 100)
			b.set("bob", 100)
			one := b.teller().transfer("alice", "bob", 30).asked(100, 100)
			one.goOn()
			one.wrote()
			if changes == 2 {
				one.goOn()
				one.wrote()
			}
			kit.Kill(one.Driver.PID)
			kit.Await(t, one.Driver, one.Driver.Ended, "The suite has killed "+one.name+".")
			what := map[int]string{1: "after its first change", 2: "after its second change"}[changes]
			from, to := "alice", "bob"
			if back {
				from, to = to, from
			}
			two := b.teller().transfer(from, to, 1)
			two.job = one.job + " and is killed " + what + ". Then " + two.job
			r := two.Report(two.job + ".\nIt does not call Approve.")
			for r.What == "wrote" { // it repairs
				two.goOn()
				r = two.Report(two.job + ".\nIt does not call Approve.")
			}
			if r.What != "approve" {
				t.Failf("%s.\nTransfer has returned %s", two.job, orNil(r.Error))
			}
			alice, bob := r.From, r.To
			if back {
				alice, bob = r.To, r.From
			}
			if (alice != 100 || bob != 100) && (alice != 70 || bob != 130) {
				t.Failf("%s, which calls Approve.\ngot  alice %d, bob %d\nwant alice 100, bob 100 or alice 70, bob 130", two.job, alice, bob)
			}
			b.want(two.job+", which calls Approve.", "alice", alice, "bob", bob)
			two.finish()
			step := 1
			if back {
				step = -1
			}
			b.want(two.job+" to its end.", "alice", alice-step, "bob", bob+step)
			// And it is over: nothing is repaired twice.
			three := b.teller().transfer("alice", "bob", 5)
			three.asked(alice-step, bob+step).finish()
		}
	}
}
