/* Signals that end a run, on a signalfd. */
#include "run/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int descriptor = -1;
static int received;

/* Those that end a process unless it sees to them, and that people, timers and batch systems send as a notice. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGVTALRM};

void interrupt_forget_inherited(void)
{
    static const int meant[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        bool keep = false;
        for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++)
            keep |= meant[i] == number;
        if (!keep)
            signal(number, SIG_DFL); /* refused for those that cannot be ignored either */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int interrupt_setup(struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction now;
        /* nohup stays nohup; but an interrupt that a shell ignores for its background jobs still ends a run */
        if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            continue;
        signal(signals[i], SIG_DFL); /* an ignored signal would never be pending */
        sigaddset(&set, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed standard output is an error of a write, not a death; */
    signal(SIGXFSZ, SIG_IGN); /* and so is a limit on the size of files */
    if (descriptor < 0)
        descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "signalfd: %s; raise `ulimit -n`", error_name(errno));
    return 0;
}

int interrupt_fd(void)
{
    return descriptor;
}

int interrupt_pending(void)
{
    struct signalfd_siginfo info;
    if (received == 0 && descriptor >= 0 && read(descriptor, &info, sizeof info) == (ssize_t)sizeof info)
        received = (int)info.ssi_signo;
    return received;
}

void interrupt_reset(void)
{
    sigset_t none;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
