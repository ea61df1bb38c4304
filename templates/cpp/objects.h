// {{title}}
// Written by Trigforge: {{top}}.h with events as objects of named integers, as the I/O schema has them. An integer is the
// raw bits of its type; of ports that the schema does not name they are plain arrays.
#pragma once
#include "{{top}}.h"

namespace {{namespace}} {
namespace objects {

{{structs}}

struct Input {
{{inputs}}
};

struct Output {
{{outputs}}
};

// One event; false where there is no memory.
inline bool predict(const Input& in, Output& out) {
  RawInput raw_in;
  RawOutput raw_out;
{{pack}}
  if (!{{namespace}}::predict(raw_in, raw_out)) return false;
{{unpack}}
  return true;
}

} // namespace objects
} // namespace {{namespace}}
