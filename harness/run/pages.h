/* Pages of a size that was asked for: where a run gets them, and whether a region really has them.
 *
 *     pages_prepare()                  once, before the first trial, if one asks for base or transparent huge pages
 *     pages_refuse(), pages_choose()   before a trial's region is made
 *     pages_missed()                   when it has been written to
 */
#ifndef RUN_PAGES_H
#define RUN_PAGES_H

#include "contract/layout.h"
#include "shm/page_sizes.h"
#include "shm/region.h"

/* Gives the run a /dev/shm of its own, whose files may have transparent huge pages or not. Where it cannot, the machine's stays. */
void pages_prepare(void);

/* NULL, or why so many bytes of such pages are not to be had. */
const char *pages_refuse(enum layout_pages pages, uint64_t bytes);

/* From here on objects in /dev/shm have such pages, as far as this run may say so. */
void pages_choose(enum layout_pages pages);

/* Is what a mapping has not what was asked for? Then a sentence on it, in `text`; else NULL. */
const char *pages_missed(enum layout_pages pages, const struct page_sizes *had, char *text, size_t size);

enum region_pages pages_of_region(enum layout_pages pages);

#endif
