// Package suite holds the checks of exercise 02, "First answers first". It never
// contains the answer: it starts the driver, which does, and plays the processes
// whose answers are gathered.
package suite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"

	"example.com/multiprocessing/exercises/02-selector-timeout/script"
	"example.com/multiprocessing/exercises/kit"
)

// Exercise is exercise 02.
var Exercise = kit.Exercise{
	Name:      "02-selector-timeout",
	Driver:    "./exercises/02-selector-timeout/driver",
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A performance is the driver at work, with the suite's ends of its sources.
type performance struct {
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	sources []*os.File // writing ends
	limit   time.Duration
}

func begin(t *kit.Trial, n int) *performance {
	p := &performance{t: t}
	var theirs []*os.File
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			t.Failf("%v", err)
		}
		theirs = append(theirs, r)
		p.sources = append(p.sources, w)
		t.Cleanup(func() { w.Close() })
	}
	p.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Gather", "Gather", func(cmd *exec.Cmd) {
		cmd.ExtraFiles = append(cmd.ExtraFiles, theirs...)
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", script.SourcesVariable, n))
	})
	for _, r := range theirs {
		r.Close()
	}
	return p
}

// send lets a source say something. What it says fits into a pipe.
func (p *performance) send(source int, text string) {
	if _, err := p.sources[source].WriteString(text); err != nil {
		p.t.Failf("The suite cannot write to source %d: %v. Has somebody closed its reading end?", source, err)
	}
}

func (p *performance) close(source int) { p.sources[source].Close() }

// gather asks for one Gather. report waits for what it returns.
func (p *performance) gather(limit time.Duration) {
	p.limit = limit
	p.Ask(script.Request{Limit: limit})
}

func (p *performance) report(what string) []script.Answer {
	rest := p.limit
	if rest == forever {
		rest = 0 // it must not matter
	}
	r := p.ReportAfter(rest, what)
	if r.Error != "" {
		p.t.Failf("Gather has returned an error: %s\nWhat comes of a source is its answer and no error of Gather.", r.Error)
	}
	return r.Answers
}

// want compares. Late ones may stand in any order, behind the others.
func (p *performance) want(got []script.Answer, what string, want ...script.Answer) {
	if describe(got) == describe(want) {
		return
	}
	p.t.Failf("%s\ngot\n%s\nwant\n%s", what, describe(got), describe(want))
}

const forever = time.Hour // for a limit that must not matter

func describe(answers []script.Answer) string {
	var b strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&b, "    source %d: %s", a.Source, a.Kind)
		if a.Line != "" {
			fmt.Fprintf(&b, " %q", a.Line)
		}
		b.WriteString("\n")
	}
	if len(answers) == 0 {
		return "    (no answers)"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func message(source int, line string) script.Answer {
	return script.Answer{Source: source, Kind: "message", Line: line}
}

func kind(source int, kind string) script.Answer { return script.Answer{Source: source, Kind: kind} }

// secret is a line that nobody can know without having read it.
func secret() string { return fmt.Sprintf(`{"answer":%d}`, int64(1e17)+rand.N(int64(1e17))) }

func attempted(t *kit.Trial) bool {
	p := begin(t, 1)
	p.send(0, "1\n")
	p.gather(time.Second)
	return !p.Report("Gather does not return.").Todo
}
