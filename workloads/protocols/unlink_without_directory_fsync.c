// Bug: a file is removed, which is promised before the directory is synced: it may come back.
#include "protocol.h"

static const char* name_of(int version) {
  static char name[16];
  snprintf(name, sizeof name, "item-%d", version);
  return name;
}

int main(int argc, char** argv) {
  if (is_check(argc, argv)) {
    const int promised = acknowledged();
    for (int version = 1; version <= promised; ++version) {
      if (access(name_of(version), F_OK) == 0) return broken("a removed file is back", version);
    }
    return 0;
  }
  for (int version = 1; version <= kVersions; ++version) {
    const int file = create(name_of(version));
    put(file, 0, 300, version);
    sync_file(file);
    close(file);
  }
  sync_directory();
  for (int version = 1; version <= kVersions; ++version) {
    must(unlink(name_of(version)), "unlink");
    acknowledge(version);
  }
  return 0;
}
