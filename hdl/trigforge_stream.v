// trigforge_stream: valid/ready handshakes around a core that cannot wait.
//
// The core takes an event in any cycle in which core_valid_in is high and gives its result, together with
// core_valid_out, exactly LATENCY register ranks later; nothing can hold it. A transfer on either side of this module
// happens, as in AXI4-Stream, at a clock edge at which valid and ready are both high. Every event that is taken is given
// exactly once and in order, however long the sink waits: an event is taken only while a place for its result is free
// in a FIFO behind the core, and the place stays its own until the sink has the result (one credit a place).
//
//   LATENCY  register ranks of the core, 0 or more (0: a combinational core)
//   WIDTH    bits of a result
//
// The event's data go from the source to the core directly; only its handshake passes here. rst is synchronous and
// active high, must also clear the core's valid chain at once, and forgets the events in flight; while it is high
// nothing is taken. One cycle of it is needed after power-up.
//
// Latency added: 1 cycle. Throughput: an event every cycle while the sink is always ready. If the sink is
// ready an event holds its place for LATENCY + 2 cycles, so the FIFO has at least as many, rounded up to a power of two.
// No path is combinational from m_ready to s_ready or from s_valid to m_valid.
module trigforge_stream #(
  parameter LATENCY = 1,
  parameter WIDTH = 8
) (
  input wire clk,
  input wire rst,
  // from the source
  input wire s_valid,
  output wire s_ready,
  // to and from the core
  output wire core_valid_in,
  input wire core_valid_out,
  input wire [WIDTH-1:0] core_data,
  // to the sink; m_valid and m_data stand until m_ready
  output wire m_valid,
  input wire m_ready,
  output wire [WIDTH-1:0] m_data
);
  // Bits of n, at least 1.
  function integer bits_of(input integer n);
    begin
      bits_of = 1;
      while ((n >> bits_of) != 0) bits_of = bits_of + 1;
    end
  endfunction

  // LATENCY + 2 or more places, a power of two so that indices wrap by themselves.
  localparam INDEX_BITS = bits_of(LATENCY + 1);
  localparam PLACES = 1 << INDEX_BITS;

  reg [WIDTH-1:0] fifo [0:PLACES-1];
  reg [INDEX_BITS-1:0] write_index;
  reg [INDEX_BITS-1:0] read_index;
  reg [INDEX_BITS:0] stored;  // results in the FIFO
  reg [INDEX_BITS:0] credits; // places of the FIFO that no event has, neither in the FIFO nor in the core

  assign s_ready = !rst && credits != 0;
  assign core_valid_in = s_valid && s_ready;
  assign m_valid = stored != 0;
  assign m_data = fifo[read_index];
  wire given = m_valid && m_ready;

  always @(posedge clk) if (core_valid_out) fifo[write_index] <= core_data;

  always @(posedge clk) begin
    if (rst) begin
      write_index <= 0;
      read_index <= 0;
      stored <= 0;
      credits <= {1'b1, {INDEX_BITS{1'b0}}}; // PLACES
    end else begin
      if (core_valid_out) write_index <= write_index + 1'b1;
      if (given) read_index <= read_index + 1'b1;
      if (core_valid_out && !given) stored <= stored + 1'b1;
      if (!core_valid_out && given) stored <= stored - 1'b1;
      if (core_valid_in && !given) credits <= credits - 1'b1;
      if (!core_valid_in && given) credits <= credits + 1'b1;
    end
  end
endmodule
