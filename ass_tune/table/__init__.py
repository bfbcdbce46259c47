"""The table that a study ends with: cells as rows, mIoU over seeds, gains over the baseline."""
