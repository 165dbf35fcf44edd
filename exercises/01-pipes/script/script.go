// Package script is what the suite, the driver and the stages of exercise 01 say
// to each other. There is nothing in it that an answer needs.
package script

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A Request is what the suite asks the driver to do.
type Request struct {
	Stages  [][]string // argument lists
	In, Out string     // files
	Control string     // the socket at which each stage reports
	Cancel  bool       // instead of all this: end the context of the run
}

// A Report is what the driver says of one run.
type Report struct {
	Todo      bool // the answer is the untouched stub
	Statuses  []int
	Failed    bool   // Run has returned an error
	Error     string // its text
	NotFound  bool   // it is exec.ErrNotFound or fs.ErrNotExist
	Cancelled bool   // it is the cause with which the context was cancelled
	ClosedIn  bool   // Run has closed what is not its own
	ClosedOut bool
}

// A Hello is what a stage says first, and then it waits for its Order.
type Hello struct {
	Stage       int
	Role        string
	PID, Parent int
}

// An Order lets a stage begin, and tells it how to end when it has done its
// work. Nobody else knows that beforehand.
type Order struct {
	Exit   int
	Signal int // if not 0, die of it
}

// The environment of a stage.
const (
	ControlVariable = "STAGE_CONTROL"
	NumberVariable  = "STAGE_NUMBER"
)

// Words returns the words of a text in order, in lower case.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
}

// Ranking lists how often each word occurs, the most frequent first.
func Ranking(words []string) string {
	count := map[string]int{}
	for _, w := range words {
		count[w]++
	}
	sorted := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
	var b strings.Builder
	for _, w := range sorted {
		fmt.Fprintf(&b, "%d %s\n", count[w], w)
	}
	return b.String()
}
