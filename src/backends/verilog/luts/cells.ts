/** Stands in every file with cells, and in no other. */
export const CELL_MARK = '`celldefine';

/** Ports and parameters of each cell, and what it does: AMD UG953 and UG974 (library guides of 7-series and UltraScale). */
const CELLS: readonly { readonly head: string; readonly body: readonly string[] }[] = [
  {
    head: "module LUT6 #(parameter [63:0] INIT = 64'd0) (input wire I0, I1, I2, I3, I4, I5, output wire O);",
    body: ['  assign O = INIT[{I5, I4, I3, I2, I1, I0}];'],
  },
  {
    head: "module LUT6_2 #(parameter [63:0] INIT = 64'd0) (input wire I0, I1, I2, I3, I4, I5, output wire O5, output wire O6);",
    body: ["  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];", '  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];'],
  },
  { head: 'module MUXF7 (input wire I0, I1, S, output wire O);', body: ['  assign O = S ? I1 : I0;'] },
  { head: 'module MUXF8 (input wire I0, I1, S, output wire O);', body: ['  assign O = S ? I1 : I0;'] },
  {
    head: 'module CARRY4 (input wire CI, CYINIT, input wire [3:0] DI, input wire [3:0] S, output wire [3:0] O, output wire [3:0] CO);',
    body: [
      '  wire c0 = CI | CYINIT;',
      '  wire c1 = S[0] ? c0 : DI[0];',
      '  wire c2 = S[1] ? c1 : DI[1];',
      '  wire c3 = S[2] ? c2 : DI[2];',
      '  wire c4 = S[3] ? c3 : DI[3];',
      '  assign CO = {c4, c3, c2, c1};',
      '  assign O = S ^ {c3, c2, c1, c0};',
    ],
  },
];

/**
 * The cells for simulators; for Yosys, which wants to know of every module before it brings its own, their ports. Vendor
 * synthesis (it defines SYNTHESIS) has them. `celldefine` tells tools that these are cells.
 */
export const CELL_MODELS: readonly string[] = [
  '`ifdef YOSYS',
  ...CELLS.map(({ head }) => `(* blackbox *) ${head} endmodule`),
  '`else',
  '`ifndef SYNTHESIS',
  CELL_MARK,
  '/* verilator lint_off DECLFILENAME */',
  ...CELLS.flatMap(({ head, body }) => [head, ...body, 'endmodule']),
  '/* verilator lint_on DECLFILENAME */',
  '`endcelldefine',
  '`endif',
  '`endif',
  '',
];
