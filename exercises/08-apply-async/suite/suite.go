// Package suite holds the checks of exercise 08, "Thumbnails while you wait". It never
// contains the answer: it starts the driver, which does, and says what becomes of each
// picture that a worker has begun, and when.
package suite

import (
	"fmt"
	"image/color"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"

	"example.com/multiprocessing/exercises/08-apply-async/darkroom"
	"example.com/multiprocessing/exercises/08-apply-async/picture"
	"example.com/multiprocessing/exercises/08-apply-async/script"
	"example.com/multiprocessing/exercises/kit"
)

// Exercise is exercise 08.
var Exercise = kit.Exercise{
	Name:      "08-apply-async",
	Imports:   []string{"example.com/multiprocessing/exercises/08-apply-async/darkroom"},
	Driver:    "./exercises/08-apply-async/driver",
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A lab is the driver's, with a room.
type lab struct {
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	control *kit.Control[script.Hello]
	what    string // has happened so far, for messages
	reports []script.Report
	files   map[int][]byte
	numbers map[string]int // of pictures, by the hashes of their files
	begun   map[int]*kit.Caller[script.Hello]
	want    map[int]string // hashes of the thumbnails
}

// open opens a room with so many workers, and a lab over it.
func open(t *kit.Trial, workers int) *lab {
	l := &lab{
		t: t, control: kit.Listen[script.Hello](t), what: fmt.Sprintf("There is a lab. Workers in its room: %d.", workers),
		files: map[int][]byte{}, numbers: map[string]int{}, begun: map[int]*kit.Caller[script.Hello]{}, want: map[int]string{},
	}
	l.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Lab", "Lab", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.ControlVariable+"="+l.control.Path)
	})
	l.Ask(script.Request{Do: script.Open, Workers: workers})
	return l
}

// happened adds a sentence to what has happened.
func (l *lab) happened(format string, args ...any) { l.what += " " + fmt.Sprintf(format, args...) }

// failf fails, and says what has happened before.
func (l *lab) failf(format string, args ...any) {
	l.t.Failf("%s\n%s", l.what, strings.TrimPrefix(fmt.Sprintf(format, args...), "\n"))
}

// apply calls Apply and wants it to return.
func (l *lab) apply(n int) script.Report { return l.applyFile(n, false) }

func (l *lab) applyFile(n int, broken bool) script.Report {
	l.know(n, broken)
	l.Ask(script.Request{Do: script.Apply, Picture: n, Broken: broken})
	return l.expect(script.Apply, n, fmt.Sprintf("Apply was called with picture %d, and does not return.", n))
}

// know notes which picture that is.
func (l *lab) know(n int, broken bool) {
	file, err := picture.Make(n, script.Width, script.Height)
	if err != nil {
		l.t.Failf("the suite cannot make a picture: %v", err)
	}
	if broken {
		file = file[:len(file)/2]
	}
	l.files[n], l.numbers[darkroom.Hash(file)] = file, n
}

// applyAll calls Apply for pictures 0 to n-1.
func (l *lab) applyAll(n int) {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "%d, ", i)
		if r := l.apply(i); r.Error != "" {
			l.failf("Apply was called with picture %d.\ngot  the error %s\nwant none", i, kit.Quote(r.Error))
		}
	}
	l.happened("Given to Apply were pictures %s.", strings.TrimSuffix(list.String(), ", "))
}

// expect waits for a report about this.
func (l *lab) expect(what string, n int, why string) script.Report {
	return l.first(why, func(r script.Report) bool { return r.What == what && r.Picture == n })
}

// first waits for the first report that is wanted, in the order in which they came.
func (l *lab) first(why string, wanted func(script.Report) bool) script.Report {
	for {
		if i := slices.IndexFunc(l.reports, wanted); i >= 0 {
			r := l.reports[i]
			l.reports = slices.Delete(l.reports, i, i+1)
			return r
		}
		l.reports = append(l.reports, l.Report(l.what+"\n"+strings.TrimPrefix(why, "\n")))
	}
}

// quiet wants no report that nobody has waited for, now that nothing moves.
func (l *lab) quiet(why string) {
	l.Settle()
	for l.Reported() {
		l.reports = append(l.reports, l.Report(""))
	}
	if len(l.reports) > 0 {
		l.failf("%s\ngot  %s", why, describe(l.reports[0]))
	}
}

// begins waits until a worker has begun a picture.
func (l *lab) begins(n int, why string) *kit.Caller[script.Hello] {
	for l.begun[n] == nil {
		caller := kit.Await(l.t, l.Driver, l.control.Arrivals, fmt.Sprintf("%s\nPicture %d is not begun by any worker.", strings.TrimSuffix(l.what+"\n"+why, "\n"), n))
		h := caller.Hello
		if err := caller.Genuine(l.Driver, "a worker", l.t.Driver, h.PID, h.Parent); err != nil {
			l.failf("%v", err)
		}
		l.Driver.Call(h.PID, "a worker")
		number, ok := l.numbers[h.Picture]
		if !ok {
			l.failf("A worker has got a file that was never given to Apply.")
		}
		if l.begun[number] != nil {
			l.failf("got  picture %d is begun for the second time\nwant each to be given to the room once", number)
		}
		l.begun[number] = caller
	}
	return l.begun[n]
}

