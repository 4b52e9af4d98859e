// Walks along a trace and keeps, for the crash point that it stands at, what is certainly on disk
// (an image) and what may or may not be (a list of effects, in issue order).
//
// The cost of a step is that of the operation, not of the trace: a crash point late in a long run
// costs no more than an early one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "faults/persistence/effect.h"
#include "faults/persistence/model.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"

namespace plugpull {

class CrashCursor {
 public:
  // Requires: `trace` and `model` outlive the cursor; the trace passed DecodeTrace or was recorded.
  CrashCursor(const Trace& trace, const Model& model);

  // Goes on until the operations [0, position) have been issued.
  // Requires: position >= this->position(), position <= trace.ops.size().
  void AdvanceTo(size_t position);

  size_t position() const { return position_; }
  const Trace& trace() const { return trace_; }
  const Model& model() const { return model_; }

  // What every crash state at this point has.
  const Image& durable() const { return durable_; }

  // What is left to fate, in issue order. Effects on files that no name can ever reach again are
  // left out: no recovery can see them.
  std::span<const Effect> pending() const { return pending_; }

  uint32_t transactions_attempted() const { return attempted_; }
  uint32_t transactions_acknowledged() const { return acknowledged_; }

 private:
  void Issue(uint32_t op_index);
  void IssueChange(uint32_t op_index);
  void IssueName(uint32_t op_index, uint8_t part, InodeId directory, const std::string& name,
                 InodeId target, uint32_t group);
  void Add(Effect effect);

  // Makes everything that `covers` selects durable, with what it depends on in this model.
  void Cover(const std::function<bool(const Effect&)>& covers);
  void CloseUnderDependencies(std::vector<char>& covered) const;
  void MakeDurable(const Effect& effect);
  void ForgetUnreachable();

  const Trace& trace_;
  const Model& model_;
  size_t position_ = 0;
  Image durable_;
  std::vector<Effect> pending_;
  std::unordered_map<InodeId, uint64_t> size_issued_;  // as the program sees it
  std::unordered_map<InodeId, uint32_t> references_;   // durable names and pending ones
  std::vector<InodeId> unreferenced_;
  std::unordered_map<InodeId, uint32_t> changed_unnamed_;  // the last operation that did so
  uint32_t next_group_ = 1;
  uint32_t attempted_ = 0;
  uint32_t acknowledged_ = 0;
};

}  // namespace plugpull
