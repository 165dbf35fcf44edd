// Package script is what the suite, the driver and the players of exercise 07 say to each
// other. There is nothing in it that an answer needs.
package script

// A Request is what the suite asks the driver to do: one of these.
type Request struct {
	Players int // call Deal with so many new players, and with …
	Cards   []string
	Chunk   int

	Cancel bool // end its context
	Again  bool // report once more what it has returned
}

// A Report is what the driver says when Deal has returned.
type Report struct {
	Results  []string
	Problems []Problem // the CardErrors
	Error    string    // all of it, and whether it is …
	Todo     bool      // … the answer of the untouched stub,
	Ended    bool      // … or the context's error
}

// A Problem is a [table.CardError].
type Problem struct {
	Card   int
	Own    bool // the card could not be played
	Died   bool // its player died
	Nobody bool // there was nobody left
}

// Hello is what a player says first.
type Hello struct {
	Name        string
	PID, Parent int
}

// An Event: the player has begun a card.
type Event struct {
	Card int
	Hand []int // all of those that it was dealt with it
}

// An Order is what becomes of the card.
type Order struct {
	Result string
	Fail   string // if not empty: it cannot be played
}

const (
	// ControlVariable is the environment variable with the path of the suite's socket.
	ControlVariable = "CARDS_CONTROL"
	// PlayerVariable is the one with the path of the players' program.
	PlayerVariable = "CARDS_PLAYER"
)
