/* Where the program's own files are: built-in jobs and the analysis, beside the build folder or installed. */
#ifndef CMD_PLACES_H
#define CMD_PLACES_H

#include <stddef.h>

/* Path of the file `name` in the folder `kind` ("jobs" or "analysis"). Returns 0, or -1 when there is none. */
int places_file(const char *kind, const char *name, char *path, size_t size);

/* Path of the built-in job of that name, with or without ".ini". Returns 0, or -1. */
int places_job(const char *name, char *path, size_t size);

/* The names of the built-in jobs, each with a space before it, sorted. */
void places_jobs(char *list, size_t size);

/* Calls `visit` for each built-in job, sorted by name; `summary` is the first comment line of its file. */
void places_each_job(void (*visit)(const char *name, const char *summary));

#endif
