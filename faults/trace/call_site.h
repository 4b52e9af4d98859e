// The call sites of a trace as a whole: what to call one, and how traces that are cut or joined
// keep theirs. Where they come from: faults/vfs/call_stack.h, faults/vfs/symboliser.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

// Returns: the frame that says most, as one short phrase: the innermost one of the program itself,
// not of a helper that everything is written or synced through. Of an engine in a shared library
// that is the library's innermost frame and the function of its interface that was called. Two
// sites may have one name; "" when there are no frames.
std::string NameOf(const CallSite& site);

// Returns: the names of all sites of a trace, [0] is site 1. As NameOf, and different for different
// sites: where NameOf is not enough, frames follow that make the difference.
std::vector<std::string> NamesOf(const std::vector<CallSite>& sites);

// Returns: all frames as one text. The same for the same site of the same build, in every run and
// every trace; frames of this project's engines keep it until their lines move.
std::string IdentityOf(const CallSite& site);

// Returns: the site of `trace` with these frames, which is added if it is new; 0 for no frames.
uint32_t SiteOf(Trace& trace, CallSite site);

// Leaves out the sites that no operation is from, and numbers the others in their order.
void KeepUsedSites(Trace& trace);

// Returns: what was done, without who did it: to compare traces of two doors or two builds.
Trace WithoutSites(Trace trace);

}  // namespace plugpull
