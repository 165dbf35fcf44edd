// Package script is what the suite, the driver and the oracle of exercise 03 say
// to each other. There is nothing in it that an answer needs.
package script

// A Request is what the suite asks the driver to do.
type Request struct {
	ID       int    // of this Ask, for its report
	Question string // ask this …
	Cancel   bool   // … or end the context of the Ask with this ID …
	Close    bool   // … or close the Oracle
}

// A Report is what the driver says of one Ask, or of Close (then ID is -1).
type Report struct {
	ID        int
	Todo      bool // the answer is the untouched stub
	Answer    string
	Failed    bool
	Error     string
	Cancelled bool // the error is the cause with which the context was cancelled
}

// A Hello is what an oracle says first, and then it waits for an Order: its start
// takes as long as the suite wants.
type Hello struct{ PID, Parent int }

// An Event is what an oracle says later.
type Event struct {
	Question string // it has read this, and waits for an Order
	More     bool   // it was asked to Peek, and there is more input
	EOF      bool   // its input has ended; it ends too, unless it was told to stay
}

// An Order tells the oracle what to do. In this order:
type Order struct {
	Peek   bool     // say whether there is more input, and wait for another order
	Noise  []string // lines for stdout
	Stderr string   // for stderr …
	Flood  int      // … and this many bytes
	Answer string   // if not empty, the answer
	Leave  bool     // leave a child behind that has stdout and stderr open
	Exit   int      // if not 0: end with this exit status, or with 0 if it is -1
	Stay   bool     // from now on: stay when the input ends, and at SIGTERM
}

// The environment of an oracle.
const ControlVariable = "ORACLE_CONTROL"
