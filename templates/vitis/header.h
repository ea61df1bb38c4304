// {{title}}
// Written by Trigforge: the circuit of ../verilog/{{top}}.v as HLS C++, bit for bit. A new event every cycle.
#ifndef {{guard}}
#define {{guard}}
#include "ap_fixed.h"
#include "ap_int.h"

{{types}}

void {{top}}({{parameters}});

#endif
