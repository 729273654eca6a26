#include <math.h>

#include "VectorKernels.h"
#include "dispatch.h"
#include "exponential.h"

#define REAL float
#define NAME(name) name##_f32
#define PLAIN(name) name##_f32_plain
#define EXP vk_exponential
#define SQRT sqrtf
#include "training_loops.h"
#undef REAL
#undef NAME
#undef PLAIN
#undef EXP
#undef SQRT

#define REAL double
#define NAME(name) name##_f64
#define PLAIN(name) name##_f64_plain
#define EXP exp
#define SQRT sqrt
#include "training_loops.h"
