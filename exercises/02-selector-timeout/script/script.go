// Package script is what the suite and the driver of exercise 02 say to each
// other. There is nothing in it that an answer needs.
package script

import "time"

// A Request is what the suite asks the driver to do.
type Request struct {
	Limit time.Duration
	// Count asks for the number of goroutines instead, when it has come down to at
	// most AtMost, or does not come down any more.
	Count  bool
	AtMost int
}

// A Report is what the driver says of one Gather.
type Report struct {
	Todo       bool // the answer is the untouched stub
	Answers    []Answer
	Error      string
	Goroutines int
}

// An Answer is what the driver has got from Gather.
type Answer struct {
	Source int
	Kind   string
	Line   string
}

// SourcesVariable tells the driver how many sources it has. They begin at
// descriptor 4.
const SourcesVariable = "GATHER_SOURCES"
