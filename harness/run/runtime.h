/* The runtime: a bare host, a container of Docker or Podman, a pod of Kubernetes, or a service of systemd. */
#ifndef RUN_RUNTIME_H
#define RUN_RUNTIME_H

#include "contract/finding.h"

#define RUNTIME_UNIT 128

/* By the marks that runtimes leave in a file system, whose root is `root` ("" for this process's own), and in
 * /proc/self/cgroup and mountinfo below it; of this process's own also by its environment. `unit` receives the name of a
 * service, or stays empty; *of_user tells that it belongs to a user's own manager. */
enum runtime runtime_detect(const char *root, char unit[RUNTIME_UNIT], bool *of_user);

#endif
