// Package script is what the suite, the driver and the guards of exercise 04 say to
// each other. There is nothing in it that an answer needs.
package script

import "time"

// A Request is what the suite asks the driver to do.
type Request struct {
	Names  []string      // call Watch with posts of these names …
	Grace  time.Duration // … and this grace
	Cancel bool          // … or end its context
}

// A Report is what the driver says when Watch has returned.
type Report struct {
	Todo   bool // the answer is the untouched stub
	Failed bool
	Error  string
}

// A Hello is what a guard says first. Then it waits for Orders.
type Hello struct {
	Name        string
	PID, Parent int
	Child       bool // it is a child that a guard has left behind
}

// An Event is what a guard says later.
type Event struct {
	Term  bool // it was told to go
	Alone bool // its lifeline has ended; it ends too
	Done  bool // it has done what the order said
}

// An Order tells a guard what to do, in this order:
type Order struct {
	Lines []string // for stdout
	Flood int      // so many bytes for stdout
	Leave bool     // start a child that stays
	Deaf  bool     // do not hear SIGTERM from now on
	Exit  int      // if not 0: end with this exit status, or with 0 if it is -1
}

// ControlVariable is the environment variable with the path of the suite's socket.
const ControlVariable = "WATCH_CONTROL"
