package suite

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"example.com/multiprocessing/exercises/06-queue/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "puts", Part: kit.Core, Points: 15, Run: puts, Hint: "1",
		Says: "`Put` reads `data` to its end. When it has returned nil, there is one more file in `new`, with just these bytes in it, and none in `tmp`. Its name comes after the names of all items that were put before.",
	},
	{
		Name: "whole", Part: kit.Core, Points: 15, Run: whole, Hint: "1",
		Says: "As long as `Put` has not read all, the item is in `tmp`, and not in `new`: not when `Put` is killed, and not when `data` returns an error. That one `Put` returns, and leaves nothing behind.",
	},
	{
		Name: "takes", Part: kit.Core, Points: 15, Run: takes, Hint: "2",
		Says: "`Take` takes the file in `new` whose name is the smallest. Until `Ack` it is in `cur`, under the same name, and this process has its lock. `Ack` removes it.",
	},
	{
		Name: "once", Part: kit.Core, Points: 15, Run: once, Hint: "2",
		Says: "Each item is taken by one. A file in `new` that another process has locked is that one's, and stays where it is; many who take at the same time take different ones.",
	},
	{
		Name: "waits", Part: kit.Robust, Points: 10, Run: waits, Hint: "3",
		Says: "`Take` waits as long as there is nothing. If `ctx` ends before, it returns the context's error, at once, and takes nothing later.",
	},
	{
		Name: "nack", Part: kit.Robust, Points: 10, Run: nack, Hint: "2",
		Says: "`Nack` gives the item back: it is in `new` again, under its old name, with nobody's lock.",
	},
	{
		Name: "dead", Part: kit.Robust, Points: 10, Run: dead, Hint: "3",
		Says: "What a killed process had taken is taken by the next `Take`, in its turn by the name. What a living one has taken stays its own, however long it takes.",
	},
	{
		Name: "tidy", Part: kit.Hard, Points: 10, Run: tidy, Hint: "3",
		Says: "What a killed `Put` has left in `tmp` is removed by the next `Put` of any process. What a living one is writing there is not.",
	},
}

func puts(t *kit.Trial) {
	m := open(t, "queue")
	one, two := m.worker(), m.worker()
	var order []string
	for i, data := range []string{"first", "", strings.Repeat("third ", 100_000), "fourth", "fifth\n"} {
		w := []*worker{one, two}[i%2]
		w.put(data)
		what := fmt.Sprintf("%s has put an item of %d bytes; it is number %d in the queue.", w.name, len(data), i+1)
		m.want(what, 0, i+1, 0)
		var fresh []string
		for _, name := range m.list("new") {
			if !slices.Contains(order, name) {
				fresh = append(fresh, name)
			}
		}
		if len(fresh) != 1 {
			t.Failf("%s\ngot  %d new names in new\nwant one", what, len(fresh))
		}
		if got := m.content("new/" + fresh[0]); got != data {
			t.Failf("%s\ngot  the file %s\nwant %s", what, brief(got), brief(data))
		}
		if i > 0 && fresh[0] < order[i-1] {
			t.Failf("Two workers put one item after the other.\ngot  the name of one is %s, which comes before %s, the name of the item before it\nwant it to come after that", fresh[0], order[i-1])
		}
		order = append(order, fresh[0])
	}
}

func whole(t *kit.Trial) {
	m := open(t, "queue")
	w := m.worker()
	w.begin()
	w.feed("the first half of")
	m.want("Put has read a part of its data, and waits for the rest.", 1, 0, 0)
	w.Ask(script.Request{Fail: "no more paper"})
	r := w.next("done", "Put has got an error from data, and does not return.")
	if !r.Own {
		t.Failf("Put has got an error from data.\ngot  it has returned %s\nwant that error: errors.Is(err, …)", orNil(r.Error))
	}
	m.want("Put has got an error from data, and has returned it.", 0, 0, 0)

	dies := m.worker()
	dies.begin()
	dies.feed(strings.Repeat("half of it ", 100_000))
	dies.die()
	if found := m.list("new"); len(found) > 0 {
		t.Failf("%s was killed in the middle of Put.\ngot  a file in new: %s, with %d bytes\nwant none", dies.name, found[0], len(m.content("new/"+found[0])))
	}
	w.put("whole")
	taker := m.worker()
	taker.take(dies.name+" was killed in the middle of Put, then "+w.name+" has put an item.", "whole")
}

func takes(t *kit.Trial) {
	m := open(t, "queue")
	m.file("new/20-b", "second")
	m.file("new/10-a", "first")
	m.file("new/30-c", "third")
	w := m.worker()
	for i, want := range []struct{ name, data string }{{"10-a", "first"}, {"20-b", "second"}, {"30-c", "third"}} {
		there := fmt.Sprintf("In new there is %s.", strings.Join(m.list("new"), ", "))
		w.take(there, want.data)
		what := fmt.Sprintf("%s\n%s has taken %s, and works on it.", there, w.name, want.name)
		m.want(what, 0, 2-i, 1)
		if got := m.list("cur"); got[0] != want.name {
			t.Failf("%s\ngot  its name in cur is %s\nwant the one that it had", what, got[0])
		}
		m.locked(what, "cur/"+want.name, true)
		w.ack()
		m.want(what+" Then it has called Ack.", 0, 2-i, 0)
	}
	w.put("one")
	w.put("two")
	other := m.worker()
	other.take("one and two were put, in this order.", "one")
	w.take("one and two were put, in this order; one was taken.", "two")
}

