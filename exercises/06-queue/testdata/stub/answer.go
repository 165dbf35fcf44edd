// Package answer is yours: write Put, Take, Ack and Nack. The README one folder up says
// what they must do, and go test ./exercises/06-queue tells whether they do it.
package answer

import (
	"context"
	"io"

	"example.com/multiprocessing/exercises/kit"
)

// A Maildir is a queue that is nothing but a directory, with three more in it: tmp, new
// and cur. They are there already. Many processes put and take at the same time.
type Maildir struct {
	Dir string
}

// An Item is what Take has taken.
type Item struct {
	Data []byte
	// What else do you need?
}

// Put puts what comes from data into the queue, as one item.
func (m Maildir) Put(data io.Reader) error {
	return kit.ErrTODO
}

// Take takes the first item, and waits as long as there is none.
func (m Maildir) Take(ctx context.Context) (*Item, error) {
	return nil, kit.ErrTODO
}

// Ack says that the work is done: the item is gone.
func (i *Item) Ack() error {
	return kit.ErrTODO
}

// Nack gives the item back.
func (i *Item) Nack() error {
	return kit.ErrTODO
}
