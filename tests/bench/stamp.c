/* A service that does one thing: it says when it began.
 *
 *     stamp FILE
 *
 * Its first act is to read CLOCK_MONOTONIC; then it appends "pid nanoseconds\n" to FILE in one
 * write and waits for a signal. What lies between a death and this stamp is the supervisor's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (argc < 2) return 2;
    char line[64];
    const int length = snprintf(line, sizeof line, "%d %lld\n", (int)getpid(),
                                now.tv_sec * 1000000000LL + now.tv_nsec);
    const int fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, line, (size_t)length) != length) return 1;
    close(fd);
    for (;;)
        pause();
}
