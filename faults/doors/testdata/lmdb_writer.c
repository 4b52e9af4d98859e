/* Transactions on an LMDB environment in the working directory; argument: "writemap" or nothing. */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  MDB_env* environment;
  const unsigned flags = argc > 1 && strcmp(argv[1], "writemap") == 0 ? MDB_WRITEMAP : 0;
  if (mdb_env_create(&environment) != 0) return 1;
  if (mdb_env_set_mapsize(environment, 64 << 20) != 0) return 1;
  if (mdb_env_open(environment, ".", flags, 0644) != 0) return 1;
  for (int i = 0; i < 200; ++i) {
    MDB_txn* transaction;
    MDB_dbi database;
    char text[600];
    memset(text, 'a' + i % 26, sizeof text);
    snprintf(text, sizeof text, "key %d", i * 37 % 101);
    MDB_val key = {strlen(text), text};
    MDB_val value = {sizeof text, text};
    if (mdb_txn_begin(environment, NULL, 0, &transaction) != 0) return 2;
    if (mdb_dbi_open(transaction, NULL, 0, &database) != 0) return 3;
    if (mdb_put(transaction, database, &key, &value, 0) != 0) return 4;
    if (mdb_txn_commit(transaction) != 0) return 5;
  }
  mdb_env_close(environment);
  return 0;
}
