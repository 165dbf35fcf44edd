package suite

import (
	"fmt"
	"strings"
	"time"

	"example.com/multiprocessing/exercises/04-fork-order/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "in-order", Part: kit.Core, Points: 15, Run: inOrder, Hint: "1",
		Says: "The posts are started in their order: the first one at once, each next one when the one before it has printed the line `ready` on its stdout.",
	},
	{
		Name: "restart", Part: kit.Core, Points: 20, Run: restart, Hint: "1",
		Says: "A post that ends, with whatever exit status or signal, is waited for and started again; the others are left alone.",
	},
	{
		Name: "reverse", Part: kit.Core, Points: 15, Run: reverse, Hint: "2",
		Says: "When `ctx` ends, the posts are stopped in reverse order: each gets SIGTERM, and the one before it is told when it has ended.",
	},
	{
		Name: "nobody-left", Part: kit.Core, Points: 10, Run: nobodyLeft, Hint: "2",
		Says: "`Watch` returns nil when all posts have ended and have been waited for, and when `ctx` has ended no post is started again.",
	},
	{
		Name: "gives-up", Part: kit.Robust, Points: 10, Run: givesUp, Hint: "2",
		Says: "When one post has ended three times in a row without having said `ready`, `Watch` stops all others, in reverse order, and returns an error that contains its name.",
	},
	{
		Name: "grace", Part: kit.Robust, Points: 10, Run: grace, Hint: "3",
		Says: "A post that has not gone when its `Grace` is over is killed with SIGKILL.",
	},
	{
		Name: "early", Part: kit.Robust, Points: 10, Run: early, Hint: "3",
		Says: "`ctx` may end at any time, also while a post has not said `ready` yet: it is stopped too, and no further one is started.",
	},
	{
		Name: "orphans", Part: kit.Hard, Points: 5, Run: orphans, Hint: "3",
		Says: "Each post has a pipe as its descriptor 3, of which only your program has the writing end: when your program is killed, the posts see the end of it.",
	},
	{
		Name: "families", Part: kit.Hard, Points: 5, Run: families, Hint: "3",
		Says: "What a post has started ends when the post has ended: each post has a process group of its own, and what is left of it is killed.",
	},
}

func inOrder(t *kit.Trial) {
	p := begin(t)
	p.watch(long, "lamp", "bell", "gate")
	lamp := p.arrival("lamp", "Watch was called, and the first post is not started.")
	p.Settle()
	p.nobodyElse(`The post "lamp" has not said "ready" yet.`)
	lamp.do(script.Order{Lines: []string{"getting ready", "ready?", "", " ready", "not ready yet"}}, `The post "lamp" prints something.`)
	p.Settle()
	p.nobodyElse(`The post "lamp" has printed some lines, none of which is just "ready".`)
	lamp.ready()
	bell := p.arrival("bell", `The post "lamp" has said that it is ready, and the next one is not started.`)
	p.Settle()
	p.nobodyElse(`The post "bell" has not said "ready" yet.`)
	lamp.do(script.Order{Lines: []string{"ready"}, Flood: 1 << 20}, `The post "lamp" was ready long ago, and prints 1 MiB more. It waits because nobody reads that.`)
	p.Settle()
	p.nobodyElse(`The post "bell" has not said "ready" yet; "lamp" has said it again.`)
	bell.ready()
	gate := p.arrival("gate", `The post "bell" has said that it is ready, and the next one is not started.`)
	gate.ready()
	p.Settle()
	p.nobodyElse("All three posts are ready.")
	p.undisturbed("All three posts are ready.", lamp, bell, gate)
}

