"""From MLflow's record of a study to conclusions: statistics, tables and figures."""