func once(t *kit.Trial) {
	m := open(t, "queue")
	m.file("new/1", "one")
	m.file("new/2", "two")
	// Somebody has the lock of the first one: he is about to take it.
	release := m.hold("new/1")
	w := m.worker()
	what := "In new there are 1 and 2. The suite has the lock of 1, and is about to take it."
	w.take(what, "two")
	if got := strings.Join(m.list("new"), ", "); got != "1" {
		t.Failf("%s\n%s has taken 2.\ngot  in new there is %q\nwant 1, which is the suite's", what, w.name, got)
	}
	w.ack()
	release()
	w.take("The suite has given the lock of 1 back.", "one")
	w.ack()

	// Many at the same time.
	const items, workers = 40, 4
	for i := range items {
		m.file(fmt.Sprintf("new/%03d", i), fmt.Sprintf("item %d", i))
	}
	var all []*worker
	for range workers {
		all = append(all, m.worker())
	}
	count := map[string]int{}
	for range items / workers {
		for _, w := range all {
			w.Ask(script.Request{Take: true})
		}
		for _, w := range all {
			data := string(w.result(fmt.Sprintf("%d workers take at the same time, each of them %d of %d items.", workers, items/workers, items), "Take").Data)
			if count[data]++; count[data] > 1 {
				t.Failf("%d workers take at the same time.\ngot  %s twice\nwant each item once", workers, brief(data))
			}
		}
		for _, w := range all {
			w.ack()
		}
	}
	m.want("All is taken and acknowledged.", 0, 0, 0)
}

func waits(t *kit.Trial) {
	m := open(t, "queue")
	w := m.worker()
	w.Ask(script.Request{Take: true})
	w.waits("It must wait: the queue is empty.")
	m.file("new/1", "there it is")
	w.took("The queue was empty, and "+w.name+" has waited. Then an item has come.", "there it is")
	w.ack()

	w.Ask(script.Request{Take: true})
	w.waits("It must wait: the queue is empty.")
	w.Ask(script.Request{Cancel: true})
	what := w.name + " waits in Take, and its context ends."
	r := w.next("done", what+"\nTake does not return.")
	if !r.Ended {
		t.Failf("%s\ngot  Take has returned %s\nwant context.Canceled: errors.Is(err, ctx.Err())", what, orNil(r.Error))
	}
	m.file("new/2", "later")
	other := open(t, "another")
	for i := range 20 {
		other.file(fmt.Sprintf("new/%d", i), "x")
	}
	busy := other.worker()
	for range 20 { // time enough
		busy.take("", "x")
		busy.ack()
	}
	m.want(what+" It has returned. Then an item has come, and nobody calls Take.", 0, 1, 0)
	m.locked(what+" It has returned. Then an item has come, and nobody calls Take.", "new/2", false)
}

func nack(t *kit.Trial) {
	m := open(t, "queue")
	m.file("new/1", "one")
	m.file("new/2", "two")
	w := m.worker()
	w.take("In new there are 1 and 2.", "one")
	w.nack()
	what := w.name + " has taken 1, and has called Nack."
	m.want(what, 0, 2, 0)
	if got := strings.Join(m.list("new"), ", "); got != "1, 2" {
		t.Failf("%s\ngot  in new there is %s\nwant 1, 2", what, got)
	}
	m.locked(what, "new/1", false)
	other := m.worker()
	other.take(what, "one")
	other.ack()
	w.take(what+" Another one has taken it then.", "two")
}

func dead(t *kit.Trial) {
	m := open(t, "queue")
	m.file("new/1", "one")
	m.file("new/2", "two")
	m.file("new/3", "three")
	lives, dies := m.worker(), m.worker()
	lives.take("In new there are 1, 2 and 3.", "one")
	dies.take("In new there are 2 and 3.", "two")
	dies.die()
	m.file("new/0", "zero")
	what := lives.name + " has taken 1, and works on it. " + dies.name + " has taken 2, and was killed. In new there are 0 and 3."
	w := m.worker()
	for _, want := range []string{"zero", "two", "three"} {
		w.take(what, want)
		w.ack()
	}
	w.Ask(script.Request{Take: true})
	w.waits("It must wait: the only item that is left is in the hands of " + lives.name + ", which is alive.")
	lives.nack()
	w.took(lives.name+" has given its item back.", "one")
	w.ack()
	m.want("All is taken and acknowledged.", 0, 0, 0)
	// It was another process's, of which nothing is known but that it has no lock.
	m.file("cur/7", "of old")
	w.take("In cur there is 7, which nobody has locked.", "of old")
	what = w.name + " has taken 7, which somebody had left in cur."
	m.want(what, 0, 0, 1)
	m.locked(what, "cur/7", true)
}

func tidy(t *kit.Trial) {
	m := open(t, "queue")
	lives, dies := m.worker(), m.worker()
	lives.begin()
	lives.feed("this takes ")
	dies.begin()
	dies.feed("this is never ")
	dies.die()
	what := lives.name + " is in the middle of Put. " + dies.name + " was, and was killed. A third one has put an item."
	m.worker().put("third")
	m.want(what, 1, 1, 0)
	lives.feed("a while")
	lives.Ask(script.Request{End: true})
	lives.result(what, "Put")
	m.want(what+" Then "+lives.name+" has come to its end.", 0, 2, 0)
	for _, name := range m.list("new") {
		if got := m.content("new/" + name); got != "third" && got != "this takes a while" {
			t.Failf("%s\ngot  a file %s\nwant %q and %q", what, brief(got), "third", "this takes a while")
		}
	}
	left, _ := filepath.Glob(filepath.Join(t.Dir, m.name, "*"))
	if len(left) != 3 {
		t.Failf("%s\ngot  %d names in the queue's directory\nwant tmp, new and cur", what, len(left))
	}
}
