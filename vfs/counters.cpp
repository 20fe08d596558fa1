#include "vfs/counters.h"
