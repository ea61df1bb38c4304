-- {{title}}
-- Written by Trigforge, VHDL-2008: {{top}} with an array a tensor instead of a bus. Latency and timing are those of the core.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.{{top}}_pkg.all;

entity {{top}}_vhdl is
  port (
    {{ports}}
  );
end entity;

architecture wrapper of {{top}}_vhdl is
{{signals}}
begin
{{assignments}}
  core : component {{top}}
    port map (
      {{connections}}
    );
end architecture;
