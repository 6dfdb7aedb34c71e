#!/bin/sh
# A night on four nodes of a cluster:
#   night=$(sbatch --parsable slurm.sh)
#   sbatch --dependency=afterany:"$night" --wrap \
#     "stormproof merge nights/$night/shard-* --output nights/past/$night"
# There the next night finds it, to learn from it.
#SBATCH --job-name=stormproof
#SBATCH --array=1-4
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=09:00:00
# A job that was taken off its node goes on where it was: the same command finds its folder.
#SBATCH --requeue

mkdir -p nights/past
exec stormproof nightly night.toml \
  --seed "$SLURM_ARRAY_JOB_ID" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --past nights/past \
  --output "nights/$SLURM_ARRAY_JOB_ID/shard-$SLURM_ARRAY_TASK_ID"
