# A server with an append-only file that is synced at each write, and rewritten once.
set -e
redis-server --port 0 --unixsocket "$PLUGPULL_SCRATCH/redis" --dir "$PWD" --appendonly yes \
  --appendfsync always --save '' --daemonize no --logfile '' >"$PLUGPULL_SCRATCH/log" &
server=$!
ask() { redis-cli -s "$PLUGPULL_SCRATCH/redis" "$@"; }
until ask ping >/dev/null 2>&1; do sleep 0.05; done
i=0
while [ $i -lt 300 ]; do
  echo "set key$i value$i"
  i=$((i + 1))
done | ask >/dev/null
ask bgrewriteaof
until ask info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.05; done
ask set after rewrite
ask shutdown nosave || true
wait $server
