// What every processor of its kind can run.

#if defined(__x86_64__) && defined(__linux__)
#define VK_SUFFIX _base
#else
// The only build there is: it bears the kernels' own names.
#define VK_SUFFIX
#endif
#include "kernels.h"
