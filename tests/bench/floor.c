/* The lower bound of restarting anything: a bare loop of vfork, exec, kill and wait.
 *
 *     floor COUNT STAMP FILE
 *
 * Prints, one per line, the nanoseconds from each death to the next process's first instruction,
 * as STAMP (stamp.c) writes it to FILE.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* Waits until the file's last line is of this process. */
static long long stamp_of(FILE* file, pid_t pid)
{
    int seen = 0;
    long long at = 0;
    while (seen != pid) {
        clearerr(file);
        if (fscanf(file, "%d %lld\n", &seen, &at) != 2) seen = 0;
    }
    return at;
}

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    fclose(fopen(argv[3], "w"));
    FILE* file = fopen(argv[3], "r");
    long long died = 0;
    for (long left = atol(argv[1]); left >= 0; --left) {
        const pid_t child = vfork();
        if (child == 0) {
            execl(argv[2], argv[2], argv[3], (char*)NULL);
            _exit(127);
        }
        const long long began = stamp_of(file, child);
        if (died != 0) printf("%lld\n", began - died);
        died = now();
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return 0;
}
