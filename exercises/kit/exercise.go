package kit

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// An Exercise is what there is to know about one to mark answers to it.
type Exercise struct {
	Name    string   // its folder below exercises
	Imports []string // the lessons' packages that an answer may import, beside the standard library
	Driver  string   // package of the driver, "./exercises/NN-name/driver"
	Helpers []string // further programs to build, which do not contain the answer
	Checks  []Check

	// Attempted reports whether there is an answer at all; it fails the trial
	// if it cannot find out.
	Attempted func(t *Trial) bool

	// Needs names a system on which the exercise works: "unix" or "".
	Needs string
}

// A Part of the points.
type Part string

// Core is reachable by everyone in the time that the exercise names. Robust is
// for answers that survive bad days, Hard for those who want more.
const (
	Core   Part = "core"
	Robust Part = "robust"
	Hard   Part = "hard"
)

// A Check is one thing that an answer must do.
type Check struct {
	Name   string // of the subtest
	Part   Part
	Points int
	Says   string // the sentence of the exercise's README that it checks, literally
	Hint   string // which hint of the README helps
	Run    func(t *Trial)
}

// Points returns the number of points there are in a part, or in all if part is
// empty.
func (e Exercise) Points(part Part) int {
	sum := 0
	for _, c := range e.Checks {
		if part == "" || part == c.Part {
			sum += c.Points
		}
	}
	return sum
}

// A Verdict is what a check has found.
type Verdict struct {
	Check   Check
	Passed  bool
	Message string // why not
}

// A Trial is one check of one answer. Its methods are for the goroutine that
// the check runs on.
type Trial struct {
	Driver  string            // the driver's executable, with the answer in it
	Helper  map[string]string // package → executable
	Dir     string            // a directory of its own, removed afterwards
	Files   *os.Root          // the same, for all that the check does there
	confine []string          // see Marking.Confine
	verdict *Verdict
	cleanup []func()
}

// Failf ends the trial: the answer has failed. The message says what was wanted,
// what happened, in which process, and what to look at.
func (t *Trial) Failf(format string, args ...any) {
	t.verdict.Passed = false
	t.verdict.Message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// Cleanup calls f when the trial is over, last registered first.
func (t *Trial) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }

// try runs one check and returns its verdict, also if the check itself panics:
// a broken check must not pass anybody.
func (t *Trial) try(c Check) (v Verdict) {
	t.verdict = &Verdict{Check: c, Message: "the check ended early, which is the kit's fault"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				t.verdict.Passed, t.verdict.Message = false, fmt.Sprintf("the check panicked, which is the kit's fault: %v", r)
			}
		}()
		defer func() {
			for len(t.cleanup) > 0 {
				last := len(t.cleanup) - 1
				f := t.cleanup[last]
				t.cleanup = t.cleanup[:last]
				f()
			}
		}()
		c.Run(t)
		t.verdict.Passed, t.verdict.Message = true, ""
	}()
	<-done
	return *t.verdict
}

// Text is the verdict for a person, empty if the check was passed.
func (v Verdict) Text() string {
	if v.Passed {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", v.Message)
	if v.Check.Says != "" {
		fmt.Fprintf(&b, "The exercise says: %q\n", v.Check.Says)
	}
	if v.Check.Hint != "" {
		fmt.Fprintf(&b, "Hint %s of the exercise's README may help.\n", v.Check.Hint)
	}
	return b.String()
}

// Quote makes what an answer has printed harmless and recognisable: each line
// behind a bar, control characters visible, not more than a page of it.
func Quote(output string) string {
	const most = 40
	output = strings.TrimRight(output, "\n")
	if output == "" {
		return "    | (nothing)"
	}
	lines := strings.Split(output, "\n")
	if len(lines) > most {
		rest := len(lines) - most
		lines = append(lines[:most:most], fmt.Sprintf("… and %d more lines", rest))
	}
	for i, line := range lines {
		if len(line) > 200 {
			line = line[:200] + "…"
		}
		quoted := fmt.Sprintf("%q", line)
		lines[i] = "    | " + strings.ReplaceAll(strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`), `\t`, "\t")
	}
	return strings.Join(lines, "\n")
}
