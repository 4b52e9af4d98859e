#include "faults/doors/test_program/scenarios.h"

int main(int argc, char** argv) {
  using namespace plugpull;
  Scenarios scenarios;
  AddByteScenarios(scenarios);
  AddCopyScenarios(scenarios);
  AddNameScenarios(scenarios);
  AddAttributeScenarios(scenarios);
  AddSyncScenarios(scenarios);
  AddProcessScenarios(scenarios);
  AddHidingScenarios(scenarios);
  const auto found = argc < 2 ? scenarios.end() : scenarios.find(argv[1]);
  if (found == scenarios.end()) {
    for (const auto& [name, play] : scenarios) std::printf("%s\n", name.c_str());
    return 2;
  }
  found->second();
  return 0;
}
