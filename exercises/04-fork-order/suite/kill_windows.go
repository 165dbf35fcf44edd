package suite

func kill(int) {} // the exercise needs Unix
