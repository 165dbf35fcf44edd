package suite

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"

	"example.com/multiprocessing/exercises/01-pipes/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "end-of-input", Part: kit.Core, Points: 15, Run: endOfInput, Hint: "1",
		Says: "Once all stages have been started, this process has no end of any pipe between them open.",
	},
	{
		Name: "output", Part: kit.Core, Points: 15, Run: output, Hint: "1",
		Says: "The first stage reads `in`, the last one writes `out`, and each stage in between reads what the one before it writes.",
	},
	{
		Name: "together", Part: kit.Core, Points: 15, Run: together, Hint: "1",
		Says: "All stages are alive at the same time.",
	},
	{
		Name: "statuses", Part: kit.Core, Points: 15, Run: statuses, Hint: "2",
		Says: "`Run` returns one status for each stage, in the order of the stages: its exit code.",
	},
	{
		Name: "early-end", Part: kit.Robust, Points: 10, Run: earlyEnd, Hint: "3",
		Says: "When a later stage ends early, the stages before it end too, as `yes` does in `yes | head -n 1`.",
	},
	{
		Name: "signals", Part: kit.Robust, Points: 5, Run: signals, Hint: "3",
		Says: "A stage that was killed by a signal has minus the number of that signal as its status.",
	},
	{
		Name: "nothing-left", Part: kit.Robust, Points: 10, Run: nothingLeft, Hint: "2",
		Says: "When `Run` returns, every stage has ended and has been waited for, and every descriptor that it has opened is closed; `in` and `out` belong to the caller and stay open.",
	},
	{
		Name: "cannot-start", Part: kit.Robust, Points: 5, Run: cannotStart, Hint: "3",
		Says: "If a stage cannot be started, the stages that run already are killed and waited for, and `Run` returns the error.",
	},
	{
		Name: "cancel", Part: kit.Hard, Points: 6, Run: cancel, Hint: "3",
		Says: "When `ctx` ends, all stages are killed, even those that ignore polite signals, and `Run` returns `context.Cause(ctx)`.",
	},
	{
		Name: "large", Part: kit.Hard, Points: 4, Run: large, Hint: "3",
		Says: "The bytes go from stage to stage without a detour: however many there are, this process needs no memory for them.",
	},
}

func endOfInput(t *kit.Trial) {
	p := begin(t)
	p.input("to be or not to be\n")
	r := p.perform("Run does not return. Both stages read until their input ends, and one of them never sees the end.",
		pipeline{{"pass"}, {"pass"}})
	p.wantStatuses(r, []int{0, 0})
	if got := p.output(); got != "to be or not to be\n" {
		t.Failf("What the second stage has written does not arrive in out.\ngot  %q\nwant %q", got, "to be or not to be\n")
	}
	p.finish()
}

