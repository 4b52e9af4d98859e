// Modes that files and directories were created with, where those are not the usual ones. A mode
// comes with its inode: no crash leaves the file and loses it, so it is no operation of its own. It
// is a fact of the trace.
#pragma once

#include <map>
#include <string>

#include "faults/trace/trace.h"

namespace plugpull {

// By inode: permissions in octal, as in "0600".
using CreationModes = std::map<InodeId, std::string>;

// Makes the modes a fact of the trace, which is saved with it and with what is cut from it.
void SetCreationModes(Trace& trace, const CreationModes& modes);

// Returns: the modes that the trace says; what makes no sense in it is left out.
CreationModes CreationModesOf(const Trace& trace);

}  // namespace plugpull
