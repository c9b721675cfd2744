/*
 * Included before each source of the prebuilt binaries for glibc. A linker takes the newest version of each symbol, and a
 * library that needs one newer than a machine has doesn't load there at all. These calls got new versions in glibc 2.32
 * to 2.34, only because they moved between libraries: the old ones do the same, and are there in all that Node runs on.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/stat.h>

#if defined(__x86_64__)
#define OLD(symbol) __asm__(".symver " #symbol "," #symbol "@GLIBC_2.2.5")
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define OLD(symbol) __asm__(".symver " #symbol "," #symbol "@GLIBC_2.17")
#define STAT_VERSION 0
#else
#error "which version each symbol had first is known for x64 and arm64 only"
#endif

OLD(dladdr);
OLD(dlopen);
OLD(pthread_attr_setstacksize);
OLD(pthread_create);
OLD(pthread_sigmask);
OLD(sem_destroy);
OLD(sem_init);
OLD(sem_post);
OLD(sem_wait);
OLD(__fxstat);

/* Until 2.33 fstat was no symbol but a macro for this one. With 64-bit off_t as here, the plain call has the wide struct. */
extern int __fxstat(int version, int fd, struct stat *status);
static inline int old_fstat(int fd, struct stat *status) { return __fxstat(STAT_VERSION, fd, status); }
#define fstat old_fstat
