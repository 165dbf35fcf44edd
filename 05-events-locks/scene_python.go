package main

import (
	"context"
	_ "embed"
	"io"

	"example.com/multiprocessing/01-pipes/scene"
)

//go:embed hangs.py
var hangs string

// pythonToo plays the same scene with Python's multiprocessing, if that was asked for.
// It hangs; hangs.py gives up after a second.
func pythonToo(ctx context.Context, out io.Writer, name string) error {
	if !*python {
		return nil
	}
	return scene.Python(ctx, out, hangs, name)
}
