// {{title}}
// Written by Trigforge: {{top}} with the ports of an HLS block (ap_ctrl_hs), pipelined with an initiation interval of 1.
// Needs {{top}}.v. An event is taken in every cycle with ap_start (ap_ready follows it at once); {{latency}} cycles later its
// outputs stand with ap_done and every *_ap_vld. ap_idle: nothing is inside and nothing starts. ap_rst is synchronous.
module {{top}}_ap_ctrl (
  {{ports}}
);
  reg {{flightRange}}flight;
  always @(posedge ap_clk) begin
    if (ap_rst) flight <= {{latency}}'d0;
    else flight <= {{flightNext}};
  end
  assign ap_ready = ap_start;
  assign ap_idle = !ap_start && flight == {{latency}}'d0;
  {{valids}}

  {{top}} core (
    {{connections}}
  );
endmodule
