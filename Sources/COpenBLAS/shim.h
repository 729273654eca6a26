// cblas.h lies in a folder that differs from distribution to distribution; pkg-config names it.
#include <cblas.h>
#include <stdlib.h>

// OpenBLAS picks its kernels by the processor's model number when it is loaded. A release that is older than the processor does
// not know the number and falls back on kernels of 2004, a third to a tenth of the speed. These two functions of builds for
// many processors (DYNAMIC_ARCH) make the choice anew; they are in no header, and other builds lack them: hence weak.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

// Chooses the kernels called `name` (as in OPENBLAS_CORETYPE) in place of those of now. Call it while nothing else uses OpenBLAS.
// An inline wrapper because Swift cannot ask whether a weak C function is there.
static inline int copenblas_choose_kernels(const char *name) {
    if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return 0;
    if (setenv("OPENBLAS_CORETYPE", name, 1) != 0) return 0;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    return 1;
}
