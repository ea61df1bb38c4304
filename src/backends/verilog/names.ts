import type { Circuit } from '../../circuit/circuit.js';
import { kindOf, Op } from '../../circuit/circuit.js';

const KEYWORDS = new Set(
  ('always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam design disable edge else end endcase ' +
    'endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event for force forever fork function generate genvar highz0 highz1 if ' +
    'ifnone incdir include initial inout input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor ' +
    'noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real ' +
    'realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table ' +
    'task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor logic bit byte int do ' +
    'class interface package program property sequence type void const static this new null string import export return break continue final clocking').split(' '),
);

/** Reserved words of VHDL-2008 that Verilog allows as names, and the names that VHDL around a core is written with. */
export const VHDL_WORDS: ReadonlySet<string> = new Set(
  ('abs access after alias all architecture array assert assume assume_guarantee attribute block body buffer bus component configuration constant context cover deallocate default disconnect downto ' +
    'elsif entity exit fairness file force generic group guarded if impure in inertial is label library linkage literal loop map mod new next null of on open others out package parameter port postponed ' +
    'procedure process property protected pure range record register reject release rem report restrict restrict_guarantee return rol ror select sequence severity shared signal sla sll sra srl strong subtype then to transport ' +
    'type unaffected units until use variable vmode vprop vunit when with xnor xor ' +
    'ieee std work std_logic_1164 numeric_std std_logic std_ulogic std_logic_vector std_ulogic_vector signed unsigned natural positive integer boolean core wrapper').split(' '),
);

/** Name of the top module: one that VHDL can call its component by, too. */
export function topName(text: string): string {
  const name = identifier(text, 'model');
  return VHDL_WORDS.has(name.toLowerCase()) ? `${name}_model` : name;
}

/** A name that Verilog-2005 and VHDL both accept: letters, digits, single underscores, a letter first, at most 60 long. */
export function identifier(text: string, fallback: string): string {
  let name = text.replace(/[^A-Za-z0-9]+/g, '_').replace(/_+/g, '_').replace(/^_+|_+$/g, '').slice(0, 60).replace(/_+$/, '');
  if (name === '') name = fallback;
  if (!/^[A-Za-z]/.test(name)) name = `${fallback}_${name}`;
  return KEYWORDS.has(name.toLowerCase()) ? `${name}_${fallback}` : name;
}

/** The bus names of the top module, in port order: the tensors' names made legal and distinct. */
export function portNames(circuit: Circuit): { readonly inputs: readonly string[]; readonly outputs: readonly string[] } {
  const taken = new Set(['clk', 'rst', 'valid_in', 'valid_out', 'valid', 'unused_bits']);
  const distinct = (text: string, suffix: string): string => {
    const base = identifier(text, suffix);
    let name = base;
    for (let i = 0; taken.has(name.toLowerCase()); i++) name = i === 0 ? `${base}_${suffix}` : `${base}_${suffix}${i}`;
    taken.add(name.toLowerCase());
    return name;
  };
  return {
    inputs: circuit.inputs.map((port) => distinct(port.name, 'in')),
    outputs: circuit.outputs.map((port) => distinct(port.name, 'out')),
  };
}

/** The wire of an op: layer, element and op number, so that a line leads back to the model. */
export function wireName(circuit: Circuit, op: number, layerNames: readonly string[]): string {
  if (kindOf(circuit, op) === Op.input) return `in${circuit.a[op]}_${circuit.b[op]}_n${op}`;
  const origin = circuit.origin[op] as number;
  const element = circuit.element[op] as number;
  const layer = origin < 0 ? 'v' : (layerNames[origin] as string);
  return element < 0 ? `${layer}_n${op}` : `${layer}_${element}_n${op}`;
}

/** Short legal names of the layers, by origin. */
export function layerNames(circuit: Circuit): string[] {
  return circuit.origins.map((origin) => identifier(origin.layer, 'layer').slice(0, 32).replace(/_+$/, ''));
}

/** Text from a model for a comment: one line, printable ASCII. */
export function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').replace(/\\/g, '/').trim();
}
