package suite

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"example.com/multiprocessing/exercises/08-apply-async/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "at-once", Part: kit.Core, Points: 15, Run: atOnce, Hint: "1",
		Says: "`Apply` returns at once, however long the picture takes. All workers are at work at the same time.",
	},
	{
		Name: "get", Part: kit.Core, Points: 15, Run: get, Hint: "1",
		Says: "`Get` waits for the thumbnail of this picture, whoever is done first. It may be called by many, and again and again, and returns the same each time. If `ctx` ends before, it returns the context's error, and a later `Get` has the thumbnail all the same. A thumbnail that is there is returned even if `ctx` has ended.",
	},
	{
		Name: "callbacks", Part: kit.Core, Points: 15, Run: callbacks, Hint: "2",
		Says: "A function that was given to `OnDone` is called with the thumbnail, exactly once, also if that is there already. All callbacks of a lab are called one after the other, in the order in which the results came. One that takes long keeps only other callbacks waiting.",
	},
	{
		Name: "join", Part: kit.Core, Points: 15, Run: join, Hint: "2",
		Says: "After `Close`, `Apply` returns `darkroom.ErrClosed`. `Join` waits until `Close` was called, all results have come and all callbacks have returned, and returns nil. If `ctx` ends before, it returns the context's error.",
	},
	{
		Name: "errors", Part: kit.Robust, Points: 10, Run: pictureErrors, Hint: "2",
		Says: "If there is no thumbnail, because the file is no picture or because the worker has died, `Get` returns the error of the room, and `OnError` calls its function with it, and `OnDone` does not. It costs no other picture anything, and `Join` returns nil.",
	},
	{
		Name: "panics", Part: kit.Robust, Points: 10, Run: panics, Hint: "3",
		Says: "A callback that panics costs nobody anything: the next ones are called, and `Join` returns an error whose text has the value of the panic in it.",
	},
	{
		Name: "from-callback", Part: kit.Robust, Points: 10, Run: fromCallback, Hint: "3",
		Says: "A callback may use the lab: it may call `Apply`, `OnDone`, `OnError` and `Close`. `Join` waits for what comes of it.",
	},
	{
		Name: "cancel", Part: kit.Hard, Points: 10, Run: cancel, Hint: "3",
		Says: "`Cancel` takes a picture back that nobody has begun, and returns true. Nobody begins it then, and its error is `darkroom.ErrCanceled`, for `Get` and `OnError`. In all other cases `Cancel` returns false and changes nothing.",
	},
}

func atOnce(t *kit.Trial) {
	l := open(t, 3)
	l.applyAll(5)
	for n := range 3 {
		l.begins(n, "There are three workers.")
	}
	l.quiet("Three pictures are begun.")
	for n := range 5 {
		l.begins(n, "")
		l.finish(n)
	}
	l.end()
}

func get(t *kit.Trial) {
	l := open(t, 2)
	l.applyAll(2)
	l.begins(0, "")
	l.begins(1, "")
	for _, n := range []int{0, 0, 1} {
		l.get(n, false)
	}
	l.happened("Get was called for both, twice for picture 0.")
	l.quiet("No picture is done.")
	l.finish(1)
	l.got(1, "")
	l.quiet("Picture 0 is not done.")
	l.get(0, true)
	if r := l.expect(script.Get, 0, "Get of picture 0 was called with a context that has ended, and does not return."); !r.Ended {
		l.failf("Get of picture 0 was called with a context that has ended.\ngot  %s\nwant context.Canceled: errors.Is(err, ctx.Err())", outcome(r))
	}
	l.finish(0)
	for range 2 {
		l.got(0, "Get was called twice before.")
	}
	l.get(0, false)
	l.got(0, "Get was called again.")
	// A select takes any of the cases that are ready. Twenty times it is not the right one by
	// chance.
	for range 20 {
		l.get(1, true)
		l.got(1, "The thumbnail is there, and Get was called with a context that has ended.")
	}
	l.end()
}

