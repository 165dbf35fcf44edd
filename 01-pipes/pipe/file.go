package pipe

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// SendFile sends an open file: the other process gets a descriptor of its own
// for the same open file, as after dup(2), with the same position in it. It
// works for files that have been unlinked, for pipes and for sockets. The
// caller keeps f and may close it as soon as SendFile has returned.
//
// This is SCM_RIGHTS, see unix(7). Where it does not exist the error is
// [errors.ErrUnsupported]; sending the path does for most purposes.
func (c *Conn) SendFile(f *os.File) error {
	// The descriptor travels beside the bytes, so there must be bytes: a frame
	// that holds the file's name. The top bit of its length announces the file.
	name := []byte(filepath.Base(f.Name()))
	if err := c.beginSend("send file", len(name)); err != nil {
		return err
	}
	defer c.writeMu.Unlock()
	binary.BigEndian.PutUint32(c.header[:], withFile|uint32(len(name)))
	n, err := c.out.writeWithFile([][]byte{c.header[:], name}, f)
	return c.sent("send file", n, err)
}

// ReceiveFile waits for one file sent with [Conn.SendFile]. Close it after use.
// If a frame of bytes comes instead, that is an error, and the frame is gone.
func (c *Conn) ReceiveFile() (*os.File, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	name, file, err := c.nextFrame(nil)
	if err != nil {
		return nil, readError("receive file", err)
	}
	if !file {
		return nil, fmt.Errorf("pipe: receive file: a frame of %d bytes came instead; receive it with ReceiveFrame", len(name))
	}
	f, err := c.in.takeFile(string(name))
	return f, readError("receive file", err)
}
