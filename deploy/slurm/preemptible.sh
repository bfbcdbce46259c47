#!/bin/bash
# A study on one node of a queue that may take the node away: sbatch deploy/slurm/preemptible.sh csa --studies /shared/studies
# The job ends before its time is over, or when Slurm preempts it, is queued again, and goes on where it was.
#SBATCH --job-name=ass-tune
#SBATCH --partition=preemptible
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus=1
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
set -uo pipefail

# seconds until Slurm ends the job; nothing where it has no end
left() {
    local end=${SLURM_JOB_END_TIME:-}
    [[ -n $end ]] || end=$(date -d "$(scontrol show job "$SLURM_JOB_ID" | grep -o 'EndTime=[^ ]*' | cut -d= -f2)" +%s 2>/dev/null)
    [[ -n $end ]] && echo "$((end - $(date +%s)))"
}

limit=()
seconds=$(left) && limit=(--limit "${seconds}s")

driver=
# with B: only this shell gets the signal; the driver lets the trials save themselves
trap '[[ -n $driver ]] && kill -USR1 "$driver"' USR1
trap '[[ -n $driver ]] && kill -TERM "$driver"' TERM
ass-tune run "$@" "${limit[@]}" &
driver=$!
wait "$driver"
code=$?
while kill -0 "$driver" 2>/dev/null; do # a signal has ended the wait, and not the study
    wait "$driver"
    code=$?
done

# 130: it ended before its limit; 138: by SIGUSR1. After 143, SIGTERM, Slurm itself queues a preempted job again.
if ((code == 130 || code == 138)); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
