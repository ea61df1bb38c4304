// {{title}}
// Written by Trigforge: {{top}} with an AXI4-Lite block of what it is: version, hash, latency{{thresholdWords}}.
// Needs {{top}}.v and no other file, and adds no latency. The map of the registers is told below, in {{top}}_registers.
module {{top}}_axil (
  input wire clk,
  input wire rst, // synchronous, clears valid
  {{ports}},
  // AXI4-Lite, in the same clock
  input wire [7:0] s_axil_awaddr,
  input wire s_axil_awvalid,
  output wire s_axil_awready,
  input wire [31:0] s_axil_wdata,
  input wire [3:0] s_axil_wstrb,
  input wire s_axil_wvalid,
  output wire s_axil_wready,
  output wire [1:0] s_axil_bresp,
  output wire s_axil_bvalid,
  input wire s_axil_bready,
  input wire [7:0] s_axil_araddr,
  input wire s_axil_arvalid,
  output wire s_axil_arready,
  output wire [31:0] s_axil_rdata,
  output wire [1:0] s_axil_rresp,
  output wire s_axil_rvalid,
  input wire s_axil_rready
);
  wire [63:0] register_threshold;

  {{top}} core (
    {{connections}}
  );

  {{top}}_registers #(
    .MODEL_VERSION(32'd{{version}}),
    .MODEL_HASH(256'h{{hash}}),
    .LATENCY(32'd{{latency}}),
    .THRESHOLD_BITS(32'd{{thresholdBits}}),
    .THRESHOLD_RESET(64'd{{thresholdReset}})
  ) registers (
    .clk(clk),
    .rst(rst),
    .threshold(register_threshold),
    .awaddr(s_axil_awaddr),
    .awvalid(s_axil_awvalid),
    .awready(s_axil_awready),
    .wdata(s_axil_wdata),
    .wstrb(s_axil_wstrb),
    .wvalid(s_axil_wvalid),
    .wready(s_axil_wready),
    .bresp(s_axil_bresp),
    .bvalid(s_axil_bvalid),
    .bready(s_axil_bready),
    .araddr(s_axil_araddr),
    .arvalid(s_axil_arvalid),
    .arready(s_axil_arready),
    .rdata(s_axil_rdata),
    .rresp(s_axil_rresp),
    .rvalid(s_axil_rvalid),
    .rready(s_axil_rready)
  );

  // the threshold has fewer bits, or none
  wire unused_bits = &{1'b0, register_threshold};
endmodule

// verilator lint_off DECLFILENAME
{{registers}}
// verilator lint_on DECLFILENAME
