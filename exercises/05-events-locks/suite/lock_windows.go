package suite

import (
	"errors"
	"os"
)

// The exercise needs Unix.

func kill(int) {}

func take(string, string) (*os.File, error) { return nil, errors.ErrUnsupported }
