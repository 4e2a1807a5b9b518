/* What a crew had of its layout, beside what was asked for. */
#ifndef RUN_LAYOUT_GOT_H
#define RUN_LAYOUT_GOT_H

#include "run/result.h"

/* Notes it in the result, which has been judged. A clean trial whose memory did not lie as it was to is none. */
void layout_got(const struct trial_spec *spec, struct trial_result *result);

#endif
