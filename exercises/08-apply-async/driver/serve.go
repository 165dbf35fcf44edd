package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/exercises/08-apply-async/answer"
	"example.com/multiprocessing/exercises/08-apply-async/darkroom"
	"example.com/multiprocessing/exercises/08-apply-async/picture"
	"example.com/multiprocessing/exercises/08-apply-async/script"
	"example.com/multiprocessing/exercises/kit"
)

// A session does what the suite asks for.
type session struct {
	suite *pipe.Conn
	room  *darkroom.Room
	lab   *answer.Lab

	mu      sync.Mutex // also of the pipe
	results map[int]*answer.Result
	waiting map[int]chan struct{} // callbacks, by picture
	running atomic.Int64          // callbacks
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	s := &session{suite: suite, results: map[int]*answer.Result{}, waiting: map[int]chan struct{}{}}
	defer func() {
		if s.room != nil {
			s.room.Close()
		}
	}()
	return kit.Serve(suite, s.do)
}

func (s *session) do(request script.Request) (err error) {
	n := request.Picture
	ctx := context.Background()
	if request.Ended {
		ended, end := context.WithCancel(ctx)
		end()
		ctx = ended
	}
	switch request.Do {
	case script.Open:
		if s.room, err = darkroom.Open(request.Workers); err == nil {
			s.lab = answer.New(s.room)
		}
	case script.Apply:
		return s.apply(n, request.Broken)
	case script.Get:
		r := s.result(n)
		go func() {
			thumbnail, err := r.Get(ctx)
			s.report(script.Report{What: script.Get, Picture: n}, thumbnail, err)
		}()
	case script.On:
		s.on(n, request.Then)
		s.report(script.Report{What: script.On, Picture: n}, nil, nil)
	case script.Cancel:
		s.report(script.Report{What: script.Cancel, Picture: n, OK: s.result(n).Cancel()}, nil, nil)
	case script.Close:
		s.lab.Close()
		s.report(script.Report{What: script.Close}, nil, nil)
	case script.Join:
		go func() { s.report(script.Report{What: script.Join}, nil, s.lab.Join(ctx)) }()
	case script.Release:
		close(s.gate(n))
	}
	return err
}

func (s *session) result(n int) *answer.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results[n]
}

// gate is what the callback of a picture waits at.
func (s *session) gate(n int) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[n] == nil {
		s.waiting[n] = make(chan struct{})
	}
	return s.waiting[n]
}

func (s *session) apply(n int, broken bool) error {
	file, err := picture.Make(n, script.Width, script.Height)
	if err != nil {
		return err
	}
	if broken {
		file = file[:len(file)/2]
	}
	r, err := s.lab.Apply(file)
	s.mu.Lock()
	s.results[n] = r
	s.mu.Unlock()
	s.report(script.Report{What: script.Apply, Picture: n}, nil, err)
	return nil
}

func (s *session) on(n int, then script.Then) {
	r := s.result(n)
	r.OnDone(func(thumbnail []byte) { s.callback(script.Done, n, then, thumbnail, nil) })
	r.OnError(func(err error) { s.callback(script.Failed, n, then, nil, err) })
}

func (s *session) callback(what string, n int, then script.Then, thumbnail []byte, err error) {
	running := s.running.Add(1)
	defer s.running.Add(-1)
	s.report(script.Report{What: what, Picture: n, Running: int(running)}, thumbnail, err)
	if then.Wait {
		<-s.gate(n)
	}
	if then.Panic != "" {
		panic(then.Panic)
	}
	if then.Apply {
		if err := s.apply(then.Next, false); err == nil && s.result(then.Next) != nil {
			s.on(then.Next, script.Then{Close: true})
		}
	}
	if then.Close {
		s.lab.Close()
	}
	s.report(script.Report{What: script.Left, Picture: n}, nil, nil)
}

// report sends a report. If the suite is gone, so are we soon.
func (s *session) report(r script.Report, thumbnail []byte, err error) {
	if err != nil {
		r.Error = err.Error()
		r.Todo = errors.Is(err, kit.ErrTODO)
		r.Closed = errors.Is(err, darkroom.ErrClosed)
		r.Canceled = errors.Is(err, darkroom.ErrCanceled)
		r.Ended = errors.Is(err, context.Canceled)
		_, r.Died = errors.AsType[*child.DiedError](err)
	}
	if thumbnail != nil {
		r.Thumbnail = darkroom.Hash(thumbnail)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = pipe.Send(s.suite, r)
}
