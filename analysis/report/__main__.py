"""`python -m analysis.report STUDY`."""

import sys

from analysis.report.command import main
from trainables.command_line import as_process

sys.exit(as_process(main))
