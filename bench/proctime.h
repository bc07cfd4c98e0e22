/* Processor time of other processes, from /proc: Linux only. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t ticks_of(const char *pid)
{
    char path[64], stat[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t len = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[len] = 0;
    const char *behind_name = strrchr(stat, ')');
    if (!behind_name || sscanf(behind_name + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user, &system) != 2)
        return 0;
    return user + system;
}

/* User and system time that the processes in `pids` ("12,13", NULL for none) have used so far, in ns. */
static uint64_t processor_ns(const char *pids)
{
    char list[1024], *rest = NULL;
    uint64_t ticks = 0;
    snprintf(list, sizeof list, "%s", pids ? pids : "");
    for (char *pid = strtok_r(list, ",", &rest); pid; pid = strtok_r(NULL, ",", &rest))
        ticks += ticks_of(pid);
    return ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}
