package lock

// Waiting returns how many are in the queue of a lock that was made by this handle.
func Waiting(s *Socket) int {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	return len(s.keeper.queue)
}
