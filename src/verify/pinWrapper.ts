import type { Dut } from './dut.js';
import { busWidth } from './dut.js';

/**
 * Verilog of a module with four pins around a design, for place and route: a shift register feeds the inputs, another
 * takes the outputs out, so the design needs no more pins than any package has and every path begins and ends in a
 * register. Pins: clk, si (serial in), ld (load the outputs), so (serial out).
 */
export function pinWrapper(dut: Dut, name: string): string {
  const registered = dut.latencyCycles > 0;
  const ins = [...(registered ? [{ port: 'rst', width: 1 }] : []), { port: 'valid_in', width: 1 }, ...dut.inputs.map((bus) => ({ port: bus.port, width: busWidth(bus) }))];
  const outs = [{ port: 'valid_out', width: 1 }, ...dut.outputs.map((bus) => ({ port: bus.port, width: busWidth(bus) }))];
  const connections = [...(registered ? ['.clk(clk)'] : []), ...slices(ins, 'given'), ...slices(outs, 'result')];
  const widthIn = ins.reduce((sum, port) => sum + port.width, 0);
  const widthOut = outs.reduce((sum, port) => sum + port.width, 0);
  return [
    `module ${name} (input wire clk, input wire si, input wire ld, output wire so);`,
    `  reg [${widthIn - 1}:0] shifted_in;`,
    `  (* keep *) reg [${widthIn - 1}:0] given;`,
    `  wire [${widthOut - 1}:0] result;`,
    `  (* keep *) reg [${widthOut - 1}:0] taken;`,
    `  reg [${widthOut - 1}:0] shifted_out;`,
    '  reg load;',
    '  always @(posedge clk) begin',
    '    shifted_in <= {shifted_in, si};',
    '    given <= shifted_in;',
    '    taken <= result;',
    '    load <= ld;',
    "    shifted_out <= load ? taken : {shifted_out, 1'b0};",
    '  end',
    `  assign so = shifted_out[${widthOut - 1}];`,
    `  ${dut.top} design (${connections.join(', ')});`,
    'endmodule',
    '',
  ].join('\n');
}

/** Each port with its slice of a vector, first port lowest. */
function slices(ports: readonly { readonly port: string; readonly width: number }[], vector: string): string[] {
  let from = 0;
  return ports.map(({ port, width }) => {
    const slice = `.${port}(${vector}[${from + width - 1}:${from}])`;
    from += width;
    return slice;
  });
}
