"""The packages of the wheel, which also has the search spaces that lie beside them in a checkout."""

from setuptools import find_packages, setup

SEARCH_SPACES = {"ass_tune.search_spaces": "search_spaces", "ass_tune.search_spaces.paper": "search_spaces/paper"}

setup(
    packages=[*find_packages(include=["analysis*", "ass_tune*", "trainables*"]), *SEARCH_SPACES],
    package_dir=SEARCH_SPACES,
    package_data={
        "": ["*.json", "*.j2", "py.typed"],
        "trainables.domains": ["shipped/*.yaml"],
        **{package: ["*.yaml"] for package in SEARCH_SPACES},
    },
)
