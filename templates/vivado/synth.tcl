# {{title}}
# vivado -mode batch -source synth.tcl: out-of-context synthesis and implementation of {{top}}, reports in reports/.
set here [file dirname [file normalize [info script]]]
{{part}}
file mkdir $here/reports

read_verilog $here/../verilog/{{top}}.v
read_xdc -mode out_of_context $here/{{top}}.xdc
synth_design -top {{top}} -part $part -mode out_of_context -flatten_hierarchy rebuilt
report_utilization -file $here/reports/synth_utilization.rpt
report_timing_summary -file $here/reports/synth_timing.rpt
write_checkpoint -force $here/reports/synth.dcp

if {![info exists ::env(SYNTH_ONLY)]} {
  opt_design
  place_design
  phys_opt_design
  route_design
  report_utilization -file $here/reports/utilization.rpt
  report_timing_summary -file $here/reports/timing.rpt
  report_timing -max_paths 20 -file $here/reports/paths.rpt
  write_checkpoint -force $here/reports/routed.dcp
}

# One line that scripts can read; a slack below 0 ends with exit code 1.
{{judge}}