// finish has the worker finish a picture, with a frame in a colour that nobody can know.
func (l *lab) finish(n int) {
	frame := color.RGBA{uint8(rand.Uint32()), uint8(rand.Uint32()), uint8(rand.Uint32()), 255}
	if thumbnail, err := picture.Thumbnail(l.files[n], frame); err == nil {
		l.want[n] = darkroom.Hash(thumbnail)
	}
	l.begins(n, "").Order(script.Order{Frame: frame})
	l.happened("A worker has finished picture %d.", n)
}

// get asks for Get, in a goroutine of the driver.
func (l *lab) get(n int, ended bool) {
	l.Ask(script.Request{Do: script.Get, Picture: n, Ended: ended})
}

// got waits for Get, and wants the thumbnail.
func (l *lab) got(n int, why string) {
	r := l.expect(script.Get, n, fmt.Sprintf("%s\nGet of picture %d does not return.", why, n))
	l.isThumbnail(r, fmt.Sprintf("%s\nGet of picture %d has returned.", why, n))
}

func (l *lab) isThumbnail(r script.Report, why string) {
	if r.Error != "" || r.Thumbnail != l.want[r.Picture] {
		for n, hash := range l.want {
			if hash == r.Thumbnail {
				l.failf("%s\ngot  the thumbnail of picture %d", why, n)
			}
		}
		l.failf("%s\ngot  %s\nwant the thumbnail that the room has made", why, outcome(r))
	}
}

// on registers callbacks.
func (l *lab) on(n int, then script.Then) {
	l.Ask(script.Request{Do: script.On, Picture: n, Then: then})
	l.expect(script.On, n, fmt.Sprintf("OnDone and OnError of picture %d were called, and one of them does not return.", n))
}

// called waits until a callback is called.
func (l *lab) called(what string, n int, why string) script.Report {
	r := l.expect(what, n, fmt.Sprintf("%s\nThe function that was given to %s of picture %d is not called.", why, names[what], n))
	l.alone(r)
	return r
}

// alone wants no other callback to be at work.
func (l *lab) alone(r script.Report) {
	if r.Running > 1 {
		l.failf("got  the callback of picture %d is called while another one has not returned\nwant one after the other", r.Picture)
	}
}

// done waits until the callback of OnDone is called, and wants it to return.
func (l *lab) done(n int, why string) {
	l.isThumbnail(l.called(script.Done, n, why), fmt.Sprintf("%s\nThe function that was given to OnDone of picture %d is called.", why, n))
	l.left(n)
}

// left waits until a callback is about to return.
func (l *lab) left(n int) {
	l.expect(script.Left, n, "A callback uses the lab, and does not come back.")
}

// close calls Close.
func (l *lab) close() {
	l.Ask(script.Request{Do: script.Close})
	l.expect(script.Close, 0, "Close does not return.")
	l.happened("Close was called.")
}

// join asks for Join, in a goroutine of the driver.
func (l *lab) join() { l.Ask(script.Request{Do: script.Join}) }

// joined waits for Join.
func (l *lab) joined(why string) {
	if r := l.expect(script.Join, 0, why+"\nJoin does not return."); r.Error != "" {
		l.failf("%s\ngot  Join has returned the error %s\nwant nil", why, kit.Quote(r.Error))
	}
}

// end ends the lab, and wants nothing to have happened that nobody has waited for.
func (l *lab) end() {
	l.close()
	l.join()
	l.joined("All results have come, and all callbacks have returned.")
	l.quiet("All has been done.")
	l.Finish()
}

var names = map[string]string{script.Done: "OnDone", script.Failed: "OnError", script.Get: "Get", script.Join: "Join", script.Apply: "Apply"}

func describe(r script.Report) string {
	switch r.What {
	case script.Done, script.Failed:
		return fmt.Sprintf("the function that was given to %s of picture %d is called, with %s", names[r.What], r.Picture, outcome(r))
	case script.Get:
		return fmt.Sprintf("Get of picture %d has returned %s", r.Picture, outcome(r))
	case script.Join:
		return "Join has returned"
	}
	return fmt.Sprintf("%q of picture %d", r.What, r.Picture)
}

func outcome(r script.Report) string {
	switch {
	case r.Error != "":
		return "the error\n" + kit.Quote(r.Error)
	case r.Thumbnail != "":
		return "a thumbnail"
	}
	return "no thumbnail, and no error"
}

// attempted sees whether Apply does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	l := open(t, 1)
	l.know(0, false)
	l.Ask(script.Request{Do: script.Apply})
	return !l.Reacts(l.control.Arrived) || !l.Report("").Todo
}
