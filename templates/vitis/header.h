// {{title}}
// Written by Trigforge: the circuit of ../verilog/{{top}}.v as HLS C++, bit for bit. A new event every cycle.
#ifndef {{guard}}
#define {{guard}}
#include "ap_fixed.h"
#include "ap_int.h"

{{types}}

#define {{macro}}_MODEL_VERSION {{version}}
#define {{macro}}_MODEL_HASH "{{hash}}"

void {{function}}({{parameters}});

#endif
