// Drives one AXI4-Lite slave through commands of the file argv[1], with waits that a seed chooses:
//   r ADDRESS                 prints "r ADDRESS DATA RESPONSE"
//   w ADDRESS DATA STROBES    prints "w ADDRESS RESPONSE"
//   t                         prints "t THRESHOLD"
//   x                         one cycle of rst
#include "Vbench.h"
#include "verilated.h"
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

static Vbench* top;
static std::mt19937 dice(1);
static long cycles = 0;

static void edge() {
  top->clk = 0;
  top->eval();
  top->clk = 1;
  top->eval();
  if (++cycles > 1000000) { std::printf("FAULT hangs\n"); std::exit(1); }
}

// What stands before the next edge.
static void settle() { top->clk = 0; top->eval(); }

int main(int argc, char** argv) {
  top = new Vbench;
  std::FILE* file = std::fopen(argv[1], "r");
  top->rst = 1; edge(); top->rst = 0;
  char kind;
  while (std::fscanf(file, " %c", &kind) == 1) {
    if (kind == 'x') { top->rst = 1; edge(); top->rst = 0; continue; }
    if (kind == 't') { settle(); std::printf("t %016llx\n", (unsigned long long)top->threshold); continue; }
    unsigned address, data = 0, strobes = 0;
    if (std::fscanf(file, "%x", &address) != 1) return 2;
    if (kind == 'w' && std::fscanf(file, "%x %x", &data, &strobes) != 2) return 2;
    if (kind == 'r') {
      for (int wait = dice() % 3; wait > 0; --wait) edge();
      top->araddr = address; top->arvalid = 1;
      for (bool taken = false; !taken;) { settle(); taken = top->arready; edge(); }
      top->arvalid = 0;
      for (int wait = dice() % 3; wait > 0; --wait) edge();
      top->rready = 1;
      for (bool given = false; !given;) { settle(); given = top->rvalid; if (given) std::printf("r %02x %08x %d\n", address, top->rdata, top->rresp); edge(); }
      top->rready = 0;
      settle();
      if (top->rvalid) std::printf("FAULT rvalid stays\n");
    } else {
      int address_in = dice() % 4, data_in = dice() % 4;
      bool has_address = false, has_data = false, done = false;
      const int patience = dice() % 6;
      for (int n = 0; !done; ++n) {
        top->awvalid = !has_address && n >= address_in; top->awaddr = address;
        top->wvalid = !has_data && n >= data_in; top->wdata = data; top->wstrb = strobes;
        top->bready = n >= patience;
        settle();
        if (top->bvalid && !(has_address && has_data)) std::printf("FAULT response before the write\n");
        if (top->bvalid && top->bready) { std::printf("w %02x %d\n", address, top->bresp); done = true; }
        has_address = has_address || (top->awvalid && top->awready);
        has_data = has_data || (top->wvalid && top->wready);
        edge();
      }
      top->bready = 0;
      settle();
      if (top->bvalid) std::printf("FAULT bvalid stays\n");
    }
  }
  return 0;
}
