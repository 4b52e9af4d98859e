# Puts, a load, a scan and a compaction by the tool of RocksDB.
set -e
ldb --db=db --create_if_missing put first 1
i=0
while [ $i -lt 2000 ]; do
  echo "key$i ==> value$i"
  i=$((i + 1))
done | ldb --db=db load
ldb --db=db deleterange key1 key2
ldb --db=db compact
ldb --db=db scan | wc -l
