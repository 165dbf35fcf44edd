//go:build unix

package kit

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// stampOf is different after anything was done to a file, also if all was put back: nobody can
// choose the time of the last change of status (ctime, see inode(7)). It is empty for none.
func stampOf(file string) string {
	var s unix.Stat_t
	if unix.Lstat(file, &s) != nil {
		return ""
	}
	return fmt.Sprint(s.Dev, s.Ino, s.Mode, s.Nlink, s.Size, s.Ctim)
}
