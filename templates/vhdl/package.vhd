-- {{title}}
-- Written by Trigforge, VHDL-2008: what a project needs to know of ../verilog/{{top}}.v to instantiate it.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package {{top}}_pkg is
  -- Register ranks from input to output: inputs sampled at edge k stand at the outputs after edge k + LATENCY_CYCLES - 1.
  constant LATENCY_CYCLES      : natural := {{latency}};
  constant INITIATION_INTERVAL : positive := {{interval}};
  constant CLOCK_PERIOD_PS     : natural := {{period}};
  constant MODEL_VERSION       : natural := {{version}};
  constant MODEL_HASH          : std_logic_vector(255 downto 0) := x"{{hash}}";

{{types}}

  component {{top}} is
    port (
      {{ports}}
    );
  end component;
end package;

package body {{top}}_pkg is
{{bodies}}
end package body;
