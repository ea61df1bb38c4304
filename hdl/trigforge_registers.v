// trigforge_registers: what a design is, to be read at run time, and the threshold of its decision, to be set.
//
// An AXI4-Lite slave of 32-bit words in the clock of the core; for another clock put a clock converter in front of it.
// Responses are OKAY, and SLVERR for addresses without a register and for writes to those that are only read. One read and one
// write are taken at a time, the two independent of each other; address and data of a write may come in either order.
//
//   address  what
//   0x00     0x54524746, "TRGF"
//   0x04     1, the version of this map
//   0x08     version of the model
//   0x0c     latency of the core in cycles
//   0x10     bits of the threshold, 0 if there is none
//   0x14     threshold, bits 31..0    read and written; as many bits as it has, in two's complement if the score is signed
//   0x18     threshold, bits 63..32   likewise: write it first, it takes effect with 0x14
//   0x20-3c  hash of model and options, 256 bits; 0x20 holds the first 8 of its hexadecimal digits, 0x3c the last
//
//   THRESHOLD_BITS   0 to 64
//   THRESHOLD_RESET  what stands there after rst
//
// rst is synchronous and active high. The threshold changes between two clock edges as a whole.
module trigforge_registers #(
  parameter [31:0] MODEL_VERSION = 32'd0,
  parameter [255:0] MODEL_HASH = 256'd0,
  parameter [31:0] LATENCY = 32'd0,
  parameter [31:0] THRESHOLD_BITS = 32'd0,
  parameter [63:0] THRESHOLD_RESET = 64'd0
) (
  input wire clk,
  input wire rst,
  output wire [63:0] threshold,
  input wire [7:0] awaddr,
  input wire awvalid,
  output wire awready,
  input wire [31:0] wdata,
  input wire [3:0] wstrb,
  input wire wvalid,
  output wire wready,
  output wire [1:0] bresp,
  output wire bvalid,
  input wire bready,
  input wire [7:0] araddr,
  input wire arvalid,
  output wire arready,
  output wire [31:0] rdata,
  output wire [1:0] rresp,
  output wire rvalid,
  input wire rready
);
  localparam [1:0] OKAY = 2'b00;
  localparam [1:0] SLVERR = 2'b10;
  localparam [63:0] MASK = THRESHOLD_BITS == 32'd0 ? 64'd0 : ~64'd0 >> (7'd64 - THRESHOLD_BITS[6:0]);
  localparam HAS_LOW = THRESHOLD_BITS != 32'd0;
  localparam HAS_HIGH = THRESHOLD_BITS > 32'd32;

  reg [63:0] threshold_now;
  reg [31:0] high_next; // waits for the lower half
  assign threshold = threshold_now;

  // Writes: address and data are kept until both are there.
  reg [5:0] write_word;
  reg have_address;
  reg [31:0] write_data;
  reg [3:0] write_strobes;
  reg have_data;
  reg responding;
  reg [1:0] write_response;
  assign awready = !rst && !have_address;
  assign wready = !rst && !have_data;
  assign bvalid = responding;
  assign bresp = write_response;

  wire writes_low = HAS_LOW && write_word == 6'h05;
  wire writes_high = HAS_HIGH && write_word == 6'h06;
  wire [31:0] lanes = {{8{write_strobes[3]}}, {8{write_strobes[2]}}, {8{write_strobes[1]}}, {8{write_strobes[0]}}};
  wire [31:0] low_next = (threshold_now[31:0] & ~lanes) | (write_data & lanes);

  always @(posedge clk) begin
    if (rst) begin
      have_address <= 1'b0;
      have_data <= 1'b0;
      responding <= 1'b0;
      threshold_now <= THRESHOLD_RESET & MASK;
      high_next <= THRESHOLD_RESET[63:32] & MASK[63:32];
    end else begin
      if (awvalid && awready) begin
        write_word <= awaddr[7:2];
        have_address <= 1'b1;
      end
      if (wvalid && wready) begin
        write_data <= wdata;
        write_strobes <= wstrb;
        have_data <= 1'b1;
      end
      if (have_address && have_data && !responding) begin
        have_address <= 1'b0;
        have_data <= 1'b0;
        responding <= 1'b1;
        write_response <= writes_low || writes_high ? OKAY : SLVERR;
        if (writes_low) threshold_now <= {high_next, low_next} & MASK;
        if (writes_high) high_next <= ((high_next & ~lanes) | (write_data & lanes)) & MASK[63:32];
      end
      if (responding && bready) responding <= 1'b0;
    end
  end

  // Reads.
  reg have_read;
  reg [31:0] read_data;
  reg [1:0] read_response;
  assign arready = !rst && !have_read;
  assign rvalid = have_read;
  assign rdata = read_data;
  assign rresp = read_response;

  wire [5:0] read_word = araddr[7:2];
  wire [2:0] hash_word = read_word[2:0];
  wire is_hash = read_word[5:3] == 3'b001;
  wire is_known = read_word <= 6'h06 || is_hash;

  always @(posedge clk) begin
    if (rst) have_read <= 1'b0;
    else if (arvalid && arready) begin
      have_read <= 1'b1;
      read_response <= is_known ? OKAY : SLVERR;
      case (read_word)
        6'h00: read_data <= 32'h54524746;
        6'h01: read_data <= 32'd1;
        6'h02: read_data <= MODEL_VERSION;
        6'h03: read_data <= LATENCY;
        6'h04: read_data <= THRESHOLD_BITS;
        6'h05: read_data <= threshold_now[31:0];
        6'h06: read_data <= threshold_now[63:32];
        default: read_data <= is_hash ? MODEL_HASH[{~hash_word, 5'd0} +: 32] : 32'd0;
      endcase
    end else if (have_read && rready) have_read <= 1'b0;
  end

  // bytes within a word
  wire unused_bits = &{1'b0, awaddr[1:0], araddr[1:0]};
endmodule
