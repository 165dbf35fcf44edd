//go:build unix && !linux

package shm

import "os"

func create(size int) (*os.File, error) {
	file, err := os.CreateTemp("", "mp-go-shm-*")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		err = file.Truncate(int64(size))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// cannotShrink: this system has no seals. Only this user's processes have the file.
func cannotShrink(*os.File) error { return nil }
