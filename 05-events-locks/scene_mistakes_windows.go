package main

import (
	"context"
	"fmt"
	"io"
)

func notHere(_ context.Context, out io.Writer) error {
	_, err := fmt.Fprintln(out, "shown on Unix only")
	return err
}

var stale, unlinked, posix, inherited = notHere, notHere, notHere, notHere
