package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A parcel is a request to look at some data, which comes in one of three ways.
type parcel struct {
	Text  string // in the message itself
	Frame bool   // as the next frame of the same pipe
	Path  string // in a file
}

const parcelSize = 32 << 20

// path sends 32 MiB in three ways and times each from the first byte to the
// answer. The data is in the page cache either way; only how it gets across
// differs.
func path(_ context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "pipes")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := bytes.Repeat([]byte("0123456789abcde\n"), parcelSize/16)
	file := filepath.Join(dir, "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}

	front, back, err := pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()
	cmd, err := start("measure", back)
	back.Close()
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name   string
		parcel parcel
	}{
		{"as a JSON string", parcel{Text: string(data)}},
		{"as a frame", parcel{Frame: true}},
		{"as a path", parcel{Path: file}},
	} {
		begin := time.Now()
		if err := pipe.Send(front, way.parcel); err != nil {
			return err
		}
		if way.parcel.Frame {
			if err := front.SendFrame(data); err != nil {
				return err
			}
		}
		lines, err := pipe.Receive[int](front)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "32 MiB %-16s %8s   (the child counted %d lines)\n",
			way.name, time.Since(begin).Round(time.Millisecond), lines)
	}
	front.Close()
	return cmd.Wait()
}

// measure counts the lines in what it is sent.
func measure() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		p, err := pipe.Receive[parcel](c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data := []byte(p.Text)
		switch {
		case p.Frame:
			data, err = c.ReceiveFrame()
		case p.Path != "":
			data, err = os.ReadFile(p.Path)
		}
		if err != nil {
			return err
		}
		if err := pipe.Send(c, bytes.Count(data, []byte("\n"))); err != nil {
			return err
		}
	}
}
