package suite

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"example.com/multiprocessing/exercises/03-persistent-worker/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "warm", Part: kit.Core, Points: 20, Run: warm, Hint: "1",
		Says: "The program is started by the first `Ask` and kept: every later question goes to the same process.",
	},
	{
		Name: "right-answer", Part: kit.Core, Points: 15, Run: rightAnswer, Hint: "1",
		Says: "The answer is what follows `answer: ` at the beginning of a line; all other lines on stdout are noise.",
	},
	{
		Name: "restart", Part: kit.Core, Points: 15, Run: restart, Hint: "1",
		Says: "When the program has ended, the next `Ask` starts a new one, and nothing else ever does.",
	},
	{
		Name: "crash", Part: kit.Core, Points: 10, Run: crash, Hint: "2",
		Says: "When the program ends before it has answered, with whatever exit status, `Ask` returns an error that contains what this process has written to stderr.",
	},
	{
		Name: "one-at-a-time", Part: kit.Robust, Points: 8, Run: oneAtATime, Hint: "2",
		Says: "`Ask` may be called by many goroutines at once: the questions go to the program one after the other, and every caller gets the answer to his own.",
	},
	{
		Name: "late", Part: kit.Robust, Points: 8, Run: late, Hint: "3",
		Says: "When `ctx` ends first, `Ask` returns `context.Cause(ctx)` at once, and the answer that comes too late is never taken for another one.",
	},
	{
		Name: "flood", Part: kit.Robust, Points: 7, Run: flood, Hint: "2",
		Says: "However much the program writes to stderr, it is never kept waiting.",
	},
	{
		Name: "close", Part: kit.Robust, Points: 7, Run: closing, Hint: "3",
		Says: "`Close` closes the program's stdin, kills it if it is still there after a second, and returns when it has ended and has been waited for.",
	},
	{
		Name: "grandchild", Part: kit.Hard, Points: 5, Run: grandchild, Hint: "3",
		Says: "The death of the program is noticed although a child of its own still has its stdout and stderr open.",
	},
	{
		Name: "last-words", Part: kit.Hard, Points: 5, Run: lastWords, Hint: "3",
		Says: "An answer that the program has sent before it ended counts.",
	},
}

func warm(t *kit.Trial) {
	p := begin(t)
	p.Settle()
	p.nobodyElse("New was called, but Ask was not.")
	a := p.first()
	for range 5 {
		p.dialogue(a)
	}
	p.nobodyElse("Six questions have been asked.")
	p.closeOracle()
	p.Finish()
}

func rightAnswer(t *kit.Trial) {
	p := begin(t)
	question, answer := words(), words()
	id := p.ask(question)
	a := p.unborn("Ask was called, and no program was started.")
	a.Order(script.Order{Noise: []string{"The oracle wakes …", "42", ""}}) // its start has words of its own
	p.wantQuestion(a.question("The oracle has been started, and does not get the question."), question)
	a.Order(script.Order{
		Noise:  []string{"thinking …", "the answer: not yet", " answer: neither", "Answer: wrong", strings.Repeat("noise ", 20_000), `{"answer": 7}`},
		Answer: answer,
	})
	p.want(p.report(id, "The oracle has printed some noise, and then its answer, and Ask does not return."), answer)
	p.dialogue(a) // and nothing of it is left for the next one
	// An answer may be empty of meaning, but it is an answer.
	id = p.ask("and?")
	a.question("Ask was called, and the oracle does not get the question.")
	a.Order(script.Order{Answer: "answer: "})
	p.want(p.report(id, "The oracle has answered, and Ask does not return."), "answer: ")
	p.closeOracle()
	p.Finish()
}

func restart(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	for range 2 {
		question, answer := words(), words()
		id := p.ask(question)
		a.question("Ask was called, and the oracle, which is alive, does not get the question.")
		a.Order(script.Order{Answer: answer})
		p.want(p.report(id, "The oracle has answered, and Ask does not return."), answer)
		p.end(a)
		p.Settle()
		p.nobodyElse("The oracle has ended, and nobody has asked anything since.")
		a = p.again()
		p.dialogue(a)
	}
	p.nobodyElse("The oracle is alive.")
	p.closeOracle()
	p.Finish()
}

// end kills an oracle that waits for a question. Nobody in the driver has a call
// going on, so nobody has done anything wrong.
func (p *performance) end(a *actor) {
	signal(a.Hello.PID, syscall.SIGKILL)
	p.ends(a)
}

