package suite

import (
	"math"
	"time"

	"example.com/multiprocessing/exercises/02-selector-timeout/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "all-in", Part: kit.Core, Points: 15, Run: allIn, Hint: "1",
		Says: "`Gather` returns as soon as there is an answer for every source, however long the limit is.",
	},
	{
		Name: "first-first", Part: kit.Core, Points: 15, Run: firstFirst, Hint: "1",
		Says: "The answers stand in the order in which they came; those that are late come last, in the order of the sources.",
	},
	{
		Name: "late", Part: kit.Core, Points: 15, Run: late, Hint: "1",
		Says: "One limit is for all sources together: when it is over, `Gather` returns, and those that have not sent a whole line are `Late`.",
	},
	{
		Name: "told-apart", Part: kit.Core, Points: 15, Run: toldApart, Hint: "2",
		Says: "A line of JSON is a `Message`, any other line is `Garbage`, the end of the input is `Closed`, and the end in the middle of a line is `Cut`: of `25` only `2` may have come, and that is no message.",
	},
	{
		Name: "again", Part: kit.Robust, Points: 10, Run: again, Hint: "2",
		Says: "After a `Gather` every source is as good as before: what comes too late for one is there for the next, once.",
	},
	{
		Name: "half", Part: kit.Robust, Points: 8, Run: half, Hint: "2",
		Says: "A line of which only the beginning has come is late, and a later `Gather` returns it whole.",
	},
	{
		Name: "two-at-once", Part: kit.Robust, Points: 7, Run: twoAtOnce, Hint: "2",
		Says: "A source that has sent two lines at once has answered this `Gather` with the first and the next one with the second.",
	},
	{
		Name: "nothing-left", Part: kit.Robust, Points: 5, Run: nothingLeft, Hint: "3",
		Says: "A `Gather` leaves no more goroutines and no more descriptors behind than the one before it.",
	},
	{
		Name: "poll", Part: kit.Hard, Points: 5, Run: poll, Hint: "3",
		Says: "A limit of zero or less means not to wait: what is there already counts.",
	},
	{
		Name: "no-cpu", Part: kit.Hard, Points: 5, Run: noCPU, Hint: "3",
		Says: "While it waits it sleeps: it does not look again and again.",
	},
}

func allIn(t *kit.Trial) {
	p := begin(t, 3)
	var lines []string
	for i := range 3 {
		lines = append(lines, secret())
		p.send(i, lines[i]+"\n")
	}
	p.gather(forever)
	got := p.report("All three sources have sent their answers, and Gather does not return. Its limit is one hour.")
	p.wantAnyOrder(got, message(0, lines[0]), message(1, lines[1]), message(2, lines[2]))
	p.Finish()
}

// wantAnyOrder is for answers that were all there before.
func (p *performance) wantAnyOrder(got []script.Answer, want ...script.Answer) {
	byNumber := make([]script.Answer, len(want))
	for _, a := range got {
		if a.Source >= 0 && a.Source < len(want) {
			byNumber[a.Source] = a
		}
	}
	if len(got) != len(want) {
		byNumber = got
	}
	p.want(byNumber, "Every source has sent one line (the order does not matter here).", want...)
}

// firstFirst lets each source speak only when nothing moves any more after the
// one before it, so there is no doubt about the order.
func firstFirst(t *kit.Trial) {
	order := []int{3, 0, 4, 1, 5, 2}
	p := begin(t, len(order))
	p.gather(forever)
	p.Settle()
	var want []script.Answer
	for _, i := range order {
		line := secret()
		p.send(i, line+"\n")
		p.Settle()
		want = append(want, message(i, line))
	}
	got := p.report("All sources have answered, one after the other, and Gather does not return.")
	p.want(got, "The sources have answered in the order 3, 0, 4, 1, 5, 2.", want...)
	p.Finish()
}

func late(t *kit.Trial) {
	const n, limit = 40, 100 * time.Millisecond
	p := begin(t, n)
	line := secret()
	p.send(n-1, line+"\n")
	begun := time.Now()
	p.gather(limit)
	got := p.report("40 sources are silent, or 39 of them, and Gather does not return. Its limit is 100 ms.")
	want := []script.Answer{message(n-1, line)}
	for i := range n - 1 {
		want = append(want, kind(i, "late"))
	}
	p.want(got, "Of 40 sources one has answered.", want...)
	// 39 limits one after the other are four seconds, and one is a tenth of one.
	if spent := time.Since(begun); spent > 30*limit {
		t.Failf("Gather has taken %v, with a limit of %v and 39 sources that were silent. Is each of them given the whole limit, one after the other?", spent.Round(time.Second/10), limit)
	}
	p.Finish()
}

func toldApart(t *kit.Trial) {
	p := begin(t, 6)
	line := secret()
	p.send(0, line+"\n")
	p.close(1)
	p.send(2, "2") // the 5 never came
	p.close(2)
	p.send(3, "Segmentation fault\n")
	p.send(4, "\n") // a line with nothing on it is a line, and no JSON
	p.gather(forever)
	p.Settle()
	last := secret()
	p.send(5, last+"\n")
	got := p.report("All sources have answered or are closed, and Gather does not return.")
	p.wantAnyOrder(got, message(0, line), kind(1, "closed"), kind(2, "cut"),
		script.Answer{Source: 3, Kind: "garbage", Line: "Segmentation fault"}, kind(4, "garbage"), message(5, last))

	// The end stays the end.
	for i := range 6 {
		p.close(i)
	}
	p.gather(forever)
	got = p.report("All sources are closed, and Gather does not return.")
	for i := range got {
		if got[i].Source == 2 && got[i].Kind == "cut" {
			got[i].Kind = "closed" // either is true: it was cut, and it is closed
		}
		got[i].Line = ""
	}
	p.wantAnyOrder(got, kind(0, "closed"), kind(1, "closed"), kind(2, "closed"), kind(3, "closed"), kind(4, "closed"), kind(5, "closed"))
	p.Finish()
}

