// {{title}}
// Written by Trigforge: {{top}} behind AXI4-Stream handshakes. Needs {{top}}.v and no other file.
// One event is one beat; there is no tlast. Latency {{latency}} cycles while the sink is ready, one more than the core;
// a new event every cycle. If the sink waits, nothing is lost. aresetn forgets the events in flight.
//
{{layout}}
module {{top}}_axis (
  input wire aclk,
  input wire aresetn, // active low, synchronous
  input wire [{{sourceMsb}}:0] s_axis_tdata,
  input wire s_axis_tvalid,
  output wire s_axis_tready,
  output wire [{{sinkMsb}}:0] m_axis_tdata,
  output wire m_axis_tvalid,
  input wire m_axis_tready
);
  wire rst = !aresetn;
  wire core_valid_in;
  wire core_valid_out;
  wire [{{resultMsb}}:0] core_data;
  wire [{{resultMsb}}:0] result;
  assign m_axis_tdata = {{paddedResult}};

  {{top}} core (
    {{connections}}
  );

  {{top}}_stream #(
    .LATENCY({{coreLatency}}),
    .WIDTH({{resultWidth}})
  ) stream (
    .clk(aclk),
    .rst(rst),
    .s_valid(s_axis_tvalid),
    .s_ready(s_axis_tready),
    .core_valid_in(core_valid_in),
    .core_valid_out(core_valid_out),
    .core_data(core_data),
    .m_valid(m_axis_tvalid),
    .m_ready(m_axis_tready),
    .m_data(result)
  );

  // the bits that fill up the last byte
  wire unused_bits = &{1'b0{{unusedBits}}};
endmodule

// verilator lint_off DECLFILENAME
{{stream}}
// verilator lint_on DECLFILENAME
