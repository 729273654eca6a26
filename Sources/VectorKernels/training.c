#include <math.h>

#include "VectorKernels.h"
#include "dispatch.h"
#include "exponential.h"

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
