/* The lower bound of restarting anything: a bare loop of vfork, exec, kill and wait.
 *
 *     floor COUNT STAMP FIFO
 *
 * Prints, one per line, the nanoseconds from each death to the next process's first instruction,
 * as STAMP (stamp.c) writes it to FIFO, which is made here. It waits by a blocking read, as a loop
 * that looked again and again would take a processor away from what is measured.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* One stamp is one write, and there is never more than one in the FIFO. */
static long long next_stamp(int fifo)
{
    char line[64];
    int pid = 0;
    long long at = 0;
    const ssize_t length = read(fifo, line, sizeof line - 1);
    if (length <= 0) exit(1);
    line[length] = '\0';
    if (sscanf(line, "%d %lld\n", &pid, &at) != 2) exit(1);
    return at;
}

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    unlink(argv[3]);
    if (mkfifo(argv[3], 0600) != 0) return 1;
    const int fifo = open(argv[3], O_RDWR | O_CLOEXEC);
    if (fifo < 0) return 1;
    long long died = 0;
    for (long left = strtol(argv[1], NULL, 10); left >= 0; --left) {
        const pid_t child = vfork();
        if (child == 0) {
            execl(argv[2], argv[2], argv[3], (char*)NULL);
            _exit(127);
        }
        const long long began = next_stamp(fifo);
        if (died != 0) printf("%lld\n", began - died);
        died = now();
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    unlink(argv[3]);
    return 0;
}
