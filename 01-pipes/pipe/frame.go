package pipe

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A frame is a message of raw bytes behind its length: four bytes, the most
// significant first, then the bytes themselves. It may hold anything, newlines
// and zeros included, and nobody has to look at its content to find its end.
const headerSize = 4

// The top bit of the length says that an open file travels with the frame, see
// file.go. So a frame can never be longer than 2 GiB.
const (
	withFile     = 1 << 31
	maxFrameSize = withFile - 1
)

// SendFrame sends p as one frame. Empty frames are messages too.
func (c *Conn) SendFrame(p []byte) error {
	if err := c.beginSend("send frame", len(p)); err != nil {
		return err
	}
	defer c.writeMu.Unlock()
	binary.BigEndian.PutUint32(c.header[:], uint32(len(p)))
	return c.finishSend("send frame", c.header[:], p)
}

// SendFrames sends each element of batch as a frame of its own, all with one
// write: for small messages the system call is most of the price.
func (c *Conn) SendFrames(batch [][]byte) error {
	longest := 0
	for _, p := range batch {
		longest = max(longest, len(p))
	}
	if err := c.beginSend("send frames", longest); err != nil {
		return err
	}
	defer c.writeMu.Unlock()
	all := c.scratch[:0]
	for _, p := range batch {
		all = binary.BigEndian.AppendUint32(all, uint32(len(p)))
		all = append(all, p...)
	}
	if cap(all) <= 16*bufferSize { // one huge batch must not stay in memory for ever
		c.scratch = all
	}
	return c.finishSend("send frames", all, nil)
}

// ReceiveFrame waits for one frame and returns its bytes, which are the
// caller's. Errors are those of [Conn.ReceiveLine]; a length beyond the limit
// ([Conn.SetLimit]) is [ErrTooLarge], and no memory is set aside for it.
func (c *Conn) ReceiveFrame() ([]byte, error) { return c.ReceiveFrameInto(nil) }

// ReceiveFrameInto is ReceiveFrame into the memory of buf as far as it reaches,
// like append(buf[:0], …): a stream of large frames then needs no new memory.
// When it fails, buf is the caller's again and holds nothing of use.
func (c *Conn) ReceiveFrameInto(buf []byte) ([]byte, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	frame, file, err := c.nextFrame(buf)
	if err == nil && file {
		// The caller wanted bytes. Keeping the file would leak it.
		c.in.dropFile()
		return nil, fmt.Errorf("pipe: receive frame: an open file came (%q), which is closed now; receive it with ReceiveFile", frame)
	}
	return frame, readError("receive frame", err)
}

// nextFrame reads the frame's length and then the frame. What a time limit
// interrupts stays in c.frame, and the next call goes on from there. The caller
// holds readMu.
func (c *Conn) nextFrame(buf []byte) (frame []byte, file bool, err error) {
	if err := c.canRead(); err != nil && c.frame == nil {
		return nil, false, err
	}
	frame = c.frame
	if frame == nil {
		if err := c.startFrame(); err != nil {
			return nil, false, err
		}
		if c.w-c.r >= c.frameSize { // small frames come by the hundred and lie in the buffer
			frame = append(buf[:0], c.take(c.frameSize)...)
		} else {
			frame = buf[:0]
		}
	}
	for len(frame) < c.frameSize {
		frame, err = c.moreFrame(frame)
		if err != nil {
			// A copy, because buf is the caller's; never nil, because nil means
			// that no frame has begun.
			c.frame = append(make([]byte, 0, len(frame)+1), frame...)
			if err == io.EOF {
				err = fmt.Errorf("%w: the other end went away inside a frame, after %d of %d bytes", io.ErrUnexpectedEOF, len(frame), c.frameSize)
			}
			return nil, false, err
		}
	}
	c.frame = nil
	if frame == nil {
		frame = []byte{} // an empty message is not "no message"
	}
	return frame, c.frameFile, nil
}

// startFrame takes a frame's length off the stream.
func (c *Conn) startFrame() error {
	for c.w-c.r < headerSize {
		c.seen = c.w - c.r
		if c.frameSize >= directSize {
			// Frames come large here. Read the length alone, so that the bytes
			// of the frame go straight to where they belong and not through buf.
			c.fillAtMost = headerSize - (c.w - c.r)
		}
		if err := c.fill(); err == io.EOF && c.w > c.r {
			return fmt.Errorf("%w: the other end went away inside a frame's length", io.ErrUnexpectedEOF)
		} else if err != nil {
			return err
		}
	}
	header := binary.BigEndian.Uint32(c.buf[c.r:])
	// Check before setting memory aside: these four bytes come from outside.
	if size := int(header & maxFrameSize); size > c.maxMessage() {
		return c.condemnRead(tooLarge("a frame", size, c.maxMessage()))
	}
	c.take(headerSize)
	c.frameSize = int(header & maxFrameSize)
	c.frameFile = header&withFile != 0
	return nil
}

const (
	directSize = 16 << 10 // frames from this size on skip the buffer
	growStep   = 1 << 20
)

// moreFrame appends what is there to the frame, and waits if nothing is.
func (c *Conn) moreFrame(frame []byte) ([]byte, error) {
	missing := c.frameSize - len(frame)
	if cap(frame) == len(frame) {
		// The length is a promise, not a fact: memory grows with what has
		// really come, or four hostile bytes would cost 256 MiB.
		grow := min(missing, max(len(frame), growStep))
		frame = append(make([]byte, 0, len(frame)+grow), frame...)
	}
	room := frame[len(frame):min(cap(frame), c.frameSize)]
	if c.r < c.w {
		n := copy(room, c.buf[c.r:c.w])
		c.take(n)
		return frame[:len(frame)+n], nil
	}
	n, err := c.readKernel(room)
	return frame[:len(frame)+n], err
}