func restart(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(long, "lamp", "bell", "gate")
	for i, exit := range []int{-1, 3, 0} {
		n := (i + 1) % 3
		a := posts[n]
		how := map[int]string{-1: "with exit status 0", 3: "with exit status 3", 0: "by SIGKILL"}[exit]
		if exit == 0 {
			kill(a.Hello.PID)
			a.gone("The post was killed by the suite.")
		} else {
			a.end(exit)
		}
		again := p.arrival(a.name, fmt.Sprintf("The post %q has ended %s, and is not started again.", a.name, how))
		p.Settle()
		p.nobodyElse(fmt.Sprintf("The post %q has ended %s, and was started again.", a.name, how))
		posts[n] = again
		p.undisturbed(fmt.Sprintf("The post %q has ended %s, which is nothing to the others.", a.name, how), posts...)
		p.noZombie(fmt.Sprintf("The post %q has ended %s.", a.name, how))
		again.ready()
	}
	// Two at the same time.
	kill(posts[0].Hello.PID)
	kill(posts[2].Hello.PID)
	names := map[string]bool{}
	for range 2 {
		c := kit.Await(t, p.Driver, p.control.Arrivals, `The posts "lamp" and "gate" have been killed at the same time, and are not both started again.`)
		a := p.follow(c)
		names[a.name] = true
		a.ready()
		posts[map[string]int{"lamp": 0, "bell": 1, "gate": 2}[a.name]] = a
	}
	if !names["lamp"] || !names["gate"] {
		t.Failf(`The posts "lamp" and "gate" have been killed at the same time. Started again: %v.`, names)
	}
	p.Settle()
	p.nobodyElse(`The posts "lamp" and "gate" have been started again, and are ready.`)
	p.undisturbed(`The posts "lamp" and "gate" have been started again, and are ready.`, posts...)
}

// noZombie wants every descendant to run.
func (p *performance) noZombie(what string) {
	for _, pid := range p.Driver.Descendants() {
		if text := p.Driver.Describe(pid); strings.Contains(text, "zombie") {
			p.t.Failf("%s\nIt was not waited for:\n    %s", what, text)
		}
	}
}

func reverse(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(long, "lamp", "bell", "gate", "wall")
	p.relieve(posts)
	p.Finish()
}

func nobodyLeft(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(long, "lamp", "bell")
	p.cancel()
	posts[1].told(`The context has ended, and the post "bell" is not told to go.`)
	// The other one ends by itself just then: it has not been told yet, but nobody
	// wants it any more.
	posts[0].end(3)
	p.Settle()
	p.nobodyElse("The context has ended.")
	posts[1].end(5) // and this one goes with an exit status that is not 0
	if r := p.Report("All posts have ended, and Watch does not return."); r.Failed {
		t.Failf("The context has ended, and all posts have; and Watch has returned an error: %s", r.Error)
	}
	p.nobodyElse("The context has ended.")
	p.NobodyLeft("Watch has returned.")
	p.Finish()

	// And with nothing to watch over.
	p = begin(t)
	p.watch(long)
	p.Settle()
	p.cancel()
	if r := p.Report("Watch was called without posts, its context has ended, and it does not return."); r.Failed {
		t.Failf("Watch was called without posts, its context has ended, and it has returned an error: %s", r.Error)
	}
	p.Finish()
}

func givesUp(t *kit.Trial) {
	p := begin(t)
	p.watch(long, "lamp", "bell", "gate")
	lamp := p.arrival("lamp", "Watch was called, and the first post is not started.")
	lamp.ready()
	// Twice is not three times, and once ready it counts from the beginning.
	bell := p.arrival("bell", `The post "lamp" has said that it is ready, and the next one is not started.`)
	for range 2 {
		bell.end(4)
		bell = p.arrival("bell", `The post "bell" has ended before it was ready, and is not started again.`)
	}
	bell.ready()
	gate := p.arrival("gate", `The post "bell" has said that it is ready, at last, and the next one is not started.`)
	gate.ready()
	p.Settle()
	bell.end(4)
	for i := range 3 {
		bell = p.arrival("bell", fmt.Sprintf(`The post "bell" was ready, has ended, and since then has ended %d times without having been ready. It is not started again.`, i))
		p.Settle()
		p.undisturbed(`One post fails, but not often enough yet.`, lamp, gate)
		bell.end(4)
	}
	what := `The post "bell" has ended three times in a row without having said "ready"`
	p.Settle()
	p.nobodyElse(what + ".")
	gate.told(what + `, and the post "gate" is not told to go.`)
	p.Settle()
	p.undisturbed(`The post "gate" was told to go, and has not gone yet.`, lamp)
	gate.end(-1)
	lamp.told(what + `, "gate" has gone, and the post "lamp" is not told to go.`)
	lamp.end(-1)
	r := p.Report(what + ", the others have gone, and Watch does not return.")
	if !r.Failed {
		t.Failf("%s, and Watch has returned nil.", what)
	}
	if !strings.Contains(r.Error, "bell") {
		t.Failf("%s, and the error of Watch does not contain its name: %s", what, kit.Quote(r.Error))
	}
	p.NobodyLeft("Watch has returned.")
	p.Finish()
}

