// Who called a Vfs: the stack as return addresses, and as a call site of a trace.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

// Where a stack ends for us. While one lives, stacks that are captured on its thread end before the
// function that holds it: what the harness does around an engine is not the engine's. The innermost
// one counts. Requires: it is a local variable.
class CallBorder {
 public:
  [[gnu::always_inline]] CallBorder() : outer_(innermost_) {
    innermost_ = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  }
  ~CallBorder() { innermost_ = outer_; }
  CallBorder(const CallBorder&) = delete;
  CallBorder& operator=(const CallBorder&) = delete;

  // Returns: the address of the frame of the innermost border of this thread; 0: there is none.
  static uintptr_t Innermost() { return innermost_; }

 private:
  static inline thread_local uintptr_t innermost_ = 0;
  uintptr_t outer_;
};

// Return addresses, the innermost first.
using CallStack = std::vector<uintptr_t>;

// Replaces `stack` by that of its caller, up to the border. It is read from unwind tables, so
// libraries need no frame pointers; what comes after kMaxFrames is left out.
void CaptureCallStack(CallStack& stack);
inline constexpr size_t kMaxFrames = 64;

// Turns stacks into sites of one trace. Looks up each stack once.
// Thread-safety: one thread at a time.
class CallSiteNotes {
 public:
  // Returns: the site of `trace` that its caller was called from, without the frames of the door;
  // it is added if it is new. Requires: the same trace each time.
  uint32_t Note(Trace& trace);

 private:
  CallStack stack_;
  std::map<CallStack, uint32_t> sites_;
};

}  // namespace plugpull
