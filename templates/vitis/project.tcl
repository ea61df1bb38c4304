# {{title}}
# vitis_hls -f project.tcl (or vitis-run --tcl project.tcl, or vivado_hls -f project.tcl): simulates and synthesises {{top}}.
{{part}}
open_project -reset {{top}}_prj
set_top {{function}}
add_files {{top}}.cpp
add_files -tb {{top}}_test.cpp
add_files -tb ../testbench/vectors.txt
open_solution -reset solution1
set_part $part
create_clock -period {{period}} -name default
csim_design -argv [file normalize ../testbench/vectors.txt]
csynth_design
if {[info exists ::env(COSIM)]} { cosim_design -argv [file normalize ../testbench/vectors.txt] }
if {[info exists ::env(EXPORT)]} { export_design -format ip_catalog }
exit
