"""Values of environment variables that people, schedulers and containers set, wrong ones among them."""

from __future__ import annotations

NOWHERE = "/nowhere/at/all"
FOLDERS = ("", " ", ".", "~", NOWHERE, "/dev/null", "/proc/self", "relative/é", "a" * 300)

VALUES: dict[str, tuple[str, ...]] = {
    "MLFLOW_TRACKING_URI": ("", " ", "localhost:5000", "http://", "file:///nowhere", "htp://x", "sqlite:///", "é"),
    "ASS_LEDGER": (
        *("", " ", "nonsense", "ledger.journal", "http://x", "sqlite://", f"sqlite:///{NOWHERE}/x.db", "sqlite:////"),
        *("postgresql://ann:s3cret@127.0.0.1:9/x", "mysql://ann:s3cret@127.0.0.1:9/x", "postgresql://:x", "://"),
    ),
    "ASS_DATA_ROOT": FOLDERS,
    "ASS_CACHE": FOLDERS,
    "TMPDIR": FOLDERS,
    "HOME": FOLDERS,
    "PYTHONIOENCODING": ("", "ascii", "latin-1:replace"),
    "COLUMNS": ("", "0", "1", "-5", "12", "100000", "wide", "9" * 30),
    "LINES": ("", "0", "-1", "tall"),
    "TERM": ("", "dumb", "unknown", "xterm-é"),
    "NO_COLOR": ("", "1"),
    "FORCE_COLOR": ("", "1"),
    "LANG": ("", "C", "POSIX", "xx_YY.nonsense"),
    "LC_ALL": ("C", "xx_YY.nonsense"),
    "TZ": ("", "Nowhere/Nothing", "Asia/Kathmandu"),
    "RAY_ADDRESS": ("", "auto", "127.0.0.1:9", "nonsense"),
    "RAY_TMPDIR": (NOWHERE,),
    "CUDA_VISIBLE_DEVICES": ("", "-1", "99", "all", "GPU-é"),
    "OMP_NUM_THREADS": ("", "0", "-1", "100000", "many"),
}
"""By variable; each that a study, Ray, MLflow, torch, rich or Python reads."""