// ends waits until an oracle has ended, which it was told to do.
func (p *performance) ends(a *actor) {
	for limit := time.Now().Add(time.Minute); p.alive(a.Hello.PID); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Failf("An oracle was told by the suite to end, and after a minute it is still there: %s.", p.Driver.Describe(a.Hello.PID))
		}
	}
}

// alive reports whether it runs; a zombie does not.
func (p *performance) alive(pid int) bool {
	text := p.Driver.Describe(pid)
	return !strings.Contains(text, "has ended")
}

// again has a question asked after the oracle has ended.
func (p *performance) again() *actor {
	question, answer := words(), words()
	id := p.ask(question)
	a := p.arrival("The oracle has ended, Ask was called, and no new one was started.")
	p.wantQuestion(a.question("A new oracle has been started, and does not get the question."), question)
	a.Order(script.Order{Answer: answer})
	p.want(p.report(id, "The new oracle has answered, and Ask does not return. (If Ask has returned an error before: the old one has ended long before this question.)"), answer)
	return a
}

func crash(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	for i, exit := range []int{1, -1, 3} {
		words := words()
		id := p.ask("a question that is too much for it")
		a.question("Ask was called, and the oracle does not get the question.")
		a.Order(script.Order{Stderr: "oracle: " + words + "\nsecond line\n", Exit: exit})
		r := p.report(id, fmt.Sprintf("The oracle has ended with exit status %d in the middle of a question, and Ask does not return.", max(exit, 0)))
		if !r.Failed {
			t.Failf("The oracle has ended with exit status %d without an answer, and Ask has returned %q and no error.", max(exit, 0), r.Answer)
		}
		if !strings.Contains(r.Error, words) || !strings.Contains(r.Error, "second line") {
			t.Failf("The error of Ask does not contain what the oracle has written to stderr.\ngot\n%s\nwant in it\n%s",
				kit.Quote(r.Error), kit.Quote("oracle: "+words+"\nsecond line"))
		}
		if i > 0 && strings.Count(r.Error, "second line") > 1 {
			t.Failf("The error of Ask contains what an earlier process has written to stderr:\n%s", kit.Quote(r.Error))
		}
		a = p.again()
	}
	p.closeOracle()
	p.Finish()
}

func oneAtATime(t *kit.Trial) {
	const n = 6
	p := begin(t)
	a := p.first()
	ids := map[string]int{}
	for range n {
		question := words()
		ids[question] = p.ask(question)
	}
	for i := range n {
		question := a.question(fmt.Sprintf("%d goroutines have called Ask, %d of them have been answered, and the oracle does not get another question.", n, i))
		id, ok := ids[question]
		if !ok {
			t.Failf("The oracle has read a line that is no question of anybody: %q. Have two been written at the same time?", question)
		}
		p.Settle()
		a.Order(script.Order{Peek: true})
		if a.event("The oracle does not obey, which is the kit's fault.").More {
			t.Failf("The oracle has not answered the question %q yet, and the next one is in its stdin already. Who gets which answer?", question)
		}
		a.Order(script.Order{Answer: "to " + question})
		p.want(p.report(id, "The oracle has answered the question of one of the goroutines, and its Ask does not return."), "to "+question)
		delete(ids, question)
	}
	p.nobodyElse("Many goroutines have called Ask, while one oracle was alive.")
	p.closeOracle()
	p.Finish()
}

func late(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	for range 3 {
		id := p.ask("what takes for ever?")
		a.question("Ask was called, and the oracle does not get the question.")
		p.Ask(script.Request{ID: id, Cancel: true})
		r := p.report(id, "The context of an Ask was cancelled, and it does not return.")
		if !r.Cancelled {
			t.Failf("The context was cancelled with a cause, and errors.Is(err, context.Cause(ctx)) is false.\ngot %s", kit.Quote(r.Error))
		}
		question, answer := words(), words()
		id = p.ask(question)
		p.Settle()
		a.Order(script.Order{Answer: "too late"}) // if it is still alive
		// Whether the answer goes on in the same process or in a new one is up to you.
		a = p.whoever(a, question, answer)
		p.want(p.report(id, "A question was given up, and the oracle has answered it afterwards. The next question was answered too, and its Ask does not return."), answer)
	}
	p.closeOracle()
	p.Finish()
}