func callbacks(t *kit.Trial) {
	l := open(t, 3)
	l.applyAll(4)
	l.on(0, script.Then{Wait: true})
	for n := 1; n < 4; n++ {
		l.on(n, script.Then{})
	}
	l.happened("All have callbacks.")
	for n := range 3 {
		l.begins(n, "There are three workers.")
	}
	l.quiet("No picture is done.")
	l.finish(0)
	l.isThumbnail(l.called(script.Done, 0, ""), "The function that was given to OnDone of picture 0 is called.")
	l.happened("Its callback takes long.")
	// When Get has returned, the result has come; so the order is known.
	for _, n := range []int{2, 1, 3} {
		l.finish(n)
		l.get(n, false)
		l.got(n, "")
	}
	l.quiet("The callback of picture 0 has not returned.")
	l.Ask(script.Request{Do: script.Release, Picture: 0})
	l.left(0)
	l.happened("The callback of picture 0 has returned.")
	for _, n := range []int{2, 1, 3} {
		r := l.first("The next callback is not called.", func(r script.Report) bool { return r.What == script.Done })
		l.alone(r)
		if r.Picture != n {
			l.failf("got  the callback of picture %d is called\nwant that of picture %d: in the order in which the results came", r.Picture, n)
		}
		l.isThumbnail(r, fmt.Sprintf("The function that was given to OnDone of picture %d is called.", n))
		l.left(n)
	}
	l.on(1, script.Then{})
	l.done(1, "Picture 1 has got one more callback, after its thumbnail was there.")
	l.end()
}

func join(t *kit.Trial) {
	l := open(t, 1)
	l.applyAll(1)
	l.join()
	l.happened("Join was called.")
	l.finish(0)
	l.quiet("Close was not called.")
	l.apply(1)
	l.on(1, script.Then{Wait: true})
	l.begins(1, "Picture 1 was given to Apply.")
	l.close()
	if r := l.apply(9); !r.Closed {
		l.failf("Apply was called with one more picture.\ngot  %s\nwant darkroom.ErrClosed", outcome(r))
	}
	l.quiet("Picture 1 is not done.")
	l.Ask(script.Request{Do: script.Join, Ended: true})
	if r := l.expect(script.Join, 0, "Join was called with a context that has ended, and does not return."); !r.Ended {
		l.failf("Join was called with a context that has ended, while picture 1 is not done.\ngot  %s\nwant context.Canceled: errors.Is(err, ctx.Err())", outcome(r))
	}
	l.finish(1)
	l.called(script.Done, 1, "")
	l.get(1, false)
	l.got(1, "")
	l.happened("Its callback takes long.")
	l.quiet("The callback of picture 1 has not returned.")
	l.Ask(script.Request{Do: script.Release, Picture: 1})
	l.left(1)
	l.joined("All results have come, and all callbacks have returned.")
	l.end() // which calls both again
}

func pictureErrors(t *kit.Trial) {
	l := open(t, 2)
	if r := l.applyFile(0, true); r.Error != "" {
		l.failf("Apply was called with half of a file.\ngot  the error %s\nwant none: that it is no picture, the worker finds out", kit.Quote(r.Error))
	}
	l.apply(1)
	l.apply(2)
	l.happened("Apply was called with half of a file, as picture 0, and with pictures 1 and 2.")
	for n := range 3 {
		l.on(n, script.Then{})
	}
	l.begins(0, "")
	l.begins(1, "")
	l.finish(0)
	r := l.called(script.Failed, 0, "")
	l.left(0)
	if !strings.Contains(r.Error, "picture: ") {
		l.failf("OnError was told of picture 0.\ngot  %s\nwant the error of the room", outcome(r))
	}
	l.quiet("Picture 0 has failed, and OnError has been told.")
	l.get(0, false)
	if got := l.expect(script.Get, 0, "Get of picture 0 does not return."); got.Error != r.Error {
		l.failf("OnError was told that picture 0 has failed; then Get was called.\ngot  %s\nwant the same error", outcome(got))
	}
	l.begins(2, "")
	kit.Kill(l.begun[1].Hello.PID)
	l.happened("The worker that was at picture 1 is killed.")
	if r := l.called(script.Failed, 1, ""); !r.Died {
		l.failf("OnError was told of picture 1.\ngot  %s\nwant the error of the room, which has a *child.DiedError in it", outcome(r))
	}
	l.left(1)
	l.get(1, false)
	if r := l.expect(script.Get, 1, "Get of picture 1 does not return."); !r.Died {
		l.failf("Get of picture 1 has returned.\ngot  %s\nwant the error of the room, which has a *child.DiedError in it", outcome(r))
	}
	l.finish(2)
	l.done(2, "")
	l.end()
}