func grace(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(200*time.Millisecond, "lamp", "bell", "gate")
	posts[2].do(script.Order{Deaf: true}, "")
	posts[1].do(script.Order{Deaf: true}, "")
	p.cancel()
	posts[2].gone(`The context has ended, the post "gate" does not hear SIGTERM, its grace of 200 ms is over, and it is still there.`)
	p.undisturbed(`The post "gate" has just been killed.`, posts[0])
	posts[1].gone(`The post "bell" does not hear SIGTERM either, its grace of 200 ms is over, and it is still there.`)
	posts[0].told(`The posts "gate" and "bell" have been killed, and the post "lamp" is not told to go.`)
	posts[0].end(-1)
	if r := p.Report("All posts have ended, and Watch does not return."); r.Failed {
		t.Failf("The context has ended, and all posts have, some of them killed; and Watch has returned an error: %s", r.Error)
	}
	p.NobodyLeft("Watch has returned.")
	p.Finish()
}

func early(t *kit.Trial) {
	// While a post gets ready.
	p := begin(t)
	p.watch(long, "lamp", "bell", "gate")
	lamp := p.arrival("lamp", "Watch was called, and the first post is not started.")
	lamp.ready()
	bell := p.arrival("bell", `The post "lamp" has said that it is ready, and the next one is not started.`)
	p.Settle()
	p.relieve([]*actor{lamp, bell})
	p.nobodyElse("The context has ended.")
	p.Finish()

	// While a post that was ready once gets ready again.
	p = begin(t)
	posts := p.standing(long, "lamp", "bell")
	posts[1].end(3)
	posts[1] = p.arrival("bell", `The post "bell" has ended, and is not started again.`)
	p.Settle()
	p.relieve(posts)
	p.Finish()

	// Before anything was started.
	p = begin(t)
	p.cancel()
	p.Settle()
	p.watch(long, "lamp")
	if r := p.Report("Watch was called with a context that had ended before, and does not return."); r.Failed {
		t.Failf("Watch was called with a context that had ended before, and has returned an error: %s", r.Error)
	}
	p.nobodyElse("Watch was called with a context that had ended before.")
	p.Finish()
}

func orphans(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(long, "lamp", "bell", "gate")
	// One that was started again must have it too.
	posts[0].end(3)
	posts[0] = p.arrival("lamp", `The post "lamp" has ended, and is not started again.`)
	posts[0].ready()
	p.Settle()
	p.undisturbed("Nothing has happened.", posts...)
	kill(p.Driver.PID)
	<-p.Driver.Ended
	for _, a := range posts {
		select {
		case e := <-a.events:
			if !e.Alone && e != (script.Event{}) { // the second: the kernel has killed it
				t.Failf("Your program was killed, and the post %q (pid %d) %s.", a.name, a.Hello.PID, says(e))
			}
		case <-time.After(2 * time.Second):
			t.Failf("Your program was killed with SIGKILL, and the post %q (pid %d) is still there: it sees no end of its descriptor 3.\nIs there a pipe at all, and does somebody else have its writing end, one of the other posts perhaps?", a.name, a.Hello.PID)
		}
	}
}

func families(t *kit.Trial) {
	p := begin(t)
	posts := p.standing(long, "lamp", "bell")
	for i, how := range []string{"has ended", "was killed"} {
		posts[1].Order(script.Order{Leave: true})
		c := kit.Await(t, p.Driver, p.control.Arrivals, "A post starts a child, which does not come; that is the kit's fault.")
		left := p.follow(c)
		p.Driver.Call(left.Hello.PID, "the child that it has left")
		if e := kit.Await(t, p.Driver, posts[1].events, "A post has started a child."); !e.Done {
			t.Failf("A post has started a child, and %s.", says(e))
		}
		if i == 0 {
			posts[1].end(3)
		} else {
			kill(posts[1].Hello.PID)
		}
		left.gone(fmt.Sprintf(`The post "bell" %s. It had started a process, and that one is still there.`, how))
		posts[1] = p.arrival("bell", fmt.Sprintf(`The post "bell" %s, and is not started again.`, how))
		posts[1].ready()
		p.Settle()
	}
	p.undisturbed("A post has ended, with its family.", posts...)
}
