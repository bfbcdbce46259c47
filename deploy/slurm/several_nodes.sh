#!/bin/bash
# A study on several nodes, a Ray cluster as long as the job: sbatch deploy/slurm/several_nodes.sh csa --studies /shared/studies
# Whole nodes, because `ray stop` at the end stops every Ray of yours on a node.
#SBATCH --job-name=ass-tune
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --exclusive
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
set -uo pipefail

# this shell runs on the job's first node, which becomes the head of the cluster
address="$(hostname -I | cut -d' ' -f1):6379"
pid_file="${TMPDIR:-/tmp}/ass-tune-$SLURM_JOB_ID.pid"
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds for all nodes to join

# seconds until Slurm ends the job; nothing where it has no end
left() {
    local end=${SLURM_JOB_END_TIME:-}
    [[ -n $end ]] || end=$(date -d "$(scontrol show job "$SLURM_JOB_ID" | grep -o 'EndTime=[^ ]*' | cut -d= -f2)" +%s 2>/dev/null)
    [[ -n $end ]] && echo "$((end - $(date +%s)))"
}

limit=()
seconds=$(left) && limit=(--limit "${seconds}s")

# only the driver gets the signal: Ray's own processes would end at once, and trials with them
trap '[[ -f $pid_file ]] && kill -USR1 "$(cat "$pid_file")"' USR1
trap '[[ -f $pid_file ]] && kill -TERM "$(cat "$pid_file")"' TERM
# shellcheck disable=SC2016  # $$, $0 and $@ are those of the inner shell
srun --kill-on-bad-exit=0 ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus "$SLURM_CPUS_PER_TASK" --num-gpus "${SLURM_GPUS_ON_NODE:-0}" --disable-usage-stats -- \
    bash -c 'echo $$ >"$0"; exec "$@"' "$pid_file" ass-tune run "$@" --address "$address" "${limit[@]}" &
step=$!
wait "$step"
code=$?
while kill -0 "$step" 2>/dev/null; do # a signal has ended the wait, and not the step
    wait "$step"
    code=$?
done
rm -f "$pid_file"

# 130: it ended before its limit; 138: by SIGUSR1. After 143, SIGTERM, Slurm itself queues a preempted job again.
if ((code == 130 || code == 138)); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
