// Failing calls of a traced program in short: what a person types.
//
//   fdatasync:3=EIO          the third fdatasync fails
//   write@*-wal:2=ENOSPC     the second write to a file whose path ends so
//   fsync:4+=EIO             the fourth, and all after it
//   pwrite64:1=short(100)    the first writes 100 bytes and says so
//   *@data=EIO               the first call, whatever it is, on that file
//
// Without a number it is the first. write(*.log):2 and short:100 mean the same as write@*.log:2 and
// short(100). Several are joined with ','. The words are those of a failure plan, which may be
// given instead: fail(point=call/fdatasync,call=3,errno=EIO).
#pragma once

#include <string_view>

#include "faults/base/error.h"
#include "faults/inject/failure_plan.h"

namespace plugpull {

// Errors: kInvalidArgument, with an example or the nearest valid word.
Expected<FailurePlan> ParseCallFailure(std::string_view text);

}  // namespace plugpull
