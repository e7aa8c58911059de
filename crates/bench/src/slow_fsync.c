/* Makes fsync and fdatasync of one process slower: a disk that takes PAYOUT_BENCH_FSYNC_US microseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int fd) {
    int (*call)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *us = getenv("PAYOUT_BENCH_FSYNC_US");
    if (us) usleep((useconds_t)atoi(us));
    return call(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
