"""ASS: alleviating semantic-level shift (Wang et al., 2020), in the order of the paper."""
