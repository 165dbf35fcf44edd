package async

import (
	"context"
	"fmt"
	"iter"

	"example.com/multiprocessing/01-pipes/pipe"
)

// AsCompleted yields the results in the order in which they come, so that whoever is first is
// seen first. When it yields one, Get does not wait. If ctx ends before all have come, the
// last thing that it yields is nil and [pipe.ErrTimeout] or the context's cause.
//
// The idea is that of Python's concurrent.futures.as_completed.
func AsCompleted[Out any](ctx context.Context, results ...*Result[Out]) iter.Seq2[*Result[Out], error] {
	return func(yield func(*Result[Out], error) bool) {
		come := make(chan *Result[Out], len(results)) // there is room for all, so nobody waits
		for _, r := range results {
			r.notify(come)
		}
		for n := range results {
			r, err := next(ctx, come)
			if err != nil {
				yield(nil, fmt.Errorf("async: %d of %d results have not come: %w", len(results)-n, len(results), err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// notify has r sent to the channel when it has ended.
func (r *Result[Out]) notify(come chan<- *Result[Out]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		come <- r
		return
	}
	r.atEnd = append(r.atEnd, func() { come <- r })
	r.fetch()
}

// next waits for one of them. Ready beats expired.
func next[Out any](ctx context.Context, come <-chan *Result[Out]) (*Result[Out], error) {
	select {
	case r := <-come:
		return r, nil
	default:
	}
	select {
	case r := <-come:
		return r, nil
	case <-ctx.Done():
		return nil, pipe.Cause(ctx)
	}
}
