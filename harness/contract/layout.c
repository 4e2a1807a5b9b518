/* The words of the layout's axes. */
#include "contract/layout.h"

#include <string.h>

#include "base/suggest.h"

const struct layout_row layout_rows[LAYOUT_AXES] = {
    [LAYOUT_PREFAULT] = {"prefault",
                         (const char *const[]){[PREFAULT_FALLOCATE] = "fallocate", [PREFAULT_NONE] = "none",
                                               [PREFAULT_POPULATE] = "populate", NULL}},
    [LAYOUT_PAGES] = {"pages",
                      (const char *const[]){[PAGES_SYSTEM] = "system", [PAGES_BASE] = "base", [PAGES_THP] = "thp",
                                            [PAGES_HUGE_2M] = "huge-2m", [PAGES_HUGE_1G] = "huge-1g", NULL}},
    [LAYOUT_ADDRESS] = {"address", (const char *const[]){[ADDRESS_FREE] = "free", [ADDRESS_SAME] = "same",
                                                         [ADDRESS_DIFFERENT] = "different", NULL}},
    [LAYOUT_PACKING] = {"packing", (const char *const[]){[PACKING_USUAL] = "usual", [PACKING_PADDED] = "padded",
                                                         [PACKING_PACKED] = "packed", NULL}},
    [LAYOUT_REGIONS] = {"regions", (const char *const[]){[REGIONS_ONE] = "one", [REGIONS_MANY] = "many", NULL}},
};

int layout_find(enum layout_axis axis, const char *word, struct error *error)
{
    const struct layout_row *row = &layout_rows[axis];
    for (int i = 0; row->words[i]; i++)
        if (strcmp(row->words[i], word) == 0)
            return i;
    return suggest_fail(error, row->name, word, row->words);
}

const char *layout_word(const struct layout *layout, enum layout_axis axis)
{
    return layout_rows[axis].words[layout->choice[axis]];
}
