/* The analysis: hands a command to its python script, which is beside the program or installed. */
#ifndef CMD_ANALYSIS_H
#define CMD_ANALYSIS_H

/* Becomes `script` (a file of analysis/) with the arguments, argv[0] left out. Returns only when that cannot be, with the
 * exit status; the reason has been told, with `command` in front. */
int analysis_become(const char *command, const char *script, int argc, char **argv);

/* Can it be, as far as one can see without trying? 0, or -1; the reason has been told. */
int analysis_there(const char *command, const char *script);

#endif