func again(t *kit.Trial) {
	p := begin(t, 2)
	for range 3 {
		p.gather(50 * time.Millisecond)
		p.want(p.report("Gather does not return, although its limit of 50 ms is over."), "Nobody has answered.", kind(0, "late"), kind(1, "late"))
	}
	var first, second = secret(), secret()
	p.send(0, first+"\n") // too late for that one
	p.Settle()            // whoever was left reading takes it now
	p.gather(forever)
	p.Settle()
	p.send(1, second+"\n")
	got := p.report("Both sources have sent a line, the first of them between two Gathers, and Gather waits for more. Who has taken that line? A reader that was given up in an earlier Gather may still be there.")
	p.want(got, "After three Gathers that were too early, source 0 has sent a line, and then, during the next Gather, source 1.", message(0, first), message(1, second))
	p.gather(50 * time.Millisecond)
	p.want(p.report("Gather does not return, although its limit of 50 ms is over."), "Both lines have been returned before.", kind(0, "late"), kind(1, "late"))
	p.Finish()
}

func half(t *kit.Trial) {
	p := begin(t, 1)
	line := secret()
	p.send(0, line[:7])
	p.gather(100 * time.Millisecond)
	p.want(p.report("Half a line has come, and Gather does not return, although its limit of 100 ms is over. Half a line makes a pipe readable; who then reads to the end of the line waits for it without a limit."),
		"Half a line has come.", kind(0, "late"))
	p.send(0, line[7:]+"\n")
	p.gather(forever)
	p.want(p.report("The other half has come, and Gather does not return. Where is the first?"), "Half a line has come before one Gather, and the rest before the next.", message(0, line))
	p.Finish()
}

func twoAtOnce(t *kit.Trial) {
	p := begin(t, 2)
	lines := []string{secret(), secret(), secret()}
	p.send(0, lines[0]+"\n"+lines[1]+"\n"+lines[2]+"\n")
	other := secret()
	p.send(1, other+"\n")
	p.gather(forever)
	got := p.report("Both sources have answered, and Gather does not return.")
	p.wantAnyOrder(got, message(0, lines[0]), message(1, other))
	for i := 1; i < 3; i++ {
		other = secret()
		p.send(1, other+"\n")
		p.gather(forever)
		got = p.report("Source 0 has sent three lines at once, before the first Gather. One of the later Gathers waits for a line from it. Where are those that it has sent already?")
		p.wantAnyOrder(got, message(0, lines[i]), message(1, other))
	}
	p.Finish()
}

func nothingLeft(t *kit.Trial) {
	const rounds = 15
	p := begin(t, 10)
	p.gather(10 * time.Millisecond)
	p.report("Gather does not return, although its limit of 10 ms is over.")
	count := func(atMost int) int {
		p.Ask(script.Request{Count: true, AtMost: atMost})
		return p.Report("The driver does not count its goroutines.").Goroutines
	}
	p.Settle()
	before := count(math.MaxInt)
	descriptors := len(p.Driver.Descriptors())
	for range rounds {
		p.gather(5 * time.Millisecond)
		p.report("Gather does not return, although its limit of 5 ms is over.")
	}
	if after := count(before); after > before {
		t.Failf("%d Gathers of 10 silent sources, and there are %d goroutines more than before. They wait for answers that nobody wants from them any more, and will take them.", rounds, after-before)
	}
	if after := len(p.Driver.Descriptors()); after > descriptors {
		t.Failf("%d Gathers, and %d descriptors more are open than before.", rounds, after-descriptors)
	}
	p.Finish()
}

func poll(t *kit.Trial) {
	p := begin(t, 3)
	first := secret()
	p.send(1, first+"\n")
	p.gather(0)
	p.want(p.report("The limit is 0, and Gather does not return."), "Source 1 has sent its line before the Gather, whose limit is 0.", message(1, first), kind(0, "late"), kind(2, "late"))
	p.close(2)
	p.gather(-time.Second)
	p.want(p.report("The limit is negative, and Gather does not return."), "Source 2 was closed before the Gather, whose limit is negative.", kind(2, "closed"), kind(0, "late"), kind(1, "late"))
	p.Finish()
}

func noCPU(t *kit.Trial) {
	p := begin(t, 50)
	p.gather(50 * time.Millisecond) // the runtime has its threads now
	p.report("Gather does not return.")
	p.gather(800 * time.Millisecond)
	time.Sleep(200 * time.Millisecond) // it has begun to wait; what follows is measured in the middle of that
	cpu, sleeps := p.Driver.Usage()
	time.Sleep(500 * time.Millisecond)
	cpu2, sleeps2 := p.Driver.Usage()
	p.report("Gather does not return, although its limit of 800 ms is over.")
	if used, woken := cpu2-cpu, sleeps2-sleeps; used > 140*time.Millisecond || woken > 140 {
		t.Failf("In half a second of waiting for 50 silent sources the program has been awake %d times and has used the processor for %v.", woken, used.Round(time.Millisecond))
	}
	p.Finish()
}
