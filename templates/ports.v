// {{title}}
// Written by Trigforge: {{top}} with one port an element. Needs {{top}}.v, and adds no latency.
module {{top}}_ports (
  {{ports}}
);
  {{top}} core (
    {{connections}}
  );
endmodule
