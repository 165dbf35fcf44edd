// Package script is what the suite and the driver of exercise 05 say to each other.
// There is nothing in it that an answer needs.
package script

// A Request is what the suite asks a teller to do: one of these.
type Request struct {
	From, To string // call Transfer, …
	Amount   int
	Go       bool   // … let Approve or Wrote return, …
	Refuse   string // … let Approve return this error, …
	Cancel   bool   // … or end the context
}

// A Report is what a teller says.
type Report struct {
	What     string // "approve", "wrote" or "done"
	From, To int    // approve: the balances that it was asked with
	Account  string // wrote
	Error    string // done: what Transfer has returned, and whether it is …
	Todo     bool   // … the answer of the untouched stub,
	Poor     bool   // … ErrPoor,
	Ended    bool   // … the context's error,
	Refused  bool   // … or that of Approve
}

// BankVariable is the environment variable with the bank's directory.
const BankVariable = "BANK_DIR"
