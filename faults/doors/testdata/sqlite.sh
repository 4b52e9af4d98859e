# Commits by the command-line shell of SQLite, in the journal mode $1.
set -e
{
  echo "pragma journal_mode=$1; pragma synchronous=full;"
  echo "create table t(a integer primary key, b text);"
  i=0
  while [ $i -lt 100 ]; do
    echo "insert into t(b) values (hex(randomblob(200)));"
    i=$((i + 1))
  done
  echo "delete from t where a % 3 = 0; vacuum; pragma integrity_check;"
} | sqlite3 -bail test.db
