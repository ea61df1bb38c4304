/** Stands in every file with cells, and in no other. */
export const CELL_MARK = '`celldefine';

/**
 * What the cells do, for simulators. A synthesiser defines SYNTHESIS and brings its own; `celldefine` tells tools that these
 * are models of cells. After AMD UG953 and UG974 (library guides of 7-series and UltraScale).
 */
export const CELL_MODELS: readonly string[] = `
\`ifndef SYNTHESIS
\`celldefine
/* verilator lint_off DECLFILENAME */
module LUT6 #(parameter [63:0] INIT = 64'd0) (input wire I0, I1, I2, I3, I4, I5, output wire O);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule
module LUT6_2 #(parameter [63:0] INIT = 64'd0) (input wire I0, I1, I2, I3, I4, I5, output wire O5, output wire O6);
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule
module MUXF7 (input wire I0, I1, S, output wire O);
  assign O = S ? I1 : I0;
endmodule
module MUXF8 (input wire I0, I1, S, output wire O);
  assign O = S ? I1 : I0;
endmodule
module CARRY4 (input wire CI, CYINIT, input wire [3:0] DI, input wire [3:0] S, output wire [3:0] O, output wire [3:0] CO);
  wire c0 = CI | CYINIT;
  wire c1 = S[0] ? c0 : DI[0];
  wire c2 = S[1] ? c1 : DI[1];
  wire c3 = S[2] ? c2 : DI[2];
  wire c4 = S[3] ? c3 : DI[3];
  assign CO = {c4, c3, c2, c1};
  assign O = S ^ {c3, c2, c1, c0};
endmodule
/* verilator lint_on DECLFILENAME */
\`endcelldefine
\`endif
`.split('\n');
