// Every kernel once, for the instruction set of the file that includes this, under names that end in VK_SUFFIX.

#include <math.h>
#include <stddef.h>

#include "VectorKernels.h"
#include "exponential.h"
#include "lanes.h"

#define VK_JOIN(name, suffix) name##suffix
#define VK_WITH(name, suffix) VK_JOIN(name, suffix)
#define VK_KERNEL(name) VK_WITH(name, VK_SUFFIX)

#include "elementwise.h"
#include "depthwise.h"
#include "depthwise_gradient.h"
#include "recurrent.h"

#define REAL float
#define NAME(name) name##_f32
#define EXP vk_exponential
#define SQRT sqrtf
#include "training_loops.h"
#undef REAL
#undef NAME
#undef EXP
#undef SQRT

#define REAL double
#define NAME(name) name##_f64
#define EXP exp
#define SQRT sqrt
#include "training_loops.h"
