// cblas.h lies in a folder that differs from distribution to distribution; pkg-config names it.
#include <cblas.h>
