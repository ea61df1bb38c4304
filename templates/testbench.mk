# make: builds the Verilog beside this folder with Verilator and checks it against vectors.txt, bit by bit.
VERILATOR ?= verilator

run: obj/Vbench
	./obj/Vbench vectors.txt

lint:
	$(VERILATOR) --lint-only -Wall --top-module {{top}} ../verilog/{{top}}.v

obj/Vbench: ../verilog/{{top}}.v trigforge_bench.v harness.cpp
	$(VERILATOR) --cc --exe --build -j 0 --prefix Vbench --top-module trigforge_bench --Mdir obj -Wno-lint -Wno-fatal \
	  -O3 --x-initial unique --output-split 20000 -CFLAGS "-std=c++17 -O1" trigforge_bench.v ../verilog/{{top}}.v harness.cpp

clean:
	rm -rf obj

.PHONY: run lint clean
