//go:build unix && !linux && !darwin

package selector

import (
	"errors"
	"os"
)

func newExited(*os.Process) (exited, error) { return exited{}, errors.ErrUnsupported }
