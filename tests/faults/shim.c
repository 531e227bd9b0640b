/* Stands between a process and libc, and lets the N-th writing call below a folder go wrong. Loaded by LD_PRELOAD.
 *
 * fi_arm(root, n, mode) counts from now on; FI_ROOT, FI_N and FI_MODE in the environment do the same from the start.
 * FI_CLOCK_S moves the wall clock. What fired is written as one line to the file FI_TOLD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { COUNT, KILL, TORN, FULL_ONCE, FULL, EIO_SYNC, SHORT };
enum { MAKES = 1, WRITES = 2, MOVES = 4, SYNCS = 8 };
static char root[4096], told[4096];
static long wanted, seen;
static int mode = -1, full;
static int eligible[] = {15, 15, 15, 7, 7, 8, 2};

void fi_arm(const char *folder, long n, int how) {
    strncpy(root, folder, sizeof root - 1);
    wanted = n, seen = 0, full = 0, mode = how;
}
long fi_seen(void) { return seen; }

__attribute__((constructor)) static void begin(void) {
    if (getenv("FI_TOLD")) strncpy(told, getenv("FI_TOLD"), sizeof told - 1);
    if (getenv("FI_ROOT")) fi_arm(getenv("FI_ROOT"), atol(getenv("FI_N")), atoi(getenv("FI_MODE")));
}

static int below(const char *path) {
    char whole[8192];
    if (mode < 0 || !path) return 0;
    if (path[0] != '/') {
        char here[4096];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    return !strncmp(path, root, strlen(root));
}
static int below_at(int folder, const char *path) {
    char link[64], place[4096];
    if (mode < 0) return 0;
    if (folder == AT_FDCWD || (path && path[0] == '/')) return below(path);
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t n = readlink(link, place, sizeof place - 1);
    if (n < 0) return 0;
    place[n] = 0;
    return below(place);
}
static int open_below(int fd) { return below_at(fd, ""); }

static void die(void) { syscall(SYS_kill, getpid(), SIGKILL); for (;;) pause(); }

/* 0: go on; ENOSPC or EIO: fail so; -1: write half, or do it, and then die; -2: write half and go on */
static int fault(int kind, const char *call, const char *what) {
    if (!(eligible[mode] & kind)) return 0;
    long now = __sync_add_and_fetch(&seen, 1);
    if (full && (kind & (MAKES | WRITES))) return ENOSPC;
    if (now != wanted || mode == COUNT) return 0;
    if (told[0]) {
        int fd = syscall(SYS_openat, AT_FDCWD, told, O_WRONLY | O_CREAT | O_APPEND, 0644);
        char line[4600];
        int n = snprintf(line, sizeof line, "%ld %s %s\n", now, call, what ? what : "");
        syscall(SYS_write, fd, line, n);
        syscall(SYS_close, fd);
    }
    switch (mode) {
    case KILL: die();
    case TORN: return -1;
    case FULL: full = 1; /* fall through */
    case FULL_ONCE: return ENOSPC;
    case EIO_SYNC: return EIO;
    default: return -2;
    }
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define PLAIN(check, kind, name, what, call)                \
    REAL(name);                                             \
    int f = (check) ? fault(kind, #name, what) : 0;         \
    if (f > 0) { errno = f; return -1; }                    \
    __typeof__(call) got = call;                            \
    if (f == -1) die();                                     \
    return got

#define MAKING(flags) ((flags) & (O_CREAT | O_TRUNC))
#define OPEN(name)                                                                        \
    int name(const char *path, int flags, ...) {                                          \
        va_list more; va_start(more, flags); int rights = va_arg(more, int); va_end(more); \
        PLAIN(MAKING(flags) && below(path), MAKES, name, path, real(path, flags, rights)); \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                                                                        \
    int name(int folder, const char *path, int flags, ...) {                                                \
        va_list more; va_start(more, flags); int rights = va_arg(more, int); va_end(more);                   \
        PLAIN(MAKING(flags) && below_at(folder, path), MAKES, name, path, real(folder, path, flags, rights)); \
    }
OPENAT(openat)
OPENAT(openat64)
int creat(const char *path, mode_t rights) { PLAIN(below(path), MAKES, creat, path, real(path, rights)); }
int mkdir(const char *path, mode_t rights) { PLAIN(below(path), MAKES, mkdir, path, real(path, rights)); }
int mkdirat(int d, const char *path, mode_t rights) { PLAIN(below_at(d, path), MAKES, mkdirat, path, real(d, path, rights)); }
int rename(const char *a, const char *b) { PLAIN(below(b), MOVES, rename, b, real(a, b)); }
int renameat(int x, const char *a, int y, const char *b) { PLAIN(below_at(y, b), MOVES, renameat, b, real(x, a, y, b)); }
int link(const char *a, const char *b) { PLAIN(below(b), MAKES, link, b, real(a, b)); }
int linkat(int x, const char *a, int y, const char *b, int how) { PLAIN(below_at(y, b), MAKES, linkat, b, real(x, a, y, b, how)); }
int unlink(const char *path) { PLAIN(below(path), SYNCS * 0 + (mode <= TORN ? MOVES : 0), unlink, path, real(path)); }
int unlinkat(int d, const char *path, int how) { PLAIN(below_at(d, path), mode <= TORN ? MOVES : 0, unlinkat, path, real(d, path, how)); }
int rmdir(const char *path) { PLAIN(below(path), mode <= TORN ? MOVES : 0, rmdir, path, real(path)); }
int ftruncate(int fd, off_t size) { PLAIN(open_below(fd), mode <= TORN ? MOVES : 0, ftruncate, "", real(fd, size)); }
int ftruncate64(int fd, off64_t size) { PLAIN(open_below(fd), mode <= TORN ? MOVES : 0, ftruncate64, "", real(fd, size)); }
int fsync(int fd) { PLAIN(open_below(fd), SYNCS, fsync, "", real(fd)); }
int fdatasync(int fd) { PLAIN(open_below(fd), SYNCS, fdatasync, "", real(fd)); }

#define HALF(n) ((n) > 1 && f < 0 ? (n) / 2 : (n))
#define WRITE(check, name, whole, half)                     \
    REAL(name);                                             \
    int f = (check) ? fault(WRITES, #name, "") : 0;         \
    if (f > 0) { errno = f; return -1; }                    \
    ssize_t got = f < 0 ? half : whole;                     \
    if (f == -1) die();                                     \
    return got

ssize_t write(int fd, const void *b, size_t n) { WRITE(open_below(fd), write, real(fd, b, n), real(fd, b, HALF(n))); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { WRITE(open_below(fd), pwrite, real(fd, b, n, at), real(fd, b, HALF(n), at)); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { WRITE(open_below(fd), pwrite64, real(fd, b, n, at), real(fd, b, HALF(n), at)); }
ssize_t writev(int fd, const struct iovec *v, int n) { WRITE(open_below(fd), writev, real(fd, v, n), real(fd, v, 1)); }

#define FOPEN(name)                                                      \
    FILE *name(const char *path, const char *how) {                      \
        REAL(name);                                                      \
        int mine = below(path) && strpbrk(how, "wa+");                   \
        int f = mine && strpbrk(how, "wa") ? fault(MAKES, #name, path) : 0; \
        if (f > 0) { errno = f; return NULL; }                           \
        FILE *got = real(path, how);                                     \
        if (f == -1) die();                                              \
        if (got && mine) setvbuf(got, NULL, _IONBF, 0); /* each fwrite is a write of its own */ \
        return got;                                                      \
    }
FOPEN(fopen)
FOPEN(fopen64)
size_t fwrite(const void *b, size_t size, size_t n, FILE *file) {
    REAL(fwrite);
    int f = mode >= 0 && fileno(file) > 2 && open_below(fileno(file)) ? fault(WRITES, "fwrite", "") : 0;
    if (f > 0) { errno = f; return 0; }
    size_t got = f < 0 ? real(b, 1, HALF(size * n), file) / (size ? size : 1) : real(b, size, n, file);
    if (f == -1) die();
    return got;
}

static time_t moved(void) { static time_t by; static int read; if (!read) { char *s = getenv("FI_CLOCK_S"); by = s ? atol(s) : 0; read = 1; } return by; }
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += moved();
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec t;
    if (clock_gettime(CLOCK_REALTIME, &t)) return -1;
    now->tv_sec = t.tv_sec, now->tv_usec = t.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *where) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (where) *where = t.tv_sec;
    return t.tv_sec;
}
