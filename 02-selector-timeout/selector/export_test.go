package selector

// Looks returns how often the kernel was asked.
func (s *Selector[K]) Looks() int64 { return s.looks.Load() }
