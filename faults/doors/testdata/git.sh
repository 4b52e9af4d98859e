# A repository: commits, a branch, a merge, and its collection of garbage.
set -e
export HOME="$PLUGPULL_SCRATCH" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@a
git init --quiet --initial-branch=main repository
cd repository
git config core.fsync all
i=0
while [ $i -lt 8 ]; do
  echo "line $i" >>"file$((i % 3))"
  git add .
  git commit --quiet --message="commit $i"
  i=$((i + 1))
done
git checkout --quiet -b side HEAD~3
echo side >side
git add side
git commit --quiet --message=side
git merge --quiet --no-edit main
git gc --quiet
git fsck
