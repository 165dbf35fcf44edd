// Package shm is memory that several processes see at once.
//
// It has no name: it is a file that no directory knows (memfd_create(2); elsewhere a
// temporary file that is unlinked before anybody uses it), mapped by each process with
// mmap(2). Another process gets its descriptor over a socket ([Memory.File],
// pipe.Conn.SendFile), and maps it too. When nobody has it any more, however they ended,
// the kernel gives it back.
//
// What one process writes there the others see without any system call. That is all it
// does: nobody is woken, and nothing says when a change is complete. Package ring adds
// both.
//
// Windows: [errors.ErrUnsupported].
package shm

import (
	"fmt"
	"os"
	"unsafe"
)

// A Memory is a mapping, in this process, of memory that others map too.
type Memory struct {
	file  *os.File
	bytes []byte
}

// New makes memory of this many bytes, all 0. It has its pages when they are first used.
// Close it when this process does not need it any more.
func New(size int) (*Memory, error) {
	if size <= 0 {
		return nil, fmt.Errorf("shm: new: %d bytes", size)
	}
	file, err := create(size)
	if err != nil {
		return nil, fmt.Errorf("shm: new: %w", err)
	}
	return mapped("new", file, size)
}

// Map maps what the file of another process's [Memory] holds. The file belongs to the
// Memory from then on, also if there was an error.
func Map(file *os.File) (*Memory, error) {
	info, err := file.Stat()
	if err == nil {
		// A process that reads a page beyond the end of a mapped file gets SIGBUS, and
		// whoever has the file could make it shorter at any time.
		err = cannotShrink(file)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("shm: map: %w", err)
	}
	return mapped("map", file, int(info.Size()))
}

func mapped(op string, file *os.File, size int) (*Memory, error) {
	b, err := mmap(file, size)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("shm: %s: %w", op, err)
	}
	return &Memory{file, b}, nil
}

// Bytes is the memory. After Close, to touch it is the end of this process (SIGSEGV).
func (m *Memory) Bytes() []byte { return m.bytes }

// File is what another process needs for [Map]. It belongs to the Memory.
func (m *Memory) File() *os.File { return m.file }

// CloseFile closes the descriptor and keeps the mapping, for those who do not pass it on.
func (m *Memory) CloseFile() error { return m.file.Close() }

// Close unmaps the memory. It is not safe beside any other use of it. A second Close does
// nothing.
func (m *Memory) Close() error {
	if m.bytes == nil {
		return nil
	}
	_ = m.file.Close() // it may be closed
	err := munmap(m.bytes)
	m.bytes = nil
	return err
}

// At returns a pointer to a T that lies at this offset. T must have no pointers, since
// an address means nothing in another process; what more than one process writes should
// be of sync/atomic. It panics if the T does not fit in, or would not be aligned to a
// cache line (64 bytes).
func At[T any](m *Memory, offset int) *T {
	var t T
	if offset < 0 || offset%64 != 0 || offset+int(unsafe.Sizeof(t)) > len(m.bytes) {
		panic(fmt.Sprintf("shm: %T at %d in %d bytes", t, offset, len(m.bytes)))
	}
	return (*T)(unsafe.Pointer(&m.bytes[offset]))
}

// Unmap unmaps the memory and returns the file, which belongs to the caller now.
func (m *Memory) Unmap() (*os.File, error) {
	file, err := m.file, munmap(m.bytes)
	m.bytes = nil
	return file, err
}
