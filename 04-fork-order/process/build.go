package process

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// image returns the path of the program that is to be started.
//
// (A variable, so that a test can put another build in its place.)
var image = func() string { return executable }

// It is found when the program starts: a relative path means something else after os.Chdir.
var executable, errExecutable = ownFile()

const theVeryFile = "/proc/self/exe"

// ownFile returns the path of the program that runs.
//
// On Linux /proc/self/exe is the very file that this process was made of, also
// when another one stands in its place meanwhile or nothing does, see proc(5). It
// is read by the new process, between its birth and the start of its program, and
// means the same there. (So nobody asks for the path there, which would take a hundredth of
// what it takes to start a process.) Elsewhere there is only the path.
func ownFile() (string, error) {
	if runtime.GOOS == "linux" {
		return theVeryFile, nil
	}
	return os.Executable()
}

// buildID says which build of the program this is, so that two of them do not talk
// past each other: the identifier that the Go linker writes into every program
// (go tool buildid), or where that is missing the file's size and time.
//
// It is not asked where the kernel has started the very file that runs: to open that
// would be a twentieth of what it takes to start a process.
var buildID = sync.OnceValues(func() (string, error) {
	if errExecutable != nil {
		return "", errExecutable
	}
	file, err := os.Open(executable)
	if err != nil {
		return "", fmt.Errorf("read the program's own file: %w", err)
	}
	defer file.Close()
	// It stands near the beginning: in the first page, unless the system's linker
	// has put something before it.
	for _, size := range []int64{4 << 10, 32 << 10} {
		head, err := io.ReadAll(io.NewSectionReader(file, 0, size))
		if err != nil {
			return "", fmt.Errorf("read the program's own file: %w", err)
		}
		if id := findBuildID(head); id != "" {
			return id, nil
		}
	}
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes of %v", info.Size(), info.ModTime().UnixNano()), nil
})

func findBuildID(head []byte) string {
	// In ELF it is a note, see elf(5): the length of the owner's name, that of the
	// content, the type, the name "Go", the content.
	if _, after, ok := bytes.Cut(head, []byte("\x04\x00\x00\x00Go\x00\x00")); ok && bytes.HasPrefix(head, []byte("\x7fELF")) {
		at := len(head) - len(after)
		size := int(binary.NativeEndian.Uint32(head[at-12:]))
		if size > 0 && size <= len(after) {
			return string(after[:size])
		}
	}
	// In Mach-O it stands before the code.
	if _, after, ok := bytes.Cut(head, []byte("\xff Go build ID: \"")); ok {
		if id, _, ok := bytes.Cut(after, []byte("\"\n \xff")); ok {
			return string(id)
		}
	}
	return ""
}