func output(t *kit.Trial) {
	text, err := realText()
	if err != nil {
		t.Failf("the suite has no text: %v", err)
	}
	p := begin(t)
	p.input(text)
	r := p.perform("Run does not return. The pipeline is split | count | pass, over the sources of package os/exec.",
		pipeline{{"split"}, {"count"}, {"pass"}})
	p.wantStatuses(r, []int{0, 0, 0})
	want := script.Ranking(script.Words(text))
	if got := p.output(); got != want {
		t.Failf("split | count | pass, over the sources of package os/exec (%d bytes), gives a wrong ranking of words.\ngot  %d bytes, beginning with\n%s\nwant %d bytes, beginning with\n%s",
			len(text), len(got), kit.Quote(firstLines(got, 3)), len(want), kit.Quote(firstLines(want, 3)))
	}

	// One stage is a pipeline too: then in and out are both its own.
	r = p.perform("Run does not return. The pipeline is the one stage split.", pipeline{{"split"}})
	p.wantStatuses(r, []int{0})
	if got, want := p.output(), strings.Join(script.Words(text), "\n")+"\n"; got != want {
		t.Failf("split alone, over the same text, gives %d bytes, want %d", len(got), len(want))
	}
	p.finish()
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

// together lets no stage begin before all have reported. Whoever starts the
// second stage only when the first has ended waits for ever.
func together(t *kit.Trial) {
	const n = 4
	p := begin(t)
	p.input("all together\n")
	p.run(pipeline{{"pass"}, {"pass"}, {"pass"}, {"pass"}})
	var actors []*actor
	for len(actors) < n {
		what := "No stage has been started."
		if len(actors) > 0 {
			var started []string
			for _, a := range actors {
				started = append(started, fmt.Sprintf("stage %d (pid %d)", a.Hello.Stage, a.Hello.PID))
			}
			what = fmt.Sprintf("Only %d of %d stages are alive: %s. It waits until all are, which is how this check knows that they run at the same time.",
				len(actors), n, strings.Join(started, ", "))
		}
		actors = append(actors, p.arrival(what))
	}
	pids := map[int]bool{}
	for _, a := range actors {
		pids[a.Hello.PID] = true
	}
	if len(pids) != n {
		t.Failf("%d stages have reported from %d processes only", n, len(pids))
	}
	for _, a := range actors {
		a.Order(script.Order{})
	}
	r := p.Report("All stages were alive at the same time, and have done their work, but Run does not return.")
	p.wantStatuses(r, []int{0, 0, 0, 0})
	p.finish()
}

// statuses orders each stage to end with a number that only the suite knows.
func statuses(t *kit.Trial) {
	p := begin(t)
	for range 3 {
		var want []int
		var orders []script.Order
		var stages pipeline
		for range 4 {
			code := rand.IntN(100)
			want = append(want, code)
			orders = append(orders, script.Order{Exit: code})
			stages = append(stages, []string{"pass"})
		}
		r := p.perform("Run does not return.", stages, orders...)
		p.wantStatuses(r, want)
	}
	p.finish()
}

func (p *performance) wantStatuses(r script.Report, want []int) {
	if !slices.Equal(r.Statuses, want) {
		p.t.Failf("The stages have ended with the statuses %v, and Run has returned %v.%s", want, r.Statuses, explain(r.Statuses, want))
	}
}

func explain(got, want []int) string {
	switch {
	case len(got) != len(want):
		return fmt.Sprintf("\nThat is %d for %d stages.", len(got), len(want))
	case slices.Contains(got, -1) && !slices.Contains(want, -1):
		return "\nFor a process that was killed by a signal, ProcessState.ExitCode() is -1, which does not say which signal. The WaitStatus inside it does."
	case slices.Max(got) == 0 && slices.Min(got) == 0:
		return "\nAll zero: has anybody asked the stages?"
	}
	return ""
}

func earlyEnd(t *kit.Trial) {
	p := begin(t)
	r := p.perform("Run does not return. The pipeline is endless | first 3: the second stage has read three lines and left, and nothing has ended the first.",
		pipeline{{"endless"}, {"first", "3"}})
	p.wantStatuses(r, []int{-int(syscall.SIGPIPE), 0})
	if got, want := p.output(), "line 1\nline 2\nline 3\n"; got != want {
		t.Failf("endless | first 3\ngot  %q\nwant %q", got, want)
	}
	r = p.perform("Run does not return. The pipeline is endless | pass | pass | first 1.",
		pipeline{{"endless"}, {"pass"}, {"pass"}, {"first", "1"}})
	p.wantStatuses(r, []int{-int(syscall.SIGPIPE), -int(syscall.SIGPIPE), -int(syscall.SIGPIPE), 0})
	p.finish()
}

func signals(t *kit.Trial) {
	p := begin(t)
	r := p.perform("Run does not return.", pipeline{{"pass"}, {"pass"}, {"pass"}},
		script.Order{Signal: int(syscall.SIGKILL)}, script.Order{Exit: 7}, script.Order{Signal: int(syscall.SIGTERM)})
	p.wantStatuses(r, []int{-int(syscall.SIGKILL), 7, -int(syscall.SIGTERM)})
	p.finish()
}

func nothingLeft(t *kit.Trial) {
	p := begin(t)
	p.input("one line\n")
	stages := pipeline{{"pass"}, {"pass"}, {"first", "1"}}
	p.perform("Run does not return.", stages) // what the runtime opens once is open now
	p.wantNobody()
	before := p.Driver.Descriptors()
	const runs = 10
	for range runs {
		r := p.perform("Run does not return.", stages)
		if r.ClosedIn || r.ClosedOut {
			t.Failf("Run has closed a file of its caller's (in: %v, out: %v).", r.ClosedIn, r.ClosedOut)
		}
		p.wantNobody()
	}
	after := p.Driver.Descriptors()
	if len(after) > len(before) {
		var new []string
		for number, target := range after {
			if before[number] != target {
				new = append(new, fmt.Sprintf("    descriptor %s: %s", number, kind(target)))
			}
		}
		slices.Sort(new)
		new = slices.Compact(new)
		t.Failf("After %d more runs the process has %d descriptors more open than before. The first of them:\n%s",
			runs, len(after)-len(before), new[0])
	}
	p.finish()
}

func kind(target string) string {
	k, _, _ := strings.Cut(target, ":[")
	return k
}

// wantNobody wants no child of the driver, dead or alive.
func (p *performance) wantNobody() {
	if pids := p.Driver.Descendants(); len(pids) > 0 {
		p.t.Failf("Run has returned, and %d of the stages are still there:\n    %s", len(pids), p.Driver.Describe(pids[0]))
	}
	if strays := p.Driver.Strays(); len(strays) > 0 {
		p.t.Failf("Run has returned, and processes that it has started are still there: %s", strings.Join(strays, ", "))
	}
}

func cannotStart(t *kit.Trial) {
	p := begin(t)
	r, _ := p.tryPerform("Run does not return. The pipeline is deaf | /no/such/program | pass.",
		pipeline{{"deaf"}, {"/no/such/program"}, {"pass"}})
	if !r.Failed {
		t.Failf("There is no /no/such/program, and Run has returned no error; its statuses are %v.", r.Statuses)
	}
	if !r.NotFound {
		t.Failf("Run's error does not lead to the cause: errors.Is(err, fs.ErrNotExist) is false.\ngot %q", r.Error)
	}
	p.wantNobody()
	p.finish()
}

func cancel(t *kit.Trial) {
	p := begin(t)
	p.run(pipeline{{"deaf"}, {"deaf"}, {"pass"}})
	for range 3 {
		p.arrival("A stage was not started.").Order(script.Order{})
	}
	p.Ask(script.Request{Cancel: true})
	r := p.Report("The context was cancelled, and Run does not return.")
	if !r.Cancelled {
		t.Failf("The context was cancelled with a cause, and errors.Is(err, context.Cause(ctx)) is false.\ngot %q", r.Error)
	}
	p.wantNobody()
	p.finish()
}

func large(t *kit.Trial) {
	const mib = 128 // who keeps it all needs more than the 100 MiB below
	p := begin(t)
	r := p.perform("Run does not return. The pipeline is flood | pass | pass.",
		pipeline{{"flood", fmt.Sprint(mib)}, {"pass"}, {"pass"}})
	p.wantStatuses(r, []int{0, 0, 0})
	if got := len(p.output()); got != mib<<20 {
		t.Failf("Of %d MiB that the first stage has written, %d bytes have arrived.", mib, got)
	}
	if peak := p.Driver.PeakMemory(); peak > 100<<20 {
		t.Failf("%d MiB went through the pipeline, and this process has needed %d MiB of memory.", mib, peak>>20)
	}
	p.finish()
}
