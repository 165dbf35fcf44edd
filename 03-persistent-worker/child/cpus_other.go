//go:build !linux

package child

import (
	"errors"
	"fmt"
	"runtime"
)

// onCPUs can only start programs on all processors.
func onCPUs(cpus []int, start func() error) error {
	if len(cpus) > 0 {
		return fmt.Errorf("choose the processors of a program on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	return start()
}
