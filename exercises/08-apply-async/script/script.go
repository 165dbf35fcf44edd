// Package script is what the suite, the driver and the workers of exercise 08 say to each
// other. There is nothing in it that an answer needs.
package script

import "image/color"

// A Request is what the suite asks the driver to do: one of these, with a picture.
type Request struct {
	Do      string // one of the constants below
	Picture int
	Broken  bool // Apply: half of a file
	Workers int  // Open
	Ended   bool // Get, Join: with a context that has ended
	Then    Then // On
}

// What a Request may ask for, and a Report may be about.
const (
	Open    = "open"    // a room with workers, and a lab over it
	Apply   = "apply"   // call Apply
	Get     = "get"     // call Get, in a goroutine
	On      = "on"      // call OnDone and OnError
	Cancel  = "cancel"  // call Cancel
	Close   = "close"   // call Close
	Join    = "join"    // call Join, in a goroutine
	Release = "release" // let the callback of a picture go on, see Then

	Done   = "done"   // the callback that was given to OnDone is called,
	Failed = "failed" // that to OnError,
	Left   = "left"   // it is about to return
)

// Then is what a callback does.
type Then struct {
	Wait  bool   // for Release
	Panic string // with this
	Apply bool   // another picture, Next, with callbacks of its own, which …
	Next  int
	Close bool // … close the lab
}

// A Report is what the driver says.
type Report struct {
	What      string // as in Request.Do, or Done, Failed or Left
	Picture   int
	Thumbnail string // its hash, empty: none
	OK        bool   // Cancel
	Error     string // what has come instead, and whether it is …
	Todo      bool   // … the answer of the untouched stub,
	Closed    bool   // … darkroom.ErrClosed,
	Canceled  bool   // … darkroom.ErrCanceled,
	Ended     bool   // … the context's error,
	Died      bool   // … the death of a worker
	Running   int    // Done, Failed: how many callbacks have been called and have not returned, with this one
}

// Hello is what a worker says when it begins a picture.
type Hello struct {
	PID, Parent int
	Picture     string // its hash
}

// An Order is what becomes of the picture.
type Order struct {
	Frame color.RGBA
	Fail  string
}

// ControlVariable is the environment variable with the path of the suite's socket.
const ControlVariable = "DARKROOM_CONTROL"

// Width and Height are the suite's pictures' in pixels.
const Width, Height = 120, 80
