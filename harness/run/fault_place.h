/* The place of a memory fault: which object's mapping holds an address of this process. */
#ifndef RUN_FAULT_PLACE_H
#define RUN_FAULT_PLACE_H

#include "contract/slot.h"

/* Looks the address up in /proc/self/maps, and notes path and offset; notes nothing where no file is mapped there. May be called
 * in a signal handler. */
void fault_place_note(struct slot_fault *fault);

#endif
