package kit

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock lets a process give up rights for itself and for all that it will ever start, see
// landlock(7). What an answer gives up: to change files, except below some folders; to look
// into and to trace processes outside; and, from Linux 6.12 on, to send them signals.

// landlockVersion is 0 where there is none.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// Confines tells whether this system lets an answer be confined, and whether that keeps
// signals in, too.
func Confines() (files, signals bool) {
	version := landlockVersion()
	return version > 0, version >= 6
}

// changes are all rights to change something in the file system.
const changes = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
	unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
	unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
	unix.LANDLOCK_ACCESS_FS_MAKE_SYM

// startConfined starts a command that may change files only below these folders.
func startConfined(cmd *exec.Cmd, folders []string) error {
	version := landlockVersion()
	if version == 0 {
		return cmd.Start()
	}
	started := make(chan error)
	go func() {
		// The rights are those of a thread, and a new process has those of the thread that has
		// started it. This thread is never unlocked, so it ends with the goroutine: nobody
		// else gets a thread that has no rights.
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// Not the first thread: it stands for the process when somebody sends a signal,
			// and an answer that has no more rights than it may kill it. While it is locked,
			// the next try is in another one.
			defer runtime.UnlockOSThread()
			started <- startConfined(cmd, folders)
			return
		}
		err := confineThread(version, folders)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}

func confineThread(version int, folders []string) error {
	rights := uint64(changes)
	if version >= 2 {
		rights |= unix.LANDLOCK_ACCESS_FS_REFER // to rename from one folder to another
	}
	if version >= 3 {
		rights |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: rights}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_SIGNAL
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_create_ruleset", errno)
	}
	defer unix.Close(int(fd))
	// /proc, for a process's own name; /dev, for /dev/null and for shared memory.
	for _, folder := range append([]string{"/proc", "/dev"}, folders...) {
		if err := allow(int(fd), folder, rights); err != nil {
			return fmt.Errorf("confine to %s: %w", folder, err)
		}
	}
	// Without this, only root may give up rights: a program that is set-user-id could be
	// misled by having fewer than it believes.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return os.NewSyscallError("landlock_restrict_self", errno)
	}
	return nil
}

func allow(ruleset int, folder string, rights uint64) error {
	fd, err := unix.Open(folder, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_add_rule", errno)
	}
	return nil
}
