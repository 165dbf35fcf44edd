// Package script is what the suite and the driver of exercise 06 say to each other.
// There is nothing in it that an answer needs.
package script

// A Request is what the suite asks a worker to do: one of these.
type Request struct {
	Put  bool   // call Put, …
	Data []byte // … let its data.Read return these bytes, …
	End  bool   // … or io.EOF, …
	Fail string // … or this error;

	Take   bool // call Take, …
	Cancel bool // … and end its context;

	Ack, Nack bool // call this on the item that Take has returned last
}

// A Report is what a worker says.
type Report struct {
	What  string // "read": data.Read was called; "done": what was asked for has returned
	Data  []byte // of the item
	Error string // what was returned, and whether it is …
	Todo  bool   // … the answer of the untouched stub,
	Ended bool   // … the context's error,
	Own   bool   // … or that of Read
}

// DirVariable is the environment variable with the queue's directory.
const DirVariable = "MAILDIR"
