/* A ring of 8 frames between two processes, as package ring has it: what the machine can
   do. Sends a number of frames of one size and prints the seconds. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 8 };

struct ring {
	_Alignas(64) atomic_ullong tail;
	_Alignas(64) atomic_ullong head;
	_Alignas(64) atomic_int reader_sleeps;
	_Alignas(64) atomic_int writer_sleeps;
	_Alignas(64) char data[];
};

static void sleep_on(int fd) { uint64_t n; if (read(fd, &n, 8) != 8) exit(1); }

static void wake(int fd, atomic_int *asleep) {
	uint64_t one = 1;
	if (*asleep && atomic_exchange(asleep, 0) && write(fd, &one, 8) != 8) exit(1);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	size_t size = strtoul(argv[1], 0, 10);
	long times = atol(argv[2]);
	struct ring *r = mmap(0, sizeof *r + SLOTS * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int data = eventfd(0, 0), room = eventfd(0, 0);
	char *buf = malloc(size);
	if (r == MAP_FAILED || !buf) return 1;
	memset(buf, 1, size);
	double start = now();
	if (!fork()) {
		for (long i = 0; i < times; i++) {
			while (r->tail - r->head == SLOTS) {
				r->writer_sleeps = 1;
				if (r->tail - r->head == SLOTS) sleep_on(room);
			}
			memcpy(r->data + r->tail % SLOTS * size, buf, size);
			r->tail++;
			wake(data, &r->reader_sleeps);
		}
		_exit(0);
	}
	for (long i = 0; i < times; i++) {
		while (r->tail == r->head) {
			r->reader_sleeps = 1;
			if (r->tail == r->head) sleep_on(data);
		}
		memcpy(buf, r->data + r->head % SLOTS * size, size);
		r->head++;
		wake(room, &r->writer_sleeps);
	}
	printf("%f\n", now() - start);
	wait(0);
}
