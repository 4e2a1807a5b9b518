/* A fuzz target of the names in /dev/shm, which anybody may give: which of them are taken for this program's own. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/leftover.h"
#include "shm/companion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The longest run of a few letters that the parser may take for a name. */
static int is_own_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* What is taken for an own name begins like one, holds nothing strange, and names a process. */
static void judge(const char *name, int pid, unsigned long long start)
{
    char begin[80], check[80];
    const char *rest = strncmp(name, "sem.", 4) == 0 ? name + 4 : name;
    const char *number = strchr(rest, '.') + 1, *second = strchr(number, '.') + 1;
    number += strspn(number, "0"); /* leading zeros are taken */
    second += strspn(second, "0");
    snprintf(begin, sizeof begin, "%d.", pid);
    snprintf(check, sizeof check, "%llu.", start);
    for (const char *c = name; *c; c++)
        if (!is_own_letter(*c))
            abort();
    if (strncmp(rest, "shmoo.", 6) != 0 && strncmp(rest, "shmoo-check.", 12) != 0)
        abort();
    if (pid <= 0 || strncmp(number, begin, strlen(begin)) != 0)
        abort();
    if (start && strncmp(second, check, strlen(check)) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = malloc(size + 1);
    int pid = 0;
    unsigned long long start = 0;
    memcpy(name, data, size);
    name[size] = '\0';
    companion_is_marker(name);
    if (leftover_parse(name, &pid, &start))
        judge(name, pid, start);
    free(name);
    return 0;
}
