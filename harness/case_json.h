// The text of a case file, `plugpull.case/1`: one JSON object that jq reads. From the top: what was
// found and by which plugpull, what it takes to be seen again, and then everything else in words.
//
//   schema, version, commit       what wrote it
//   id, signature, class, promise, message    the finding; class and message must be seen again
//   fault_level, fault            the weakest level that reaches it, as number and name
//   fault_instance, failing_calls what happened beyond the disk's contract; which calls failed
//   models, strongest_model       that admit it, weakest first
//   target, target_version, options           what was tortured, and how it was explored
//   minimised                     what the case was before it was made smaller
//   crash                         where it was; what it lost and kept, in words and as atoms
//   recording, workload, operations           the run, in words; the last operations only
//   further                       crashes of the recoveries after it
//   payload                       base64 of trace files (faults/trace/trace_file.h, which are
//                                 compressed): of the run up to the crash, of each recovery
//   digest                        of all of the above (json_document.h)
//
// What the payload says in full and the text says in words is never read from the words. Fields are
// only ever added.
#pragma once

#include <string>
#include <string_view>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

inline constexpr const char* kCaseSchema = "plugpull.case/1";

// No trace of a case holds more than this once it is unpacked.
inline constexpr uint64_t kMaxCaseTraceBytes = uint64_t{1} << 30;

// Returns: the same text for the same case, always.
std::string EncodeCase(const Case& saved);

// Errors: kTooNew, kCorrupt; the text is a sentence about "this case".
Expected<Case> DecodeCase(std::string_view text);

}  // namespace plugpull
