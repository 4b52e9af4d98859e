// The crashes of a finding after the first, each of which hit the recovery from the one before:
// which models and fault levels reach them, and what they lost, in words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/vfs/image.h"
#include "harness/case_file.h"
#include "harness/crash_in_recovery.h"
#include "harness/crash_state.h"

namespace plugpull {

class FurtherInspector {
 public:
  // `tear`: that under which the cuts' choices were made.
  // Requires: everything referred to outlives the inspector.
  FurtherInspector(const std::vector<RecoveryCut>& cuts, const EngineType& type, Tear tear);

  // As StateInspector, of all crashes after the first.
  bool Admits(const Model& model, Tear tear);
  FaultLevel WeakestLevel(const Model& model);

  // Returns: the crashes as a case keeps them, complete, when the first of the recoveries began on
  // `left` and the crashes are of `model` and `tear`. Requires: the model admits them.
  std::vector<FurtherCrash> Complete(const Image& left, const Model& model, Tear tear) const;

  // Returns: what is lost of recoveries, for a signature: "; in recovery: unlink(journal)".
  std::string SignatureOf(const std::vector<FurtherCrash>& further) const;

  // Returns: the kinds of what is lost of recoveries.
  std::vector<std::string> KindsOf(const std::vector<FurtherCrash>& further) const;

 private:
  const std::vector<RecoveryCut>& cuts_;
  const EngineType& type_;
  std::vector<ChosenState> states_;
  std::vector<std::unique_ptr<StateInspector>> inspectors_;
};

// Returns: one line for each operation that a recovery lost, or that it lost nothing.
std::vector<std::string> FurtherLines(const std::vector<FurtherCrash>& further,
                                      const EngineType& type, Tear tear);

}  // namespace plugpull