// whoever waits for the question at the old oracle or at a new one, answers it,
// and returns who has got it.
func (p *performance) whoever(old *actor, question, answer string) *actor {
	type got struct {
		a *actor
		q string
	}
	either := make(chan got, 2)
	go func() {
		var e script.Event
		if old.Next(&e) == nil && !e.EOF {
			either <- got{old, e.Question}
		}
	}()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case c := <-p.control.Arrivals:
			c.Order(script.Order{})
			var e script.Event
			if c.Next(&e) == nil {
				either <- got{&actor{c, p}, e.Question}
			}
		case <-stop:
		}
	}()
	g := kit.Await(p.t, p.Driver, either, "A question was given up, and the oracle has answered it afterwards. The next question does not reach it, and no new oracle is started either.")
	p.wantQuestion(g.q, question)
	g.a.Order(script.Order{Answer: answer})
	return g.a
}

func flood(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	answer := words()
	id := p.ask("tell me everything")
	a.question("Ask was called, and the oracle does not get the question.")
	a.Order(script.Order{Flood: 10 << 20, Answer: answer})
	p.want(p.report(id, "The oracle writes 10 MiB to stderr, and then it will answer. It waits because nobody reads that."), answer)
	if peak := p.Driver.PeakMemory(); peak > 100<<20 {
		t.Failf("The oracle has written 10 MiB to stderr, and your program has needed %d MiB of memory.", peak>>20)
	}
	p.dialogue(a)
	p.closeOracle()
	p.Finish()
}

func closing(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	p.Ask(script.Request{Close: true})
	if !a.event("Close was called, and the stdin of the oracle is not closed.").EOF {
		t.Failf("Close was called, and the oracle has got a question.")
	}
	if r := p.report(-1, "The oracle has ended, and Close does not return."); r.Failed {
		t.Failf("Close has returned an error: %s", r.Error)
	}
	p.NobodyLeft("Close has returned.")
	p.Finish()

	p = begin(t)
	id := p.ask("are you deaf?")
	a = p.unborn("Ask was called, and no program was started.")
	a.Order(script.Order{Stay: true})
	a.question("The oracle has been started, and does not get the question.")
	a.Order(script.Order{Answer: "what?"})
	p.want(p.report(id, "The oracle has answered, and Ask does not return."), "what?")
	p.Ask(script.Request{Close: true})
	a.event("Close was called, and the stdin of the oracle is not closed.")
	if r := p.ReportAfter(2*time.Second, "The oracle stays although its input has ended, and does not hear SIGTERM either. Close does not return."); r.Failed {
		t.Failf("Close has returned an error: %s", r.Error)
	}
	p.NobodyLeft("The oracle stays although its input has ended, and does not hear SIGTERM either. Close has returned.")
	p.Finish()
}

func grandchild(t *kit.Trial) {
	p := begin(t)
	a := p.first()
	words := words()
	id := p.ask("who will remember you?")
	a.question("Ask was called, and the oracle does not get the question.")
	a.Order(script.Order{Stderr: words + "\n", Leave: true, Exit: 3})
	r := p.ReportAfter(5*time.Second, "The oracle has ended in the middle of a question. A child of it is still there and has its stdout and stderr open, so their end never comes; and Ask waits for it.")
	if r.ID != id || !r.Failed {
		t.Failf("The oracle has ended with exit status 3 without an answer, and Ask has returned %q and no error.", r.Answer)
	}
	if !strings.Contains(r.Error, words) {
		t.Failf("The error of Ask does not contain what the oracle has written to stderr.\ngot\n%s\nwant in it\n%s", kit.Quote(r.Error), kit.Quote(words))
	}
	p.again()
	p.closeOracle()
}

func lastWords(t *kit.Trial) {
	const runs = 12 // who tosses a coin is caught, but for 1 of 4096
	p := begin(t)
	for i := range runs {
		answer := words()
		id := p.ask("your last words?")
		a := p.arrival("The oracle has ended, Ask was called, and no new one was started.")
		a.question("The oracle has been started, and does not get the question.")
		// Your program is stopped meanwhile, so that it finds both when it goes on:
		// an answer, and an oracle that has ended.
		signal(p.Driver.PID, sigstop)
		a.Order(script.Order{Answer: answer, Exit: 3})
		p.ends(a)
		signal(p.Driver.PID, sigcont)
		r := p.report(id, "The oracle has answered and ended at once, and Ask does not return.")
		if r.Failed {
			t.Failf("In run %d the oracle has answered and ended at once, and Ask has returned an error:\n%s", i+1, kit.Quote(r.Error))
		}
		p.want(r, answer)
		p.Settle()
	}
	p.closeOracle()
	p.Finish()
}
