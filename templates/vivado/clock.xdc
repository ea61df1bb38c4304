# {{title}}
# Out of context: the clock is here, its buffer in the design around it. Inputs come from registers and outputs go to some.
{{constraints}}
