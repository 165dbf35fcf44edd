package process

import (
	"errors"
	"fmt"
	"os"
)

// supported says no: a program here inherits handles, and not by number. What is
// left to do is in the README, under Platforms.
func supported() error {
	return fmt.Errorf("a Go function as a process on Windows: %w; Inline runs it in a goroutine", errors.ErrUnsupported)
}

func dieOfSIGTERM() { os.Exit(ExitRefused) }
