// The program: a command line, or a child that serves one.
#include "engine/registry.h"
#include "harness/child.h"
#include "harness/cli/commands.h"
#include "workloads/strategies/files_engine.h"

int main(int argc, char** argv) {
  plugpull::AddEngineType(plugpull::FilesType());
  if (plugpull::IsChild(argc, argv)) return plugpull::ServeChild(argc, argv);
  return plugpull::Main(argc, argv);
}
