// The program: a command line, or a child that serves one.
#include "harness/child.h"
#include "harness/cli/commands.h"

int main(int argc, char** argv) {
  if (plugpull::IsChild(argc, argv)) return plugpull::ServeChild(argc, argv);
  return plugpull::Main(argc, argv);
}
