#include "harness/sync_proposals.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "faults/base/assert.h"
#include "faults/trace/call_site.h"
#include "faults/trace/snapshot_mark.h"

namespace plugpull {
namespace {

constexpr std::string_view kBeginCall = "begin";
constexpr std::string_view kAcknowledgeCall = "acknowledge";
constexpr std::string_view kEndCall = "end";

// A wrapper that writes on after a short write is two frames.
constexpr size_t kFramesOfLine = 3;

// What comes after these has nothing to do with what comes before.
bool IsBorder(std::string_view call) {
  return call == kBeginCall || call == kAcknowledgeCall || call == kEndCall;
}

// Returns: the directory that the operation changed at the thing's name, or kNoInode.
InodeId DirectoryOf(const Op& op, SyncedThing thing) {
  const bool has_names = op.directory != kNoInode || op.other_directory != kNoInode;
  if (!has_names) return kNoInode;
  return thing == SyncedThing::kTargetDirectory ? op.other_directory : op.directory;
}

size_t CallsAfter(PlaceWidth width) {
  switch (width) {
    case PlaceWidth::kCallBefore:
      return 0;
    case PlaceWidth::kCallsAround:
      return 1;
    case PlaceWidth::kTwoCallsAfter:
      return 2;
  }
  return 0;
}

}  // namespace

SyncPlaces::SyncPlaces(const Trace& trace, const EngineType& type)
    : trace_(trace), roles_(trace, type) {
  calls_.reserve(trace.ops.size() + 1);
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kBegin || op.kind == OpKind::kAcknowledge) {
      calls_.emplace_back(op.kind == OpKind::kBegin ? kBeginCall : kAcknowledgeCall);
      continue;
    }
    std::string call = fmt::format("{}({})", Name(op.kind), roles_.Of(op.inode));
    // The innermost frames are the line of code that calls; who calls that is another matter.
    const std::vector<std::string> frames = FramesOf(trace, op);
    for (const std::string& frame :
         std::span(frames).first(std::min(frames.size(), kFramesOfLine))) {
      call += "\n" + frame;
    }
    calls_.push_back(std::move(call));
  }
  calls_.emplace_back(kEndCall);
}

std::vector<std::string> SyncPlaces::Around(size_t before, PlaceWidth width) const {
  std::vector<std::string> calls;
  calls.push_back(before == 0 ? std::string(kEndCall) : calls_[before - 1]);
  for (size_t i = 0; i < CallsAfter(width); ++i) {
    const size_t at = std::min(before + i, trace_.ops.size());
    calls.push_back(calls_[at]);
    if (IsBorder(calls_[at])) break;
  }
  return calls;
}

InodeId SyncPlaces::ThingAt(size_t before, SyncedThing thing, const std::string& role) const {
  for (size_t i = before; i-- > 0;) {
    const Op& op = trace_.ops[i];
    if (op.result_errno != 0 || op.inode == kNoInode || roles_.Of(op.inode) != role) continue;
    if (thing == SyncedThing::kFile) return op.inode;
    if (const InodeId directory = DirectoryOf(op, thing); directory != kNoInode) return directory;
  }
  return kNoInode;
}

std::vector<SyncProposal> SyncPlaces::At(size_t before, SyncedThing thing,
                                         const std::string& role) const {
  std::vector<SyncProposal> proposals;
  for (const PlaceWidth width :
       {PlaceWidth::kCallBefore, PlaceWidth::kCallsAround, PlaceWidth::kTwoCallsAfter}) {
    SyncProposal proposal{
        .kind = thing == SyncedThing::kFile ? OpKind::kSync : OpKind::kSyncDirectory,
        .thing = thing,
        .role = role,
        .width = width,
        .calls = Around(before, width),
        .added = {}};
    for (size_t i = SnapshotEnd(trace_); i <= trace_.ops.size(); ++i) {
      if (i == 0 || calls_[i - 1] != proposal.calls.front()) continue;
      if (Around(i, width) != proposal.calls) continue;
      const InodeId inode = ThingAt(i, thing, role);
      if (inode == kNoInode) continue;
      proposal.added.push_back({.before = i, .op = {.kind = proposal.kind, .inode = inode}});
    }
    if (proposal.added.empty()) continue;
    const auto same = std::ranges::find(proposals, proposal.added, &SyncProposal::added);
    if (same == proposals.end()) {
      proposals.push_back(std::move(proposal));
    } else if (width == PlaceWidth::kCallsAround) {
      *same = std::move(proposal);  // the call after it always is that one, which is good to know
    }
  }
  return proposals;
}

std::string ThingText(const SyncProposal& proposal) {
  const std::string_view call = proposal.kind == OpKind::kDataSync ? "fdatasync" : "fsync";
  switch (proposal.thing) {
    case SyncedThing::kFile:
      return fmt::format("{} of {}", call, proposal.role);
    case SyncedThing::kDirectory:
      return fmt::format("{} of the directory of {}", call, proposal.role);
    case SyncedThing::kTargetDirectory:
      return fmt::format("{} of the directory of the new name of {}", call, proposal.role);
  }
  return "";
}

namespace {

// Returns: the call as a reader finds it: where it was made, if that is known.
std::string CallText(const std::string& call) {
  CallSite site;
  size_t line_end = call.find('\n');
  const std::string what = call.substr(0, line_end);
  while (line_end != std::string::npos) {
    const size_t begin = line_end + 1;
    line_end = call.find('\n', begin);
    site.frames.push_back(call.substr(begin, line_end - begin));
  }
  return site.frames.empty() ? what : fmt::format("{} in {}", what, NameOf(site));
}

std::string AfterText(const std::string& call) {
  if (call == kBeginCall) return "at the begin of a transaction";
  if (call == kAcknowledgeCall) return "after a commit has returned";
  if (call == kEndCall) return "at the begin";
  return "after " + CallText(call);
}

std::string BeforeText(const std::string& call) {
  if (call == kBeginCall) return "the next transaction begins";
  if (call == kAcknowledgeCall) return "the commit returns";
  if (call == kEndCall) return "the end";
  return CallText(call);
}

}  // namespace

std::string PlaceText(const SyncProposal& proposal) {
  Assert(!proposal.calls.empty(), "a place has a call before it");
  std::string text = AfterText(proposal.calls[0]);
  if (proposal.calls.size() > 1) text += ", before " + BeforeText(proposal.calls[1]);
  if (proposal.calls.size() > 2) text += " that comes before " + BeforeText(proposal.calls[2]);
  return text;
}

}  // namespace plugpull
