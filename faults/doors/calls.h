// What each stopped call means: one function a call, in files by family. They look at the call,
// execute it through the stop, and write down what it did.
#pragma once

#include "faults/doors/call_table.h"

namespace plugpull {

// Bytes (calls_write.cpp, calls_copy.cpp, calls_size.cpp).
Expected<Answer> HandleWrite(Door& door, CallStop& call);
Expected<Answer> HandlePwrite(Door& door, CallStop& call);
Expected<Answer> HandleWritev(Door& door, CallStop& call);
Expected<Answer> HandlePwritev(Door& door, CallStop& call);
Expected<Answer> HandlePwritev2(Door& door, CallStop& call);
Expected<Answer> HandleSendfile(Door& door, CallStop& call);
Expected<Answer> HandleCopyFileRange(Door& door, CallStop& call);
Expected<Answer> HandleSplice(Door& door, CallStop& call);
Expected<Answer> HandleVmsplice(Door& door, CallStop& call);
Expected<Answer> HandleTee(Door& door, CallStop& call);
Expected<Answer> HandleIoctl(Door& door, CallStop& call);
Expected<Answer> HandleTruncate(Door& door, CallStop& call);
Expected<Answer> HandleFtruncate(Door& door, CallStop& call);
Expected<Answer> HandleFallocate(Door& door, CallStop& call);

// Files opened (calls_open.cpp).
Expected<Answer> HandleOpen(Door& door, CallStop& call);
Expected<Answer> HandleOpenat(Door& door, CallStop& call);
Expected<Answer> HandleOpenat2(Door& door, CallStop& call);
Expected<Answer> HandleCreat(Door& door, CallStop& call);

// Names (calls_names.cpp, calls_rename.cpp).
Expected<Answer> HandleMkdir(Door& door, CallStop& call);
Expected<Answer> HandleMkdirat(Door& door, CallStop& call);
Expected<Answer> HandleMknod(Door& door, CallStop& call);
Expected<Answer> HandleMknodat(Door& door, CallStop& call);
Expected<Answer> HandleSymlink(Door& door, CallStop& call);
Expected<Answer> HandleSymlinkat(Door& door, CallStop& call);
Expected<Answer> HandleUnlink(Door& door, CallStop& call);
Expected<Answer> HandleUnlinkat(Door& door, CallStop& call);
Expected<Answer> HandleRmdir(Door& door, CallStop& call);
Expected<Answer> HandleLink(Door& door, CallStop& call);
Expected<Answer> HandleLinkat(Door& door, CallStop& call);
Expected<Answer> HandleRename(Door& door, CallStop& call);
Expected<Answer> HandleRenameat(Door& door, CallStop& call);
Expected<Answer> HandleRenameat2(Door& door, CallStop& call);

// Attributes (calls_attributes.cpp, calls_xattr.cpp).
Expected<Answer> HandleChmod(Door& door, CallStop& call);
Expected<Answer> HandleFchmod(Door& door, CallStop& call);
Expected<Answer> HandleFchmodat(Door& door, CallStop& call);
Expected<Answer> HandleFchmodat2(Door& door, CallStop& call);
Expected<Answer> HandleChown(Door& door, CallStop& call);
Expected<Answer> HandleLchown(Door& door, CallStop& call);
Expected<Answer> HandleFchown(Door& door, CallStop& call);
Expected<Answer> HandleFchownat(Door& door, CallStop& call);
Expected<Answer> HandleUtime(Door& door, CallStop& call);
Expected<Answer> HandleUtimes(Door& door, CallStop& call);
Expected<Answer> HandleFutimesat(Door& door, CallStop& call);
Expected<Answer> HandleUtimensat(Door& door, CallStop& call);
Expected<Answer> HandleSetxattr(Door& door, CallStop& call);
Expected<Answer> HandleLsetxattr(Door& door, CallStop& call);
Expected<Answer> HandleFsetxattr(Door& door, CallStop& call);
Expected<Answer> HandleRemovexattr(Door& door, CallStop& call);
Expected<Answer> HandleLremovexattr(Door& door, CallStop& call);
Expected<Answer> HandleFremovexattr(Door& door, CallStop& call);

// What makes durable (calls_syncs.cpp).
Expected<Answer> HandleFsync(Door& door, CallStop& call);
Expected<Answer> HandleFdatasync(Door& door, CallStop& call);
Expected<Answer> HandleSyncFileRange(Door& door, CallStop& call);
Expected<Answer> HandleMsync(Door& door, CallStop& call);
Expected<Answer> HandleSync(Door& door, CallStop& call);
Expected<Answer> HandleSyncfs(Door& door, CallStop& call);

// What a program could hide behind (calls_process.cpp).
Expected<Answer> HandleMmap(Door& door, CallStop& call);
Expected<Answer> HandlePrctl(Door& door, CallStop& call);
Expected<Answer> HandleSeccomp(Door& door, CallStop& call);
Expected<Answer> HandleSizeLimit(Door& door, CallStop& call);
Expected<Answer> HandleOwnPlace(Door& door, CallStop& call);
Expected<Answer> HandleSwapon(Door& door, CallStop& call);

}  // namespace plugpull
