#include "faults/vfs/call_stack.h"

#include <unwind.h>

#include <string_view>
#include <utility>

#include "faults/trace/call_site.h"
#include "faults/vfs/symboliser.h"

namespace plugpull {
namespace {

struct Capture {
  CallStack& stack;
  uintptr_t border;  // 0: none
};

_Unwind_Reason_Code TakeFrame(_Unwind_Context* context, void* argument) {
  auto& capture = *static_cast<Capture*>(argument);
  // What is said of a frame here is its stack pointer at the call that it is in. The stack grows
  // downwards: the first one above the frame address of the border's function is its caller's.
  if (capture.border != 0 && _Unwind_GetCFA(context) > capture.border) {
    if (!capture.stack.empty()) capture.stack.pop_back();
    return _URC_NORMAL_STOP;
  }
  if (capture.stack.size() == kMaxFrames) return _URC_NORMAL_STOP;
  if (const uintptr_t address = _Unwind_GetIP(context)) capture.stack.push_back(address);
  return _URC_NO_REASON;
}

// Frames that a language or a loop puts between a function and what it calls.
bool IsBetween(std::string_view function) {
  return function.starts_with("std::") || function.starts_with("RetryInterrupted") ||
         function.ends_with("_FUN");
}

bool IsOfDoor(std::string_view function) {
  for (const char* door : {"RecordingVfs::", "RecordingFile::", "CallSiteNotes::", "CaptureCall"}) {
    if (function.starts_with(door)) return true;
  }
  return false;
}

}  // namespace

void CaptureCallStack(CallStack& stack) {
  stack.clear();
  Capture capture{stack, CallBorder::Innermost()};
  _Unwind_Backtrace(&TakeFrame, &capture);
}

uint32_t CallSiteNotes::Note(Trace& trace) {
  CaptureCallStack(stack_);
  const auto [known, is_new] = sites_.try_emplace(stack_);
  if (!is_new) return known->second;
  CallSite site;
  bool inside_door = true;
  for (const uintptr_t address : stack_) {
    for (const SourceFrame& frame : FramesAt(address)) {
      inside_door = inside_door && IsOfDoor(frame.function);
      if (!inside_door && !IsBetween(frame.function)) site.frames.push_back(Text(frame));
    }
  }
  known->second = SiteOf(trace, std::move(site));
  return known->second;
}

}  // namespace plugpull