func panics(t *kit.Trial) {
	l := open(t, 1)
	l.applyAll(3)
	value := fmt.Sprintf("the shelf has fallen down at %d", rand.Int64N(1e15)+1e15)
	l.on(0, script.Then{Panic: value})
	l.on(1, script.Then{})
	l.on(2, script.Then{Panic: "and the other one too"})
	l.finish(0)
	l.called(script.Done, 0, "")
	l.happened("Its callback has panicked.")
	l.finish(1)
	l.done(1, "")
	l.finish(2)
	l.called(script.Done, 2, "")
	l.happened("Its callback has panicked, too.")
	l.close()
	l.join()
	r := l.expect(script.Join, 0, "Join does not return.")
	if !strings.Contains(r.Error, value) || !strings.Contains(r.Error, "and the other one too") {
		l.failf("Join has returned.\ngot  %s\nwant an error that has the values of both panics in it", outcome(r))
	}
	l.quiet("All has been done.")
	l.Finish()
}

func fromCallback(t *kit.Trial) {
	l := open(t, 1)
	l.applyAll(1)
	l.know(5, false)
	l.on(0, script.Then{Apply: true, Next: 5})
	l.join()
	l.happened("Its callback will give picture 5 to Apply, and the callback of that one will call Close. Join was called.")
	l.finish(0)
	l.called(script.Done, 0, "")
	if r := l.expect(script.Apply, 5, "The callback of picture 0 has called Apply, which does not return."); r.Error != "" {
		l.failf("The callback of picture 0 has called Apply.\ngot  the error %s\nwant none", kit.Quote(r.Error))
	}
	l.left(0)
	l.begins(5, "")
	l.quiet("Picture 5 is not done.")
	l.finish(5)
	l.done(5, "")
	l.joined("The callback of picture 5 has called Close.")
	if r := l.apply(6); !r.Closed {
		l.failf("A callback has called Close; then Apply was called.\ngot  %s\nwant darkroom.ErrClosed", outcome(r))
	}
	l.end()
}

func cancel(t *kit.Trial) {
	l := open(t, 1)
	l.applyAll(4)
	for n := range 3 {
		l.on(n, script.Then{})
	}
	l.begins(0, "There is one worker.")
	l.get(1, false)
	l.Settle()
	l.happened("One worker is at picture 0. Get waits for picture 1.")
	l.cancel(1, true, "nobody has begun it")
	if r := l.expect(script.Get, 1, "Get of picture 1 does not return."); !r.Canceled {
		l.failf("Get of picture 1 has returned.\ngot  %s\nwant darkroom.ErrCanceled", outcome(r))
	}
	if r := l.called(script.Failed, 1, ""); !r.Canceled {
		l.failf("OnError was told of picture 1.\ngot  %s\nwant darkroom.ErrCanceled", outcome(r))
	}
	l.left(1)
	l.cancel(1, false, "it was taken back before")
	l.cancel(0, false, "a worker is at it")
	l.finish(0)
	l.done(0, "")
	l.cancel(0, false, "it is done")
	l.get(0, false)
	l.got(0, "")
	l.begins(2, "Picture 1 was taken back.")
	l.close()
	l.join()
	l.happened("Join was called.")
	l.cancel(3, true, "nobody has begun it")
	l.quiet("Picture 2 is not done.")
	l.finish(2)
	l.done(2, "")
	l.joined("Picture 3 was taken back, and all others are done.")
	if l.begun[1] != nil || l.begun[3] != nil {
		l.failf("got  a picture is begun that was taken back")
	}
	l.end()
}

// cancel calls Cancel.
func (l *lab) cancel(n int, want bool, why string) {
	l.Ask(script.Request{Do: script.Cancel, Picture: n})
	r := l.expect(script.Cancel, n, fmt.Sprintf("Cancel of picture %d was called, and does not return.", n))
	if r.OK != want {
		l.failf("Cancel of picture %d was called.\ngot  %v\nwant %v: %s", n, r.OK, want, why)
	}
	if want {
		l.happened("Picture %d is taken back.", n)
	}
}
