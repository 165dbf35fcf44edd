package kit

import (
	"os"
	"os/exec"
	"path/filepath"
)

// ByHand is for a driver that somebody starts by hand: it builds one of the helper
// programs, hands its path to do, and removes it afterwards.
func ByHand(helper string, do func(path string) error) error {
	dir, err := os.MkdirTemp("", "exercise")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(helper))
	build := exec.Command("go", "build", "-o", path, helper)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	return do(path)
}
