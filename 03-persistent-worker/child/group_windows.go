package child

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// A group is only the program itself here. (Windows has job objects instead of
// process groups.) It learns of our end by the end of its input.
type group struct{}

func (group) lifeline(*Child) (*os.File, error) { return nil, nil }

// prepare keeps Ctrl-C from the program: the parent decides when it goes.
func (group) prepare(c *Child) error {
	attr := &syscall.SysProcAttr{}
	if c.cmd.SysProcAttr != nil {
		*attr = *c.cmd.SysProcAttr
	}
	attr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	c.cmd.SysProcAttr = attr
	return nil
}

func tiedToThread(*syscall.SysProcAttr) bool { return false }

func (group) started(*Child)    {}
func (group) closeTheirs()      {}
func (group) end()              {}
func (group) outOfMemory() bool { return false }

func (group) kill(p *os.Process) {
	if p != nil {
		_ = p.Kill()
	}
}

// terminate does nothing: there is no polite signal. The end of the input is one.
func (group) terminate(*os.Process) {}

// WatchLifeline returns [ErrNotWatched]: there is no lifeline here.
func WatchLifeline() error { return ErrNotWatched }

func maxRSS(any) int64 { return 0 }
