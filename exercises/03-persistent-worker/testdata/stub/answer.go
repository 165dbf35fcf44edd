// Package answer is yours: write New, Ask and Close. The README one folder up
// says what they must do, and go test ./exercises/03-persistent-worker tells
// whether they do.
package answer

import (
	"context"

	"example.com/multiprocessing/exercises/kit"
)

// An Oracle is a program that is kept warm behind one method, Ask. Its fields are
// yours.
type Oracle struct {
}

// New returns an Oracle for the program at this path. It starts nothing yet.
func New(path string, args ...string) *Oracle {
	return &Oracle{}
}

// Ask asks the program one question, and returns its answer.
func (o *Oracle) Ask(ctx context.Context, question string) (string, error) {
	return "", kit.ErrTODO
}

// Close ends the program.
func (o *Oracle) Close() error {
	return kit.ErrTODO
}
