// {{title}}
// Written by Trigforge: what {{top}}.v is, for modules around it: `include "{{top}}_constants.vh" inside of one.
// verilator lint_off UNUSED
{{constants}}
// verilator lint_on UNUSED
